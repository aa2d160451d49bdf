"""The operations on runs for callers: start, run, advance, cancel."""

from dataclasses import replace
from datetime import datetime

from shared import state
from shared.adapters.clock import Deadline
from shared.errors import AlreadyRunning
from shared.runs.lock.export import ExportLock
from shared.runs.queue.asking import leave_to_workers
from shared.runs.record import RunRecord
from shared.runs.signals import is_outdated
from shared.runs.starting import Request, check_same, ensure_head, open_run
from shared.runs.steps.permit import request_cancel
from shared.runs.turn import Progress, take_turn
from shared.runs.views.history import read_run
from shared.services import Services

# Seconds that closing an outdated run may take if the caller does not wait.
CLOSE_WITHIN = 5.0


def start(services: Services, export_id: str, request: Request) -> RunRecord:
    """Opens a run of the export, or finds the open one, and leaves it to the timer or a worker.

    An open run of an older snapshot is closed first. Raises NotFound and InvalidDocument; AlreadyRunning if
    another process holds the export.
    """
    ensure_head(services, services.catalog.export(export_id))
    with ExportLock.acquire(services.state, export_id, services.clock) as lock:
        if lock.head.open is not None and is_outdated(services, lock.run):
            take_turn(lock, services, Deadline(services.clock, CLOSE_WITHIN), on_demand=True)
        if lock.head.open is None:
            open_run(lock, request)
        check_same(lock.run, request)
        record = lock.run.record
    leave_to_workers(services, export_id)
    return record


def run(services: Services, export_id: str, request: Request, deadline: Deadline) -> RunRecord:
    """Runs the export, or continues with its open run, until it is closed or the time is over.

    The export is locked while the run makes progress, not while Klaviyo works. An open trial is ended first.
    Raises as `start` does.
    """
    progress = _come_back(services, begin(services, export_id, request, deadline), deadline)
    if progress.record.is_closed and progress.is_trial and request.limit is None:
        progress = _come_back(services, begin(services, export_id, request, deadline), deadline)
    return progress.record


def advance(services: Services, record: RunRecord, deadline: Deadline) -> RunRecord:
    """Continues with an open run until it is closed or the time is over, and returns its record.

    Raises AlreadyRunning if another process holds the export.
    """
    progress = resume(services, record.export, record.id, deadline)
    return _come_back(services, progress, deadline).record


def cancel(services: Services, record: RunRecord, deadline: Deadline) -> RunRecord:
    """Requests the end of a run and, if no process holds it, ends it; returns its record.

    The request is a blob next to the run, which a holder checks before its next post. Jobs that Klaviyo has
    accepted are still confirmed and counted, so the run may stay open for a while.
    """
    request_cancel(services.state, record.id)
    try:
        progress = resume(services, record.export, record.id, deadline)
        record = progress.record
        if not record.is_closed:
            leave_to_workers(services, record.export, progress.not_before)
    except AlreadyRunning:
        record = read_run(services.state, record.id)
    if record.is_closed:  # maybe by another process, which no longer saw the request
        services.state.delete(state.cancel(record.id))
    return record


def begin(services: Services, export_id: str, request: Request, deadline: Deadline) -> Progress:
    """Opens a run, or resumes the open one, and does everything that needs no waiting.

    If a newer snapshot has outdated the open run, that one is closed first, and a new one opened.
    """
    ensure_head(services, services.catalog.export(export_id))
    with ExportLock.acquire(services.state, export_id, services.clock) as lock:
        if lock.head.open is not None:
            check_same(lock.run, request)
            progress = take_turn(lock, services, deadline, on_demand=request.is_on_demand)
            if not (progress.record.is_closed and progress.is_outdated):
                return progress
        open_run(lock, request)
        return take_turn(lock, services, deadline)


def resume(services: Services, export_id: str, run_id: str, deadline: Deadline) -> Progress:
    """Continues with an open run, without waiting."""
    with ExportLock.acquire(services.state, export_id, services.clock) as lock:
        if lock.head.open is None or lock.run.record.id != run_id:
            return Progress(read_run(services.state, run_id), is_trial=False)
        return take_turn(lock, services, deadline)


def _come_back(services: Services, progress: Progress, deadline: Deadline) -> Progress:
    """Continues whenever the run can, while time is left."""
    while not progress.record.is_closed:
        pause = _seconds_until(progress.not_before, services.clock.now())
        if deadline.left() <= pause:
            leave_to_workers(services, progress.record.export, progress.not_before)
            break
        deadline.sleep(pause)
        record = progress.record
        try:
            progress = resume(services, record.export, record.id, deadline)
        except AlreadyRunning:
            return replace(progress, record=read_run(services.state, record.id))
    return progress


def _seconds_until(time: datetime | None, now: datetime) -> float:
    return max(0.0, (time - now).total_seconds()) if time else 0.0
