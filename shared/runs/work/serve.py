"""Does the work, fairly, each run independently. The timer and the workers of the queue share this."""

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from shared.adapters.clock import Deadline
from shared.adapters.telemetry import log_bug
from shared.errors import AlreadyRunning, ExportError, NewerVersion, TryLater
from shared.runs.advance import resume
from shared.runs.lock.account import is_account_wanted
from shared.runs.report import log_failure
from shared.runs.work.find import NEVER, Work
from shared.runs.work.turns import Slice, Turns
from shared.services import Services

logger = logging.getLogger(__name__)

# Until a run is retried that another process holds, or whose turn an error ended.
AGAIN = timedelta(minutes=1)


def serve(
    services: Services,
    work: Iterable[Work],
    *,
    whole: Deadline,
    waiting: Deadline,
    threads: int,
    news: Callable[[], Iterable[Work]] = tuple,
) -> Turns:
    """Continues with these runs, for `threads` accounts at once; returns the rest, and the runs' progress.

    `news` returns the work requested since the last call. One run's failure never stops another.
    """
    turns = Turns(services.clock, work, whole, waiting, news)
    count = min(threads, turns.accounts())
    if count == 1:
        _serve(services, turns, whole)
    elif count:
        with ThreadPoolExecutor(count, thread_name_prefix="account") as pool:
            for future in [pool.submit(_serve, services, turns, whole) for _ in range(count)]:
                future.result()
    return turns


def _serve(services: Services, turns: Turns, whole: Deadline) -> None:
    """Gives one run after another a turn."""
    while (work := turns.take()) is not None:
        left: Work | None = work
        try:
            left = _turn(services, turns, work, whole)
        finally:
            turns.give_back(work.account, left)


def _turn(services: Services, turns: Turns, work: Work, whole: Deadline) -> Work | None:
    """One turn of a run; returns what is left of it."""

    def somebody_waits() -> bool:
        with suppress(TryLater):
            return turns.somebody_waits(work.account) or is_account_wanted(services, work.account)
        return False

    clock = services.clock
    try:
        progress = resume(services, work.export, work.run or "", Slice(clock, whole, somebody_waits))
    except NewerVersion:
        return None
    except AlreadyRunning:
        pass
    except ExportError as error:
        log_failure(work.export, error)
    except Exception as error:  # a bug must not stop the other exports
        log_bug(logger, error, {"export": work.export})
    else:
        turns.touched[progress.record.id] = progress.record
        left = replace(
            work,
            advanced_at=clock.now(),
            not_before=progress.not_before or NEVER,
            paused=progress.is_paused,
        )
        return None if progress.record.is_closed else left
    return replace(work, advanced_at=clock.now(), not_before=clock.now() + AGAIN)
