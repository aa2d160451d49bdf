"""A run from its start to its close: whoever holds the export goes on with it, as long as there is time."""

from datetime import datetime

from shared.adapters.clock import Deadline
from shared.errors import AlreadyRunning
from shared.runs.history import read_run
from shared.runs.lock.export import ExportLock
from shared.runs.record import RunRecord
from shared.runs.starting import Request, check_limit, open_run, see
from shared.runs.turn import Progress, take_up
from shared.services import Services


def start(services: Services, export_id: str, request: Request) -> RunRecord:
    """Opens a run of the export, or finds the one that is open, and leaves it to the timer.

    Raises NotFound, InvalidDocument, AlreadyRunning where somebody else holds the export.
    """
    see(services, services.catalog.export(export_id))
    with ExportLock.take(services.state, export_id, services.clock) as hold:
        if hold.head.open is None:
            open_run(hold, request)
        return hold.run.record


def run(services: Services, export_id: str, request: Request, deadline: Deadline) -> RunRecord:
    """Runs the export, or goes on with its open run, until it is closed or the time is over.

    The export is held while the run gets on, not while Klaviyo works. Where a trial was open, it is
    ended first. Raises as `start` does.
    """
    record = _come_back(services, begin(services, export_id, request, deadline), deadline)
    if record.is_closed and "limited" in record.warning_codes() and request.limit is None:
        record = _come_back(services, begin(services, export_id, request, deadline), deadline)
    return record


def advance(services: Services, record: RunRecord, deadline: Deadline) -> RunRecord:
    """Goes on with an open run until it is closed or the time is over, and returns its record.

    Raises AlreadyRunning where somebody else holds the export.
    """
    stand = resume(services, record.export, record.id, deadline)
    return _come_back(services, stand, deadline)


def begin(services: Services, export_id: str, request: Request, deadline: Deadline) -> Progress:
    """Opens a run, or takes the open one up, and does what can be done at once.

    An open run that a newer snapshot has superseded is closed first, and a new one opened.
    """
    see(services, services.catalog.export(export_id))
    with ExportLock.take(services.state, export_id, services.clock) as hold:
        if hold.head.open is None:
            open_run(hold, request)
        check_limit(hold.run, request)
        stand = take_up(hold, services, deadline)
        if stand.record.is_closed and "superseded" in stand.record.warning_codes():
            open_run(hold, request)
            stand = take_up(hold, services, deadline)
        return stand


def resume(services: Services, export_id: str, run_id: str, deadline: Deadline) -> Progress:
    """Goes on with an open run, without waiting for anything."""
    with ExportLock.take(services.state, export_id, services.clock) as hold:
        if hold.head.open is None or hold.head.open.record.id != run_id:
            return Progress(read_run(services.state, run_id))
        return take_up(hold, services, deadline)


def _come_back(services: Services, stand: Progress, deadline: Deadline) -> RunRecord:
    """Goes on whenever the run can, while the time lasts."""
    while not stand.record.is_closed:
        pause = _seconds_until(stand.not_before, services.clock.now())
        if deadline.left() <= pause:
            break
        deadline.sleep(pause)
        try:
            stand = resume(services, stand.record.export, stand.record.id, deadline)
        except AlreadyRunning:
            return read_run(services.state, stand.record.id)
    return stand.record


def _seconds_until(time: datetime | None, now: datetime) -> float:
    return max(0.0, (time - now).total_seconds()) if time else 0.0
