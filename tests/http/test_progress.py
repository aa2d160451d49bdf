"""The progress of an open run, and its estimated time."""

import json
from datetime import timedelta
from typing import Any

import pytest

from shared.catalog import Export
from shared.runs.run import OpenRun
from shared.runs.views.estimate import estimate_of
from tests.support.documents import SHORT_EXPORT
from tests.support.world import MONDAY

EXPORT = Export.parse("exports/vip.json", json.dumps(SHORT_EXPORT).encode())
NOW = MONDAY + timedelta(seconds=100)


def _run(accepted: int, state: str = "sending", lines: int | None = 1000, **changes: Any) -> OpenRun:
    """A run that began at Monday's refresh and was last advanced 60 seconds later; it has read all lines."""
    record = {
        "id": "vip.20260824T143300Z-0000",
        "export": "vip",
        "trigger": "on_demand",
        "requested_by": "http",
        "counts": {"rows": lines or 0, **changes.pop("counts", {})},
        "created_at": MONDAY,
        "started_at": None if lines is None else MONDAY,
    }
    plan = {"export": EXPORT, "account_id": "SNDBOX", "segments": [], "lines": lines}
    advanced_at = MONDAY + timedelta(seconds=60)
    job = {"id": "1", "digest": "", "batch": "", "profiles": accepted, "accepted_at": MONDAY}
    run = {
        "record": record,
        "plan": None if lines is None else plan,
        "state": state if lines is not None else "pinning",
        "deliveries": {"jobs": [job] if accepted else []},
        "advanced_at": advanced_at,
    }
    return OpenRun.model_validate(run | changes)


@pytest.mark.parametrize(
    ("run", "share", "seconds_left"),
    [
        (_run(0, lines=None), None, None),
        (_run(300, lines=0), None, None),
        (_run(0), 0.0, None),
        (_run(250), 0.25, 180),
        (_run(750), 0.75, 20),
        (_run(100, counts={"rejected": 40, "filtered": 30, "duplicates": 20, "unchanged": 60}), 0.25, 180),
        (_run(1000), 1.0, 0),
        (_run(1200), 1.0, 0),
        (_run(1000, state="confirming"), 1.0, None),
    ],
    ids=[
        "queued",
        "no lines",
        "pinned",
        "quarter",
        "three quarters",
        "left out",
        "all",
        "more",
        "confirming",
    ],
)
def test_share_and_time_left(run: OpenRun, share: float | None, seconds_left: int | None) -> None:
    """What is accepted or left out against all lines, however far the rows are read; None where nobody can
    tell. The rest takes as long again as that took."""
    progress = estimate_of(run, NOW)

    assert (progress.share, progress.seconds_left) == (share, seconds_left)
    assert (progress.waiting_for, progress.not_before) == (None, None)


def test_what_a_run_waits_for_comes_on_top() -> None:
    """A future pause is part of the time left, a past one is not."""
    until = NOW + timedelta(seconds=30)
    waiting = _run(250, wait={"until": until, "reason": "throttled"})

    assert estimate_of(waiting, NOW).seconds_left == 180 + 30
    assert estimate_of(waiting, until + timedelta(hours=1)).seconds_left == 180
    assert estimate_of(waiting, NOW).waiting_for == "throttled"
    assert estimate_of(waiting, NOW).not_before == until
