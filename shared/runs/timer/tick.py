"""What the timer does at each tick: go on with what is open, start what is due, fairly and apart."""

import logging
from concurrent.futures import ThreadPoolExecutor

from shared.adapters import telemetry
from shared.adapters.clock import Deadline
from shared.adapters.telemetry import log_bug
from shared.errors import AlreadyRunning, ExportError
from shared.runs.advance import begin, resume
from shared.runs.record import RunRecord
from shared.runs.timer.find import Work, find_work, log_failure
from shared.runs.timer.queue import WorkQueue
from shared.runs.turn import Progress
from shared.services import Services

logger = logging.getLogger(__name__)

# Seconds that one run may take while others of its account wait, and that a tick may wait for any.
SLICE = 60.0
ACCOUNTS_AT_ONCE = 4


def tick(services: Services, seconds: float) -> list[RunRecord]:
    """Goes on with every open run and starts every export that is due; the records of what it touched.

    At most four accounts have a thread at once; in it the runs of one take turns. One export's failure
    never stops another's. A tick with nothing due writes nothing, and one that could only wait ends, so
    that the next finds what has come due meanwhile.
    """
    whole, waiting = Deadline(services.clock, seconds), Deadline(services.clock, SLICE)
    turns = WorkQueue(services.clock, find_work(services), whole, waiting)
    telemetry.ticks.add(1)  # no heartbeat where the state can't be seen: somebody must hear of that
    threads = min(ACCOUNTS_AT_ONCE, turns.accounts())
    if threads:
        with ThreadPoolExecutor(threads, thread_name_prefix="account") as pool:
            for future in [pool.submit(_serve, services, turns, whole) for _ in range(threads)]:
                future.result()
    return list(turns.touched.values())


def _serve(services: Services, turns: WorkQueue, whole: Deadline) -> None:
    """Gives one run after the other a slice."""
    while (work := turns.take()) is not None:
        stand = None
        try:
            stand = _advance(services, work, Deadline(services.clock, min(SLICE, whole.left())))
        finally:
            turns.give_back(work, stand)


def _advance(services: Services, work: Work, deadline: Deadline) -> Progress | None:
    """One slice; None where the run is in other hands or met something that it can't be in a slice's."""
    try:
        if work.run is not None:
            return resume(services, work.export, work.run, deadline)
        if work.request is not None:
            return begin(services, work.export, work.request, deadline)
    except AlreadyRunning:
        return None
    except ExportError as error:
        log_failure(work.export, error)
    except Exception as error:  # a bug must not stop the other exports
        log_bug(logger, error, {"export": work.export})
    return None
