"""Estimates of an open run's progress and remaining time."""

from datetime import datetime

from shared.runs.record import StateModel
from shared.runs.run import OpenRun
from shared.runs.states import State, Wait


class Estimate(StateModel):
    """`share` is the share of rows that are done, accepted by Klaviyo or left out: from 0 to 1, or None while
    unknown. `waiting_for` is the code of a cause.

    `seconds_left` is None if unknown, as while Klaviyo imports; then the share is 1.
    """

    share: float | None
    seconds_left: int | None
    waiting_for: str | None
    not_before: datetime | None


def estimate_of(run: OpenRun, now: datetime) -> Estimate:
    """The estimate from the run's last checkpoint."""
    share, wait = _share(run), run.wait_at(now)
    return Estimate(
        share=share,
        seconds_left=_seconds_left(run, share, wait, now),
        waiting_for=wait.reason if wait else None,
        not_before=wait.until if wait else None,
    )


def _share(run: OpenRun) -> float | None:
    """The share of rows that are done. Rows are read several batches ahead, so those read say little."""
    if run.state in (State.CONFIRMING, State.CLOSING):
        return 1.0
    if run.plan is None or run.plan.lines == 0:
        return None
    counts = run.record.counts
    left_out = counts.rejected + counts.filtered + counts.duplicates + counts.unchanged
    return round(min(1.0, (left_out + run.deliveries.profiles) / run.plan.lines), 3)


def _seconds_left(run: OpenRun, share: float | None, wait: Wait | None, now: datetime) -> int | None:
    """The time for the remaining rows at the speed so far, plus the current wait."""
    started, advanced = run.record.started_at, run.advanced_at
    if not share or run.state in (State.CONFIRMING, State.CLOSING) or started is None or advanced is None:
        return None
    rest = (advanced - started).total_seconds() * (1 - share) / share
    pause = (wait.until - now).total_seconds() if wait else 0.0
    return max(0, round(rest + pause))
