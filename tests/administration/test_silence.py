"""Whether the timer ticks, as `doctor`, the page and a monitor learn it."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from shared import state
from shared.administration.checkup import Finding, examine
from shared.administration.checkup.timer import LONGEST_SILENCE, timer_finding
from shared.runs.work.tick import tick
from tests.support.azurite import Azurite
from tests.support.templates import PLAINEST, all_of
from tests.support.world import World, a_world

MINUTE = timedelta(minutes=1)


def timer(world: World) -> Finding:
    [found] = [each for each in examine(world.services, world.deadline()) if each.name == "timer"]
    return found


@pytest.mark.parametrize(
    ("age", "said", "is_silent"),
    [
        (None, "no tick of the timer has been recorded yet", True),
        (timedelta(seconds=-2), "was 0 s ago", False),
        (timedelta(seconds=34), "was 34 s ago", False),
        (15 * MINUTE, "was 15 minutes ago", False),
        (16 * MINUTE, "was 16 minutes ago", True),
        (timedelta(days=3), "was 4,320 minutes ago", True),
    ],
)
def test_what_the_age_of_the_last_tick_means(age: timedelta | None, said: str, *, is_silent: bool) -> None:
    """A warning with what to do; where no timer is expected, only the age."""
    found, elsewhere = (timer_finding("timer", age, is_expected=expected) for expected in (True, False))
    assert said in found.message
    assert (found.warning, "docs/runbook.md" in found.fix) == (is_silent, is_silent)
    assert (elsewhere.warning, elsewhere.fix, elsewhere.message) == (False, "", found.message)


def test_it_is_the_alert_s_own_time() -> None:
    """Whoever is alerted sees the same in `doctor`."""
    [alert] = [
        each
        for each in all_of(PLAINEST, "Microsoft.Insights/scheduledQueryRules")
        if each["name"].startswith("alert-silent-")
    ]
    assert alert["properties"]["windowSize"] == f"PT{LONGEST_SILENCE // MINUTE}M"


def test_a_folder_needs_no_timer(tmp_path: Path) -> None:
    """On a machine the timer runs while somebody serves the app, and is nowhere missed."""
    with a_world(tmp_path) as world:
        assert timer(world) == Finding("timer", "no tick of the timer has been recorded yet")
        tick(world.services, 240)
        hours_ago = world.services.state.now().timestamp() - 7200
        os.utime(tmp_path / "state" / state.TICK, (hours_ago, hours_ago))
        assert timer(world).message.startswith("the last recorded tick was 120 minutes ago")
        assert not timer(world).warning


def test_a_state_in_storage_has_a_timer(tmp_path: Path, azurite: Azurite) -> None:
    """No tick yet is a warning: maybe no function is there. The first one ends it."""
    with a_world(tmp_path, state_url=azurite.container()) as world:
        assert timer(world).warning
        tick(world.services, 240)
        assert not timer(world).fix
