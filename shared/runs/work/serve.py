"""Does the work, fairly and each run by itself: what the timer and the workers of the queue share."""

import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from shared.adapters.clock import Deadline
from shared.adapters.telemetry import log_bug
from shared.errors import AlreadyRunning, ExportError, NewerVersion, TryLater
from shared.runs.advance import resume
from shared.runs.lock.account import is_account_wanted
from shared.runs.report import log_failure
from shared.runs.turn import Progress
from shared.runs.work.find import Work
from shared.runs.work.turns import Slice, Turns
from shared.services import Services

logger = logging.getLogger(__name__)


def serve(
    services: Services, work: Iterable[Work], *, whole: Deadline, waiting: Deadline, threads: int
) -> Turns:
    """Continues with these runs, so many accounts at once; what is left of them, and how far they came.

    One run's failure never stops another.
    """
    turns = Turns(services.clock, work, whole, waiting)
    count = min(threads, turns.accounts())
    if count == 1:
        _serve(services, turns, whole)
    elif count:
        with ThreadPoolExecutor(count, thread_name_prefix="account") as pool:
            for future in [pool.submit(_serve, services, turns, whole) for _ in range(count)]:
                future.result()
    return turns


def _serve(services: Services, turns: Turns, whole: Deadline) -> None:
    """Gives one run after the other a turn."""
    while (work := turns.take()) is not None:
        progress = None
        try:
            progress = _advance(services, turns, work, whole)
        finally:
            turns.give_back(work, progress)


def _advance(services: Services, turns: Turns, work: Work, whole: Deadline) -> Progress | None:
    """One turn; None where another process has the run, or where a failure ended the turn."""

    def somebody_waits() -> bool:
        with suppress(TryLater):
            return turns.somebody_waits(work.account) or is_account_wanted(services.state, work.account)
        return False

    try:
        if work.run is not None:
            return resume(services, work.export, work.run, Slice(services.clock, whole, somebody_waits))
    except (AlreadyRunning, NewerVersion):
        return None
    except ExportError as error:
        log_failure(work.export, error)
    except Exception as error:  # a bug must not stop the other exports
        log_bug(logger, error, {"export": work.export})
    return None
