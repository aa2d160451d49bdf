"""What a run counts when its holders died, and then something ends it."""

import pytest

from sandbox.klaviyo import Fault
from sandbox.people import People
from shared.adapters.clock import Deadline
from shared.runs.advance import advance, start
from shared.runs.lock.export import ExportLock
from shared.runs.record import RunRecord
from shared.runs.run import MOST_UNFINISHED_TURNS
from shared.runs.starting import Request
from shared.runs.steps.permit import request_cancel
from tests.support.small_batches import UnusualPeople
from tests.support.world import World


def opened_and_died(world: World, deaths: int) -> RunRecord:
    """An open run whose holders died so many times in a row before they got anywhere."""
    record = start(world.services, "vip", Request("on_demand", "tester"))
    for _ in range(deaths):
        with ExportLock.acquire(world.services.state, "vip", world.clock) as lock:
            lock.run.begin_turn(world.clock.now())
            lock.checkpoint()
    return record


@pytest.mark.parametrize("deaths", range(MOST_UNFINISHED_TURNS))
def test_a_failure_after_deaths_counts_what_was_accepted(world: World, deaths: int) -> None:
    """The record has the failure as its error, and everyone whom Klaviyo has imported."""
    world.segment(UnusualPeople(1_500))
    opened_and_died(world, deaths)
    world.stand_in.faults.add([Fault("error", method="POST", nth=3, status=409)])

    record = world.run()

    assert (record.status, record.error and record.error.code) == ("failed", "request_refused")
    assert record.counts.imported == record.counts.sent == len(world.members()) == 1_000
    assert record.counts.unconfirmed == 0


@pytest.mark.parametrize("deaths", range(MOST_UNFINISHED_TURNS))
def test_a_cancel_after_deaths_is_one(world: World, monkeypatch: pytest.MonkeyPatch, deaths: int) -> None:
    """Canceled, without an error, and everyone whom Klaviyo has imported is counted."""
    monkeypatch.setattr("shared.runs.steps.send.IN_FLIGHT", 1)  # nothing is posted beside the first batch
    world.segment(UnusualPeople(1_500))
    record = opened_and_died(world, deaths)
    world.stand_in.on_import(lambda _: request_cancel(world.services.state, record.id))

    closed = advance(world.services, record, world.deadline())

    assert (closed.status, closed.error) == ("canceled", None)
    assert closed.counts.imported == closed.counts.sent == len(world.members()) == 500


def test_no_progress_counts_what_was_accepted(world: World) -> None:
    """Where holders die again and again after some jobs, the run fails, and these are confirmed."""
    world.segment(UnusualPeople(1_500))
    world.stand_in.faults.add([Fault("error", method="POST", nth=3, status=429, retry_after=1500)])
    waiting = world.run()
    assert waiting.counts.sent == 1_000
    world.clock.sleep(1500)
    opened_and_died(world, MOST_UNFINISHED_TURNS)

    record = world.run()

    assert (record.id, record.status) == (waiting.id, "failed")
    assert record.error is not None
    assert record.error.code == "no_progress"
    assert record.counts.imported == record.counts.sent == 1_000


def test_a_run_whose_confirming_kills_is_closed(world: World) -> None:
    """Five deaths over the jobs end it: what nobody could count is unconfirmed."""
    world.segment(People(10))
    world.stand_in.job_seconds = 100
    record = start(world.services, "vip", Request("on_demand", "tester"))
    assert not advance(world.services, record, Deadline(world.clock, 1)).is_closed
    opened_and_died(world, MOST_UNFINISHED_TURNS)

    closed = world.run()

    assert (closed.id, closed.status, closed.counts.unconfirmed) == (record.id, "failed", 10)
