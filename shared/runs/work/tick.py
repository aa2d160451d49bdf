"""A tick: finds what is open or due, and does it, or hands it to the workers where there is a queue."""

import logging

from shared.adapters import telemetry
from shared.adapters.clock import Deadline
from shared.runs.record import RunRecord
from shared.runs.work.find import find_work, open_due
from shared.runs.work.hand_out import find_and_hand_out, report_poison
from shared.runs.work.serve import serve
from shared.services import Services

logger = logging.getLogger(__name__)

# Seconds that a tick may wait for any run.
WAITING = 60.0
ACCOUNTS_AT_ONCE = 4


def tick(services: Services, seconds: float) -> list[RunRecord]:
    """Opens a run of every export that is due. Where there is no queue, it continues with all open runs for
    so many seconds, and returns the records of what it touched.

    At most four accounts have a thread at once; in it the runs of one take turns. One export's failure
    never stops another's. A tick with nothing due writes nothing, and one that could only wait ends, so
    that the next finds what has come due meanwhile.
    """
    if services.queue is not None:
        asked = find_and_hand_out(services, services.queue)
        telemetry.ticks.add(1)
        report_poison(services.queue)
        logger.info("work of %d accounts handed out", asked, extra={"accounts": asked})
        return []
    whole, waiting = Deadline(services.clock, seconds), Deadline(services.clock, WAITING)
    found = find_work(services)
    telemetry.ticks.add(1)  # no heartbeat where the state can't be read: somebody must hear of that
    turns = serve(services, open_due(services, found), whole=whole, waiting=waiting, threads=ACCOUNTS_AT_ONCE)
    return list(turns.touched.values())
