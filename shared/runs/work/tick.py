"""A tick: finds work that is open or due, and does it, or hands it to the workers if there is a queue."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared import state
from shared.adapters import telemetry
from shared.adapters.clock import Deadline
from shared.errors import ExportError, NotFound
from shared.runs.record import RunRecord
from shared.runs.work.find import Work, find_work, open_due
from shared.runs.work.hand_out import find_and_hand_out, report_poison
from shared.runs.work.serve import serve
from shared.services import Services

logger = logging.getLogger(__name__)

# Seconds that a tick may wait for runs.
WAITING = 60.0
ACCOUNTS_AT_ONCE = 4
# Between two ticks that are recorded in the state, which shows that the timer runs: of ticks that are a
# minute apart, every fifth one. Each record is a write, and leaves a version of the blob.
NOTED_EVERY = timedelta(minutes=4.5)


@dataclass(frozen=True, slots=True)
class Tick:
    """The result of a tick.

    `records` are those of the runs that had a turn, after their last one. `handed_out` are the runs that a
    worker was asked for, if there is a queue. `left` is the unfinished work: open runs, and exports whose run
    could not be opened.
    """

    records: list[RunRecord] = field(default_factory=list)
    handed_out: list[Work] = field(default_factory=list)
    left: list[Work] = field(default_factory=list)

    def due_at(self, now: datetime) -> datetime | None:
        """When some of the unfinished work can continue; None if none can until a pause is lifted."""
        return min((max(work.not_before, now) for work in self.left if not work.paused), default=None)


def tick(services: Services, seconds: float) -> Tick:
    """Opens a run of every export that is due, and continues with all open runs for `seconds`, or hands them
    to the workers if there is a queue.

    At most four accounts have a thread at once; the runs of one account take turns in it. One export's
    failure never stops another's. A tick with nothing due writes nothing, except now and then the fact that
    it ticked. A tick that could only wait ends, so the next one finds work that has come due meanwhile.
    """
    whole, waiting = Deadline(services.clock, seconds), Deadline(services.clock, WAITING)
    if services.queue is not None:
        handed = find_and_hand_out(services, services.queue, whole)
        _count_tick(services)
        report_poison(services.queue)
        asked = len({work.account for work in handed.asked})
        logger.info("work of %d accounts handed out", asked, extra={"accounts": asked})
        return Tick(handed_out=handed.asked, left=_merged(handed.found, handed.opened))
    found = find_work(services)
    _count_tick(services)
    opened = open_due(services, found, whole)
    turns = serve(services, opened, whole=whole, waiting=waiting, threads=ACCOUNTS_AT_ONCE)
    records = list(turns.touched.values())
    closed = {record.export for record in records if record.is_closed}
    left = [work for work in _merged(found, turns.left()) if work.export not in closed]
    return Tick(records=records, left=left)


def last_tick(services: Services) -> datetime | None:
    """When a tick was last recorded, by the store's clock; None if none ever was."""
    try:
        return services.state.stat(state.TICK).last_modified
    except NotFound:
        return None


def _count_tick(services: Services) -> None:
    """Counts the tick, after the state was read: if that fails, the missing heartbeat raises an alert."""
    telemetry.ticks.add(1)
    now, last = services.clock.monotonic(), services.looks.get(state.TICK)
    if last is None or now - last >= NOTED_EVERY.total_seconds():
        try:
            services.state.write(state.TICK, b"")
            services.looks[state.TICK] = now
        except ExportError as error:
            logger.warning("the tick was not recorded: %s: %s", error.code, error.message)


def _merged(found: Iterable[Work], later: Iterable[Work]) -> list[Work]:
    """The work of each export, as last seen."""
    return list(({work.export: work for work in found} | {work.export: work for work in later}).values())
