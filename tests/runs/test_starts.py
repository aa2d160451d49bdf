"""How a run is opened and continued: its id, its baseline, and who else may be at it."""

from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest

from sandbox.people import People
from sandbox.sample import write_segment
from shared.adapters.clock import Deadline
from shared.errors import AlreadyRunning
from shared.runs.advance import begin, cancel, resume, run, start
from shared.runs.heads.head import MOST_SUPERSEDED, read_head
from shared.runs.lock.export import ExportLock
from shared.runs.starting import Request, ensure_head, extend_baseline
from shared.runs.views.history import read_run
from tests.support.stores import CountingStore, WatchedStore
from tests.support.world import MONDAY, SEGMENT, World

ON_DEMAND, TIMER = Request("on_demand", "tester"), Request("schedule", "timer")


def test_runs_of_one_second_have_the_next_number(world: World) -> None:
    """So that their ids sort as they were opened; in the next second, any number will do."""
    world.segment(People(1))
    numbers = [int(world.run().id[-4:], 16) for _ in range(4)]
    assert numbers == [numbers[0] + step for step in range(4)]
    world.clock.sleep(5)
    assert world.run().id[-4:]


@pytest.mark.parametrize(
    ("request_", "is_on_demand"),
    [(ON_DEMAND, True), (Request("command", "tester"), True), (TIMER, False)],
)
def test_only_the_timer_waits_for_nothing(request_: Request, is_on_demand: bool) -> None:
    """Everybody else wants the newest snapshot."""
    assert request_.is_on_demand is is_on_demand


def test_a_baseline_has_the_export_s_own_segments(world: World) -> None:
    """One that has no snapshot yet, too: its first one is news."""
    world.segment(People(1))
    write_segment(world.services.segment_store, "Other", People(1), refreshed=MONDAY)
    world.document("exports/vip.json", segments=[SEGMENT, "Coming"])
    ensure_head(world.services, world.services.catalog.export("vip"))

    head, etag = read_head(world.services.state, "vip")
    assert head.exported == {**world.services.segments.versions([SEGMENT]), "Coming": ""}
    assert head.scheduled_at == world.clock.now()
    ensure_head(world.services, world.services.catalog.export("vip"))
    assert read_head(world.services.state, "vip")[1] == etag


def test_a_new_segment_changes_no_other_baseline(world: World) -> None:
    """A snapshot of a known segment that is not exported yet stays news."""
    world.segment(People(1))
    ensure_head(world.services, world.services.catalog.export("vip"))
    before, _ = read_head(world.services.state, "vip")
    world.document("exports/vip.json", segments=[SEGMENT, "Other"])
    export = world.services.catalog.export("vip")

    extend_baseline(world.services, export, before.entry(), {SEGMENT: "9", "Other": "3"})

    after, _ = read_head(world.services.state, "vip")
    assert after.exported == {**before.exported, "Other": "3"}


def test_a_baseline_is_left_to_who_holds_the_export(world: World) -> None:
    """The next tick looks again."""
    world.segment(People(1))
    ensure_head(world.services, world.services.catalog.export("vip"))
    before, _ = read_head(world.services.state, "vip")
    with ExportLock.acquire(world.services.state, "vip", world.clock):
        extend_baseline(world.services, world.services.catalog.export("vip"), before.entry(), {SEGMENT: "9"})
    assert read_head(world.services.state, "vip")[0] == before


def sending(world: World) -> str:
    """An open run that is pinned, and that newer snapshots have ended twice before: its id."""
    world.segment(People(5))
    world.document("connections/sandbox.json", paused=True)
    record = run(world.services, "vip", ON_DEMAND, Deadline(world.clock, 1))
    world.document("connections/sandbox.json")
    with ExportLock.acquire(world.services.state, "vip", world.clock) as lock:
        lock.head.superseded = MOST_SUPERSEDED
        lock.checkpoint()
    world.segment(People(6), MONDAY + timedelta(minutes=30))
    return record.id


@pytest.mark.parametrize(("request_", "ends"), [(ON_DEMAND, True), (TIMER, False)])
def test_the_timer_ends_no_third_run_in_a_row(world: World, request_: Request, ends: bool) -> None:
    """Somebody who waits for the newest snapshot does."""
    run_id = sending(world)
    progress = begin(world.services, "vip", request_, world.deadline())
    assert (progress.record.id != run_id) is ends
    assert progress.record.counts.imported == (6 if ends else 5)


def test_a_run_that_ends_is_followed_by_no_other(world: World) -> None:
    """Unless a newer snapshot ended it: who asked for the open run has got it."""
    world.segment(People(5))
    opened = start(world.services, "vip", ON_DEMAND)
    progress = begin(world.services, "vip", ON_DEMAND, world.deadline())
    assert (progress.record.id, progress.record.is_closed) == (opened.id, True)
    assert read_head(world.services.state, "vip")[0].open is None


def test_only_the_run_that_is_meant_is_continued(world: World) -> None:
    """One that is closed is shown as it ended, whichever is open now."""
    world.segment(People(5))
    closed = world.run()
    opened = start(world.services, "vip", ON_DEMAND)

    progress = resume(world.services, "vip", closed.id, world.deadline())

    assert progress.record == closed
    assert read_run(world.services.state, opened.id).status == "queued"


class Elsewhere(WatchedStore):
    """Another process holds the export from its second lock on."""

    locks = 0

    def called(self, what: str, name: str) -> None:
        if what == "acquire" and name == "heads/vip.json":
            self.locks += 1
            if self.locks > 1:
                raise AlreadyRunning("elsewhere")


def test_a_run_that_another_process_has_taken_is_shown(world: World) -> None:
    """As it stands, to who has begun it and comes back for it."""
    world.segment(People(5))
    world.stand_in.job_seconds = 100
    services = replace(world.services, state=Elsewhere(world.services.state))

    record = run(services, "vip", ON_DEMAND, world.deadline())

    assert (record.phase, record.counts.sent) == ("confirming", 5)


def test_a_run_that_another_process_holds_is_canceled_there(world: World) -> None:
    """The request is left for its holder."""
    world.segment(People(5))
    opened = start(world.services, "vip", ON_DEMAND)
    with ExitStack() as stack:
        stack.enter_context(ExportLock.acquire(world.services.state, "vip", world.clock))
        record = cancel(world.services, opened, world.deadline())
    assert not record.is_closed
    assert world.run().status == "canceled"


def test_nobody_waits_longer_than_there_is_time(world: World) -> None:
    """What would come after the deadline is left to the next call."""
    world.segment(People(5))
    world.stand_in.job_seconds = 100_000
    before = world.clock.monotonic()
    store = CountingStore(world.services.state)

    record = run(replace(world.services, state=store), "vip", ON_DEMAND, Deadline(world.clock, 12))

    assert not record.is_closed
    assert world.clock.monotonic() - before == 5
    assert store.calls.count(("acquire", "heads/vip.json")) == 2
