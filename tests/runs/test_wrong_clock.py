"""A clock that was ahead once: what it wrote ends nothing and begins nothing for longer than an hour."""

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.klaviyo import Fault, JobPlan
from sandbox.people import People
from shared.runs.heads.head import read_head
from shared.runs.work.tick import tick
from tests.support.world import MONDAY, World

AHEAD = timedelta(days=30)


def minutes_until_done(world: World, most: int = 65) -> int:
    """Ticks once a minute until a run is successful; how many minutes that took."""
    for minute in range(most):
        if any(record.status == "successful" for record in tick(world.services, 50).records):
            return minute
        world.clock.sleep(60)
    raise AssertionError("still nothing after an hour")


def due(world: World) -> None:
    world.segment(People(1))
    assert tick(world.services, 240).records == []
    world.segment(People(5), MONDAY + timedelta(minutes=30))


def test_a_wait_that_a_wrong_clock_wrote(world: World) -> None:
    """A run that waits for Klaviyo's pause, and the account's pause itself."""
    due(world)
    world.stand_in.faults.add([Fault("error", method="POST", status=429, retry_after=300)])
    world.clock.ahead = AHEAD
    assert not tick(world.services, 50).records[0].is_closed

    world.clock.ahead = timedelta()
    assert minutes_until_done(world) <= 60


def test_a_look_that_a_wrong_clock_put_off(world: World) -> None:
    """A run whose jobs are looked at again in 30 days."""
    due(world)
    world.stand_in.plans.append(JobPlan(seconds=100))
    world.clock.ahead = AHEAD
    assert tick(world.services, 10).records[0].phase == "confirming"

    world.clock.ahead = timedelta()
    assert minutes_until_done(world) <= 60


def test_a_retry_that_a_wrong_clock_put_off(world: World) -> None:
    """A failed attempt that is to be repeated in 30 days."""
    due(world)
    world.stand_in.faults.add([Fault("html", method="POST", status=403, nth=None)])
    world.clock.ahead = AHEAD
    assert [record.status for record in tick(world.services, 240).records] == ["failed"]

    world.stand_in.faults.clear()
    world.clock.ahead = timedelta()
    assert minutes_until_done(world) <= 60


def test_a_recurrence_that_a_wrong_clock_has_had(world: World) -> None:
    """A daily export that ran at a time 30 days ahead runs every day again."""
    # Documents carry the real time at which they were written.
    world.clock.sleep((datetime.now(UTC) - world.clock.now()).total_seconds() + 60)
    world.document("exports/vip.json", schedule={"when": {"cron": "0 6 * * *", "timezone": "UTC"}})
    world.segment(People(5))
    assert tick(world.services, 240).records == []
    world.clock.ahead = AHEAD
    assert minutes_until_done(world) == 0
    head, _ = read_head(world.services.state, "vip")
    assert head.scheduled_at > datetime.now(UTC) + timedelta(days=29)

    world.clock.ahead = timedelta()

    times = []
    for _ in range(72):
        world.clock.sleep(3600)
        times += [record.created_at for record in tick(world.services, 240).records]
    assert len(times) == 3
    assert {time.hour for time in times} == {6}


@pytest.mark.parametrize("days", [-3, 3])
def test_a_clock_that_is_put_right_loses_no_run(world: World, days: int) -> None:
    """Whichever way it was wrong, a refresh that comes after is exported once."""
    world.clock.ahead = timedelta(days=days)
    due(world)
    world.clock.ahead = timedelta()

    assert minutes_until_done(world) == 0
    assert tick(world.services, 240).records == []
