"""How far an open run has come, and how long it may still take: estimates, for whoever waits for it."""

from datetime import datetime

from shared.runs.head import OpenRun
from shared.runs.record import StateModel


class Estimate(StateModel):
    """`share` is of the rows that are done with, accepted by Klaviyo or left out: from 0 to 1, or None
    while unknown. `waiting_for` is the code of a cause.

    `seconds_left` is None where nobody can tell, as while Klaviyo imports; then the share is 1.
    """

    share: float | None
    seconds_left: int | None
    waiting_for: str | None
    not_before: datetime | None


def estimate_of(run: OpenRun, now: datetime) -> Estimate:
    """What the run's last checkpoint says of it."""
    share = _share(run)
    return Estimate(
        share=share,
        seconds_left=_seconds_left(run, share, now),
        waiting_for=run.waiting_for,
        not_before=run.not_before,
    )


def _share(run: OpenRun) -> float | None:
    """Rows are read several batches before they are sent, so that those read say little."""
    if run.record.phase == "confirming":
        return 1.0
    if run.plan is None or run.plan.lines == 0:
        return None
    counts = run.record.counts
    left_out = counts.rejected + counts.filtered + counts.duplicates + counts.unchanged
    accepted = sum(job.profiles for job in run.jobs)
    return round(min(1.0, (left_out + accepted) / run.plan.lines), 3)


def _seconds_left(run: OpenRun, share: float | None, now: datetime) -> int | None:
    """As long again as the rows so far took, and before that what the run waits for."""
    started, advanced = run.record.started_at, run.advanced_at
    if not share or run.record.phase == "confirming" or started is None or advanced is None:
        return None
    rest = (advanced - started).total_seconds() * (1 - share) / share
    pause = (run.not_before - now).total_seconds() if run.not_before else 0.0
    return round(rest + max(0.0, pause))
