"""What a check reports of a clock that was ahead once: the times that it left behind, and no other."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.people import People
from shared.administration.checkup import Finding, examine
from shared.klaviyo import StoredPauses
from shared.runs.heads.head import read_head
from shared.runs.run import LONGEST_WAIT
from shared.runs.starting import ensure_head
from shared.runs.views.ahead import times_ahead
from shared.runs.work.tick import tick
from tests.support.world import MONDAY, World, a_world

DAY = timedelta(days=1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with a_world(tmp_path) as world:
        world.segment(People(10))
        yield world


def warnings(world: World) -> dict[str, Finding]:
    """What a check reports once the clock is right again."""
    world.clock.ahead = timedelta()
    return {finding.name: finding for finding in examine(world.services, world.deadline()) if finding.warning}


def ahead(world: World) -> dict[str, str]:
    """The times in the head of vip that are not believed now."""
    head, _ = read_head(world.services.state, "vip")
    return {name: f"{time:%Y-%m-%d %H:%M}" for name, time in times_ahead(head, world.clock.now())}


def test_a_right_clock_leaves_nothing_to_report(world: World) -> None:
    """Neither a run that succeeded nor one that waits is reported."""
    world.run()
    world.document("connections/sandbox.json", paused=True)
    world.segment(People(11), refreshed=MONDAY + timedelta(minutes=10))
    assert world.run().status == "running"
    assert warnings(world) == {}


def test_a_success_in_the_future(world: World) -> None:
    """The warning has the time, and what to do: check the clocks."""
    world.clock.ahead = DAY
    assert world.run().status == "successful"

    (found,) = warnings(world).values()

    assert found.name == "times of vip"
    assert found.message == (
        "its last scheduled start is at 2026-08-25 15:33 UTC; its last success is at 2026-08-25 15:33 UTC. "
        "This is too far in the future and is ignored."
    )
    assert "check the clocks of all machines" in found.fix


def test_an_open_run_that_waits(world: World) -> None:
    """The wait that is reported is one for which no holder waits."""
    world.document("connections/sandbox.json", paused=True)
    world.clock.ahead = DAY
    world.run()
    world.clock.ahead = timedelta()

    assert "the open run's wait" in ahead(world)
    run = read_head(world.services.state, "vip")[0].open
    assert run is not None
    assert run.wait is not None
    assert run.wait_at(world.clock.now()) is None


def test_an_attempt_that_failed(world: World) -> None:
    """The time before the timer's next attempt is one of them."""
    tick(world.services, 60)
    world.segment(People(10), refreshed=MONDAY + timedelta(minutes=10))
    world.document("exports/vip.json", list_id="Nowher")
    world.clock.ahead = DAY
    tick(world.services, 60)
    world.clock.ahead = timedelta()

    assert ahead(world).keys() == {"its last scheduled start", "the wait before the next attempt"}


@pytest.mark.parametrize(("more", "is_reported"), [(0, False), (1, True)])
def test_an_hour_ahead_is_believed(world: World, more: int, is_reported: bool) -> None:
    """A time that still counts is not reported; one second later it is."""
    world.clock.ahead = LONGEST_WAIT + timedelta(seconds=more)
    ensure_head(world.services, world.services.catalog.export("vip"))
    world.clock.ahead = timedelta()

    assert bool(ahead(world)) is is_reported


@pytest.mark.parametrize(("ahead", "left"), [(timedelta(), 100), (DAY, 0)])
def test_a_pause_of_an_account(world: World, ahead: timedelta, left: float) -> None:
    """A stored pause is reported exactly where it holds nobody back."""
    pauses = StoredPauses(world.services.state, world.clock)
    world.clock.ahead = ahead
    pauses.keep("SNDBOX", 100)
    world.clock.ahead = timedelta()
    assert pauses.left("SNDBOX") == left

    found = warnings(world)

    assert found.keys() == (set() if left else {"pause of the account SNDBOX"})
    assert all("2026-08-25 15:34 UTC" in finding.message for finding in found.values())
