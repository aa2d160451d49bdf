"""What a turn is told of the world outside its run, by the run's state and by who asks."""

from dataclasses import replace
from datetime import timedelta

import pytest

from sandbox.people import People
from shared import state
from shared.adapters.clock import Deadline
from shared.errors import StorageUnavailable
from shared.runs.advance import advance, start
from shared.runs.heads.head import MOST_SUPERSEDED
from shared.runs.holder import Holder
from shared.runs.lock.export import ExportLock
from shared.runs.signals import is_outdated, read_signals
from shared.runs.starting import Request
from shared.runs.states import Signals
from shared.runs.steps.permit import request_cancel
from shared.services import Services
from tests.support.stores import CountingStore, WatchedStore, with_segments
from tests.support.world import MONDAY, World

NOTHING = Signals()


def signals(world: World, services: Services | None = None, *, on_demand: bool = False) -> Signals:
    """What a holder of vip's open run would be told now."""
    with ExportLock.acquire(world.services.state, "vip", world.clock) as lock:
        holder = Holder(lock, services or world.services, Deadline(world.clock, 60))
        return read_signals(holder, on_demand=on_demand)


def opened(world: World) -> str:
    """An open run that nobody has begun: its id."""
    world.segment(People(5))
    return start(world.services, "vip", Request("on_demand", "tester")).id


def sending(world: World) -> str:
    """An open run that is pinned, has sent nothing, and waits for the end of a pause."""
    run_id = opened(world)
    world.document("connections/sandbox.json", paused=True)
    record = start(world.services, "vip", Request("on_demand", "tester"))
    assert advance(world.services, record, Deadline(world.clock, 1)).status == "running"
    return run_id


def confirming(world: World) -> str:
    """An open run whose job Klaviyo works on."""
    world.stand_in.job_seconds = 1_000
    run_id = opened(world)
    record = start(world.services, "vip", Request("on_demand", "tester"))
    assert advance(world.services, record, Deadline(world.clock, 1)).phase == "confirming"
    return run_id


def newer(world: World) -> None:
    world.segment(People(6), MONDAY + timedelta(minutes=30))


def test_what_was_only_opened_is_told_of_a_cancel_alone(world: World) -> None:
    """It has pinned nothing that could be old."""
    run_id = opened(world)
    newer(world)
    assert signals(world) == signals(world, on_demand=True) == NOTHING
    request_cancel(world.services.state, run_id)
    assert signals(world) == Signals(canceled=True)


def test_what_sends_is_told_of_a_newer_snapshot(world: World) -> None:
    """And of a pause that still holds, and of a cancel beside them."""
    run_id = sending(world)
    assert signals(world) == Signals(paused=True)
    newer(world)
    assert signals(world) == Signals(superseded=True, paused=True)
    world.document("connections/sandbox.json")
    assert signals(world) == Signals(superseded=True)
    request_cancel(world.services.state, run_id)
    assert signals(world) == Signals(canceled=True, superseded=True)


def test_an_older_snapshot_ends_nothing(world: World) -> None:
    """Somebody removed the newest one: what is pinned is newer than what is left."""
    world.segment(People(4), MONDAY - timedelta(hours=3))
    sending(world)
    for blob in list(world.services.segment_store.list()):
        if "/1433/" in blob.name:
            world.services.segment_store.delete(blob.name)
    world.segment(People(4), MONDAY - timedelta(hours=2))

    assert not signals(world).superseded
    assert not signals(world, on_demand=True).superseded


def test_the_third_run_in_a_row_is_ended_on_demand_only(world: World) -> None:
    """The timer lets it get there."""
    sending(world)
    with ExportLock.acquire(world.services.state, "vip", world.clock) as lock:
        lock.head.superseded = MOST_SUPERSEDED
        lock.checkpoint()
    newer(world)

    assert not signals(world).superseded
    assert signals(world, on_demand=True).superseded


def test_what_is_confirmed_is_told_of_a_newer_snapshot_that_is_due(world: World) -> None:
    """By the timer's rules, or because somebody waits; it can't be canceled any more."""
    run_id = confirming(world)
    request_cancel(world.services.state, run_id)
    assert signals(world) == signals(world, on_demand=True) == NOTHING
    newer(world)
    assert signals(world) == signals(world, on_demand=True) == Signals(newer_due=True)


@pytest.mark.parametrize("document", ["inactive", "gone", "broken"])
def test_where_nothing_is_due_klaviyo_may_work(world: World, document: str) -> None:
    """Nobody would export the newer snapshot: only a person who waits for it ends the run."""
    confirming(world)
    newer(world)
    if document == "inactive":
        world.document("exports/vip.json", schedule={"active": False})
    elif document == "gone":
        world.services.state.delete(state.export("vip"))
    else:
        world.services.state.write(state.export("vip"), b"{")

    assert signals(world) == NOTHING
    assert signals(world, on_demand=True) == Signals(newer_due=True)


def test_what_is_being_closed_is_told_nothing(world: World) -> None:
    """And nothing is asked."""
    run_id = sending(world)
    newer(world)
    request_cancel(world.services.state, run_id)
    with ExportLock.acquire(world.services.state, "vip", world.clock) as lock:
        lock.run.cut_short("canceled")
        lock.checkpoint()
    store = CountingStore(world.services.state)

    assert signals(world, replace(world.services, state=store)) == NOTHING
    assert store.calls == []


@pytest.mark.parametrize("reason", ["throttled", None])
def test_only_a_run_that_was_paused_is_told_of_the_pause(world: World, reason: str | None) -> None:
    """Any other meets it at its next post."""
    sending(world)
    with ExportLock.acquire(world.services.state, "vip", world.clock) as lock:
        assert lock.run.wait is not None
        lock.run.wait.reason = reason
        lock.checkpoint()
    assert signals(world) == NOTHING


def test_a_pause_over_a_connection_that_is_gone_holds_no_longer(world: World) -> None:
    """The next step meets what is wrong, and says so."""
    sending(world)
    world.services.state.delete(state.connection("sandbox"))
    assert signals(world) == NOTHING


class Away(WatchedStore):
    def called(self, what: str, name: str) -> None:
        raise StorageUnavailable("away")


def test_segments_that_are_away_are_no_newer_ones(world: World) -> None:
    """The run goes on with what it has pinned, or is confirmed."""
    sending(world)
    newer(world)
    store = Away(world.services.segment_store)
    services = with_segments(world.services, store)

    assert signals(world, services) == signals(world, services, on_demand=True) == Signals(paused=True)


def test_a_run_without_a_plan_is_not_outdated(world: World) -> None:
    """One with a plan is, from the newer snapshot on; no segment is asked for without need."""
    opened(world)
    segments = CountingStore(world.services.segment_store)
    services = with_segments(world.services, segments)
    newer(world)
    with ExportLock.acquire(world.services.state, "vip", world.clock) as lock:
        assert not is_outdated(services, lock.run)
    assert signals(world, services) == NOTHING
    assert segments.calls == []
