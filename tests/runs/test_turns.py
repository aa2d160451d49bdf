"""One holder's turn: what it has written down by the time it dies, rests or meets an error."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sandbox.people import People
from shared import state
from shared.adapters.clock import Deadline
from shared.adapters.vault import Vault
from shared.errors import Denied, StorageUnavailable
from shared.runs.advance import advance, begin, resume, run, start
from shared.runs.heads.head import read_head
from shared.runs.lock.account import lock_account
from shared.runs.lock.export import ExportLock
from shared.runs.record import RunRecord
from shared.runs.run import OpenRun
from shared.runs.starting import Request
from shared.runs.states import State, Wait
from shared.runs.steps.permit import request_cancel
from shared.runs.turn import take_turn
from tests.support.dying import Died, at_the_record, dying
from tests.support.open_runs import ANOTHER_RUN
from tests.support.stores import WatchedStore, with_segments
from tests.support.world import MONDAY, World

ON_DEMAND = Request("on_demand", "tester")
LATER = MONDAY + timedelta(minutes=30)


def opened(world: World) -> RunRecord:
    return start(world.services, "vip", ON_DEMAND)


def open_run(world: World, export: str = "vip") -> OpenRun:
    """The open run as it is written down."""
    head, _ = read_head(world.services.state, export)
    assert head.open is not None
    return head.open


def paused(world: World) -> RunRecord:
    """A pinned run that has sent nothing, and waits."""
    world.document("connections/sandbox.json", paused=True)
    record = advance(world.services, opened(world), Deadline(world.clock, 1))
    world.document("connections/sandbox.json")
    return record


def test_a_turn_is_written_down_before_anything_is_done_in_it(world: World) -> None:
    """A holder that dies at once counts, however little it has done."""
    world.segment(People(5))
    record = opened(world)
    services = dying(world.services, lambda what, name: (what, name) == ("read", "exports/vip.json"))
    for deaths in (1, 2):
        with pytest.raises(Died):
            resume(services, "vip", record.id, world.deadline())
        assert (open_run(world).unfinished_turns, open_run(world).state) == (deaths, State.PINNING)


def test_a_turn_that_ends_alive_is_no_death(world: World) -> None:
    """A busy account is met again and again, and the run gets there when it is free."""
    world.segment(People(5))
    record = opened(world)
    with lock_account(world.services, "SNDBOX", ANOTHER_RUN):
        for _ in range(10):
            progress = resume(world.services, "vip", record.id, world.deadline())
            until = world.clock.now() + timedelta(seconds=5)
            assert progress.not_before == until
            assert open_run(world).wait == Wait(until=until, reason="account_busy")
            assert open_run(world).unfinished_turns == 0
            world.clock.sleep(10)

    assert resume(world.services, "vip", record.id, world.deadline()).record.status == "successful"


def test_a_run_that_rests_is_not_written(world: World) -> None:
    """Somebody who looks too early gets the time, and changes nothing."""
    world.segment(People(5))
    record = opened(world)
    with lock_account(world.services, "SNDBOX", ANOTHER_RUN):
        waiting = resume(world.services, "vip", record.id, world.deadline())
    before = world.services.state.stat(state.head("vip")).etag

    progress = resume(world.services, "vip", record.id, world.deadline())

    assert (progress.not_before, progress.record) == (waiting.not_before, waiting.record)
    assert world.services.state.stat(state.head("vip")).etag == before


class Away(WatchedStore):
    def called(self, what: str, name: str) -> None:
        raise StorageUnavailable("away")


def test_who_does_not_say_when_to_come_back_is_left_alone_for_half_a_minute(world: World) -> None:
    """The segments' store is away while a run begins."""
    world.segment(People(5))
    record = opened(world)
    store = Away(world.services.segment_store)
    services = with_segments(world.services, store)

    progress = resume(services, "vip", record.id, world.deadline())

    assert progress.not_before == world.clock.now() + timedelta(seconds=30)
    assert open_run(world).wait == Wait(until=progress.not_before, reason="storage_unavailable")


def canceled(world: World) -> RunRecord:
    record = opened(world)
    request_cancel(world.services.state, record.id)
    return record


def superseded(world: World) -> RunRecord:
    record = paused(world)
    world.segment(People(6), LATER)
    return record


def worn_out(world: World) -> RunRecord:
    record = opened(world)
    for _ in range(5):
        with ExportLock.acquire(world.services.state, "vip", world.clock) as lock:
            lock.run.begin_turn(world.clock.now())
            lock.checkpoint()
    return record


def failed(world: World) -> RunRecord:
    world.document("exports/vip.json", list_id="NoSuch")
    return opened(world)


def canceled_at_the_post(world: World) -> RunRecord:
    """Somebody cancels after the turn has begun, right before the post."""
    record = paused(world)
    cancel_at = iter([lambda: request_cancel(world.services.state, record.id)])

    class Canceling(WatchedStore):
        def called(self, what: str, name: str) -> None:
            if name.startswith("locks/account"):
                next(cancel_at, lambda: None)()

    world.services = replace(world.services, state=Canceling(world.services.state))
    return record


ENDINGS = [
    (canceled, "canceled", None),
    (canceled_at_the_post, "canceled", None),
    (superseded, "superseded", None),
    (worn_out, "failed", "no_progress"),
    (failed, "failed", "unknown_list"),
]


@pytest.mark.parametrize(("leave", "cause", "code"), ENDINGS)
def test_the_cause_of_an_end_is_written_down_at_once(
    world: World, leave: Callable[[World], RunRecord], cause: str, code: str | None
) -> None:
    """Whoever comes after a death brings the same end about, even if the cause is gone."""
    world.segment(People(5))
    record = leave(world)

    with pytest.raises(Died):
        begin(dying(world.services, at_the_record), "vip", ON_DEMAND, world.deadline())

    cut = open_run(world).cut
    assert cut is not None
    assert (cut.cause, cut.error.code if cut.error else None) == (cause, code)
    assert open_run(world).state is State.CLOSING
    assert open_run(world).record.id == record.id


class Denying(WatchedStore):
    def called(self, what: str, name: str) -> None:
        if at_the_record(what, name):
            raise Denied("no")


def test_a_record_that_may_not_be_written_is_told_and_written_later(world: World) -> None:
    """The run stays open with all that it has counted."""
    world.segment(People(5))
    record = opened(world)

    with pytest.raises(Denied):
        advance(replace(world.services, state=Denying(world.services.state)), record, world.deadline())

    assert open_run(world).record.id == record.id
    closed = world.run()
    assert (closed.id, closed.status, closed.counts.imported) == (record.id, "successful", 5)


class WrongKey(Vault):
    """Whoever hammers it is stopped."""

    is_writable = False
    asked = 0

    def secret(self, name: str) -> str:
        self.asked += 1
        assert self.asked < 10
        return "pk_wrong"

    def write(self, name: str, key: str) -> None:
        raise Denied(name)

    def replace(self, name: str, key: str) -> None:
        raise Denied(name)

    def remove(self, name: str) -> None:
        raise Denied(name)


@pytest.mark.parametrize("runs", [1, 2])
def test_a_key_that_does_not_work_is_read_once_more(world: World, runs: int) -> None:
    """In each turn, since it may have been changed meanwhile; then the run fails."""
    world.segment(People(5))
    services = replace(world.services, vault=WrongKey())

    for _ in range(runs):
        record = run(services, "vip", ON_DEMAND, world.deadline())
        assert record.error is not None
        assert record.error.code == "invalid_key"

    assert [request.path for request in world.stand_in.requests] == ["/api/accounts"] * 2 * runs


def only_command(world: World) -> RunRecord:
    """A run of one file that is being confirmed, and whose key was with the command that sent it."""
    export = "send-0123456789abcdef"
    content = world.services.state.read("exports/vip.json").content
    world.services.state.write(state.export(export), content.replace(b'"vip"', f'"{export}"'.encode()))
    world.stand_in.job_seconds = 100
    record = run(world.services, export, ON_DEMAND, Deadline(world.clock, 1))
    assert record.phase == "confirming"
    world.services.state.delete("connections/sandbox.json")
    world.clock.sleep(200)
    return record


def test_without_the_command_and_its_key_the_jobs_are_unconfirmed(world: World) -> None:
    """Nobody else can ask: the run is closed, and says so."""
    world.segment(People(5))
    record = only_command(world)

    closed = advance(world.services, record, world.deadline())

    assert (closed.status, closed.error) == ("completed_with_warnings", None)
    assert (closed.counts.unconfirmed, closed.counts.imported) == (5, 0)


@pytest.mark.parametrize("limit", [None, 2])
def test_progress_says_what_the_run_was(world: World, limit: int | None) -> None:
    """A trial is told apart; one that nothing newer ended is not outdated."""
    world.segment(People(5))
    progress = begin(world.services, "vip", replace(ON_DEMAND, limit=limit), world.deadline())
    assert (progress.is_trial, progress.is_outdated) == (limit is not None, False)


@pytest.mark.parametrize("leave", [superseded, "confirming"])
def test_a_run_that_a_newer_snapshot_ended_is_outdated(world: World, leave: Any) -> None:
    """While it sends, and while it is confirmed."""
    world.segment(People(5))
    if leave == "confirming":
        world.stand_in.job_seconds = 100
        record = run(world.services, "vip", ON_DEMAND, Deadline(world.clock, 1))
        world.segment(People(6), LATER)
    else:
        record = leave(world)
    with ExportLock.acquire(world.services.state, "vip", world.clock) as lock:
        progress = take_turn(lock, world.services, world.deadline(), on_demand=True)

    assert (progress.record.id, progress.record.is_closed) == (record.id, True)
    assert progress.is_outdated
