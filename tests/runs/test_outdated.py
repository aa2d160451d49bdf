"""Somebody wants the newest snapshot, and finds an open run of an older one."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from sandbox.klaviyo import Fault, JobPlan
from sandbox.people import People
from shared import state
from shared.adapters.clock import Deadline
from shared.runs.advance import advance, start
from shared.runs.heads.head import MOST_SUPERSEDED
from shared.runs.lock.export import ExportLock
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from shared.runs.steps.permit import request_cancel
from shared.runs.views.history import list_runs, read_run
from tests.support.small_batches import UnusualPeople
from tests.support.world import MONDAY, World

ON_DEMAND = Request("on_demand", "tester")
OLD, NEW = People(20), People(7, start=50_000)


def opened(world: World) -> RunRecord:
    return start(world.services, "vip", ON_DEMAND)


def sending(world: World) -> RunRecord:
    """Nothing is accepted yet."""
    world.stand_in.faults.add([Fault("error", method="POST", status=429, retry_after=60)])
    return advance(world.services, opened(world), Deadline(world.clock, 1))


def sending_with_jobs(world: World) -> RunRecord:
    world.segment(UnusualPeople(1_500))
    world.stand_in.faults.add([Fault("error", method="POST", nth=3, status=429, retry_after=60)])
    return advance(world.services, opened(world), Deadline(world.clock, 1))


def paused(world: World) -> RunRecord:
    world.document("connections/sandbox.json", paused=True)
    record = advance(world.services, opened(world), Deadline(world.clock, 1))
    world.document("connections/sandbox.json")
    return record


def confirming(world: World) -> RunRecord:
    world.stand_in.plans.append(JobPlan(seconds=100_000))
    return advance(world.services, opened(world), Deadline(world.clock, 1))


def superseded_before(world: World) -> RunRecord:
    """The timer would let it end, since newer snapshots have ended so many before it."""
    record = sending(world)
    with ExportLock.acquire(world.services.state, "vip", world.clock) as lock:
        lock.head.superseded = MOST_SUPERSEDED
        lock.checkpoint()
    return record


def canceled_unseen(world: World) -> RunRecord:
    """Somebody has just asked for its end, and no holder has seen that yet."""
    world.segment(UnusualPeople(1_500))
    world.stand_in.plans.extend([JobPlan(seconds=100_000)] * 2)
    world.stand_in.faults.add([Fault("error", method="POST", nth=3, status=429, retry_after=60)])
    record = advance(world.services, opened(world), Deadline(world.clock, 1))
    request_cancel(world.services.state, record.id)
    return record


def recorded(world: World) -> RunRecord:
    """Its holder died after it had written the record, and before it had cleared the head."""
    record = sending(world)
    store, name = world.services.state, state.head("vip")
    head = store.read(name).content
    world.clock.sleep(60)
    assert world.run().id == record.id
    store.write(name, head)
    return record


LEFT = [canceled_unseen, recorded, sending, sending_with_jobs, paused, confirming, superseded_before]


@pytest.mark.parametrize("leave", LEFT)
def test_run_sends_the_newest_snapshot(world: World, leave: Callable[[World], RunRecord]) -> None:
    """The open run is closed, in whatever state it is, and a new one sends who is in the segment now."""
    world.segment(OLD)
    left = leave(world)
    world.segment(NEW, MONDAY + timedelta(minutes=30))
    world.clock.sleep(60)

    record = world.run()

    assert record.id != left.id
    assert (record.status, record.counts.imported) == ("successful", 7)
    assert read_run(world.services.state, left.id).is_closed
    assert NEW.expected.emails <= world.members()


@pytest.mark.parametrize("leave", LEFT)
def test_start_opens_a_run_of_the_newest_snapshot(world: World, leave: Callable[[World], RunRecord]) -> None:
    """A caller who does not wait gets the id of a new run, too."""
    world.segment(OLD)
    left = leave(world)
    world.segment(NEW, MONDAY + timedelta(minutes=30))

    record = opened(world)

    assert record.id != left.id
    assert read_run(world.services.state, left.id).is_closed
    assert not record.is_closed
    records, _ = list_runs(world.services.state, "vip", "", 20, world.clock.now())
    assert [each.id for each in records] == [record.id, left.id]


def test_an_open_run_of_the_newest_snapshot_is_the_one(world: World) -> None:
    """Nothing newer is there: the open run is found, and sent."""
    world.segment(OLD)
    left = sending(world)

    assert opened(world).id == left.id
    world.clock.sleep(60)
    assert (world.run().id, len(world.members())) == (left.id, 20)


def test_a_run_that_was_only_opened_pins_the_newest_snapshot(world: World) -> None:
    """It has none of its own yet, and is not closed for one."""
    world.segment(OLD)
    left = opened(world)
    world.segment(NEW, MONDAY + timedelta(minutes=30))

    record = world.run()

    assert (record.id, record.counts.imported) == (left.id, 7)


def test_the_error_of_a_last_look_holds_no_newer_run_back(world: World) -> None:
    """A Klaviyo that shows no jobs: what was sent is unconfirmed, and the newer snapshot goes."""
    world.segment(OLD)
    left = confirming(world)
    world.segment(NEW, MONDAY + timedelta(minutes=30))
    world.stand_in.faults.add(
        [Fault("error", method="GET", path="/api/profile-bulk-import-jobs", status=503, nth=None)]
    )

    record = opened(world)

    assert record.id != left.id
    closed = read_run(world.services.state, left.id)
    assert (closed.counts.sent, closed.counts.unconfirmed) == (20, 20)
