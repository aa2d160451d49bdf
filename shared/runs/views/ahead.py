"""Times in a head that are so far ahead that they must be from a wrong clock. Pure."""

from collections.abc import Iterator
from datetime import datetime

from shared.runs.heads.head import Head
from shared.runs.run import is_believed


def times_ahead(head: Head, now: datetime) -> Iterator[tuple[str, datetime]]:
    """Each stored time that is ignored, with a name for it."""
    run = head.open
    wait = run.wait.until if run and run.wait else None
    retry = head.retry.not_before if head.retry else None
    success = head.last_success.finished_at if head.last_success else None
    for name, time in (
        ("the open run's wait", wait),
        ("its last scheduled start", head.scheduled_at),
        ("the wait before the next attempt", retry),
        ("its last success", success),
    ):
        if time is not None and not is_believed(time, now):
            yield name, time
