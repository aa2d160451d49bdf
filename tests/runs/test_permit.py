"""What forbids the next post, and in which order it is asked."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.people import People
from shared import state
from shared.adapters.clock import Deadline
from shared.catalog import Catalog
from shared.errors import LeaseLost, TryLater
from shared.runs.advance import advance, start
from shared.runs.holder import Holder
from shared.runs.lock.account import lock_account
from shared.runs.lock.export import ExportLock
from shared.runs.lock.lease import TRUSTED_FOR
from shared.runs.starting import Request
from shared.runs.steps.permit import Canceled, RunPermit, is_cancel_requested, pause_of, request_cancel
from shared.services import Services
from tests.support.open_runs import ANOTHER_RUN
from tests.support.stores import WatchedStore
from tests.support.world import World

LOCKS = ["heads/vip.json", "locks/account-SNDBOX"]


@contextmanager
def holding(world: World, services: Services) -> Iterator[RunPermit]:
    """The permit of a holder of vip's open run and its account."""
    with ExitStack() as stack:
        lock = stack.enter_context(ExportLock.acquire(world.services.state, "vip", world.clock))
        holder = Holder(lock, services, Deadline(world.clock, 60))
        yield RunPermit(holder, stack.enter_context(lock_account(services, "SNDBOX", ANOTHER_RUN)))


@pytest.fixture
def run_id(world: World) -> str:
    """A pinned run that is open."""
    world.segment(People(1))
    world.document("connections/sandbox.json", paused=True)
    record = start(world.services, "vip", Request("on_demand", "tester"))
    record = advance(world.services, record, Deadline(world.clock, 1))
    world.document("connections/sandbox.json")
    return record.id


def lose(world: World, name: str) -> None:
    """Takes a lock away under its holder, who has been paused for longer than it believes in it."""
    world.clock.sleep(TRUSTED_FOR + 1)
    (file,) = (world.folder / "state").rglob(f"*{Path(name).stem}*.lock")
    file.unlink()


def test_nothing_forbids_a_post(world: World, run_id: str) -> None:
    """Of a run that nobody ends, over a connection that is not paused, while both locks are held."""
    with holding(world, world.services) as permit:
        permit.check()
        world.clock.sleep(TRUSTED_FOR + 1)
        permit.check()


@pytest.mark.parametrize("name", LOCKS)
def test_a_lost_lock_forbids_a_post(world: World, run_id: str, name: str) -> None:
    """That of the export, and that of its account."""
    with holding(world, world.services) as permit:
        lose(world, name)
        with pytest.raises(LeaseLost):
            permit.check()


@pytest.mark.parametrize("name", LOCKS)
def test_the_locks_are_asked_last(world: World, run_id: str, name: str) -> None:
    """What is asked before takes time, in which either may be lost."""

    class Slow(WatchedStore):
        def called(self, what: str, name_: str) -> None:
            if name_ == "connections/sandbox.json":
                lose(world, name)

    services = replace(world.services, catalog=Catalog(Slow(world.services.state)))
    with holding(world, services) as permit, pytest.raises(LeaseLost):
        permit.check()


def by_setting(world: World) -> Services:
    return replace(world.services, settings=replace(world.services.settings, exports_paused=True))


def by_connection(world: World) -> Services:
    world.document("connections/sandbox.json", paused=True)
    return world.services


@pytest.mark.parametrize(("pause", "named"), [(by_setting, "EXPORTS_PAUSED"), (by_connection, "'sandbox'")])
def test_a_pause_forbids_a_post(
    world: World, run_id: str, pause: Callable[[World], Services], named: str
) -> None:
    """For five seconds, after which somebody may have lifted it; the message says who."""
    services = pause(world)
    with holding(world, services) as permit, pytest.raises(TryLater) as caught:
        permit.check()

    assert (caught.value.code, caught.value.retry_after) == ("paused", 5)
    assert named in caught.value.message
    assert pause_of(services, "sandbox") == caught.value.message


@pytest.mark.parametrize("pause", [by_setting, by_connection])
def test_a_cancel_comes_before_a_pause(world: World, run_id: str, pause: Callable[[World], Services]) -> None:
    """A paused run that somebody cancels ends, and does not wait for the end of the pause."""
    with holding(world, pause(world)) as permit:
        request_cancel(world.services.state, run_id)
        with pytest.raises(Canceled):
            permit.check()


def test_a_cancel_is_asked_for_once(world: World, run_id: str) -> None:
    """However often somebody clicks, and it is this run's alone."""
    store = world.services.state
    assert not is_cancel_requested(store, run_id)
    request_cancel(store, run_id)
    written = store.stat(state.cancel(run_id)).etag
    request_cancel(store, run_id)

    assert is_cancel_requested(store, run_id)
    assert not is_cancel_requested(store, "vip.20260824T143300Z-0000")
    assert store.stat(state.cancel(run_id)).etag == written
