"""A tick: continues with what is open, starts what is due, fairly and each by itself."""

import logging
from concurrent.futures import ThreadPoolExecutor

from shared.adapters import telemetry
from shared.adapters.clock import Deadline
from shared.adapters.telemetry import log_bug
from shared.errors import AlreadyRunning, ExportError, NewerVersion
from shared.runs.advance import begin, resume
from shared.runs.record import RunRecord
from shared.runs.report import log_failure
from shared.runs.timer.find import Work, find_work
from shared.runs.timer.queue import WorkQueue
from shared.runs.turn import Progress
from shared.services import Services

logger = logging.getLogger(__name__)

# Seconds that one run may take while others of its account wait, and that a tick may wait for any.
SLICE = 60.0
ACCOUNTS_AT_ONCE = 4


def tick(services: Services, seconds: float) -> list[RunRecord]:
    """Continues with every open run and starts every export that is due; the records of what it touched.

    At most four accounts have a thread at once; in it the runs of one take turns. One export's failure
    never stops another's. A tick with nothing due writes nothing, and one that could only wait ends, so
    that the next finds what has come due meanwhile.
    """
    whole, waiting = Deadline(services.clock, seconds), Deadline(services.clock, SLICE)
    queue = WorkQueue(services.clock, find_work(services), whole, waiting)
    telemetry.ticks.add(1)  # no heartbeat where the state can't be read: somebody must hear of that
    threads = min(ACCOUNTS_AT_ONCE, queue.accounts())
    if threads:
        with ThreadPoolExecutor(threads, thread_name_prefix="account") as pool:
            for future in [pool.submit(_serve, services, queue, whole) for _ in range(threads)]:
                future.result()
    return list(queue.touched.values())


def _serve(services: Services, queue: WorkQueue, whole: Deadline) -> None:
    """Gives one run after the other a slice."""
    while (work := queue.take()) is not None:
        progress = None
        try:
            progress = _advance(services, work, Deadline(services.clock, min(SLICE, whole.left())))
        finally:
            queue.give_back(work, progress)


def _advance(services: Services, work: Work, deadline: Deadline) -> Progress | None:
    """One slice; None where another process has the run, or where a failure ended the slice."""
    try:
        if work.run is not None:
            return resume(services, work.export, work.run, deadline)
        if work.request is not None:
            return begin(services, work.export, work.request, deadline)
    except (AlreadyRunning, NewerVersion):
        return None
    except ExportError as error:
        log_failure(work.export, error)
    except Exception as error:  # a bug must not stop the other exports
        log_bug(logger, error, {"export": work.export})
    return None
