"""A run from its start to its close: whoever holds the export goes on with it, as long as there is time."""

import logging
import secrets
from datetime import datetime, timedelta

from shared.adapters.clock import Deadline
from shared.errors import AlreadyRunning, NeedsPeople, NotFound, TryLater
from shared.runs.closing import close, summary
from shared.runs.confirming import confirm, give_up
from shared.runs.head import Head, Hold, OpenRun, create_head
from shared.runs.history import read_run
from shared.runs.pinning import pin, sign_in
from shared.runs.record import ErrorRecord, RunRecord, Trigger
from shared.runs.sending import send
from shared.runs.services import Services

logger = logging.getLogger(__name__)

# Without a word from the other side about when to come back.
PAUSE = 30.0


def start(services: Services, export_id: str, trigger: Trigger, requested_by: str) -> RunRecord:
    """Opens a run of the export, or finds the one that is open, and returns its record.

    Raises NotFound, InvalidDocument, AlreadyRunning where somebody else holds the export.
    """
    export = services.catalog.export(export_id)
    see(services, export_id, export.segments)
    with Hold.take(services.state, export_id, services.clock) as hold:
        if hold.head.open is None:
            now = services.clock.now()
            record = RunRecord(
                id=f"{export_id}.{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}",
                export=export_id,
                trigger=trigger,
                requested_by=requested_by,
                created_at=now,
            )
            hold.head.open = OpenRun(record=record)
            hold.checkpoint()
            _log(record, "started")
        return summary(hold.run)


def see(services: Services, export_id: str, segments: tuple[str, ...]) -> None:
    """Makes the head of an export that is seen for the first time: the present snapshots are its baseline."""
    try:
        services.state.stat(f"heads/{export_id}.json")
    except NotFound:
        versions = services.segments.versions()
        baseline = {name: versions[name] for name in segments if name in versions}
        create_head(services.state, Head(export=export_id, baseline=baseline))


def advance(services: Services, record: RunRecord, deadline: Deadline) -> RunRecord:
    """Goes on with the run until it is closed or the time is over, and returns its record.

    The export is held while the run gets on, not while Klaviyo works. Raises AlreadyRunning where
    somebody else holds it.
    """
    first = True
    while True:
        try:
            with Hold.take(services.state, record.export, services.clock) as hold:
                if hold.head.open is None or hold.head.open.record.id != record.id:
                    return read_run(services.state, record.id)
                record, not_before = _steps(hold, services, deadline)
        except AlreadyRunning:
            if first:
                raise
            return read_run(services.state, record.id)
        first = False
        if record.is_closed:
            return record
        pause = _seconds_until(not_before, services.clock.now())
        if deadline.left() <= pause:
            return record
        deadline.sleep(pause)


def _steps(hold: Hold, services: Services, deadline: Deadline) -> tuple[RunRecord, datetime | None]:
    """As many steps as there is time for; the record and when to come back."""
    run = hold.run
    if _seconds_until(run.not_before, hold.clock.now()):
        return summary(run), run.not_before
    try:
        if run.plan is None:
            pin(hold, services, deadline)
            _log(run.record, "pinned")
        if _go_on(hold, services, deadline):
            record = close(hold)
            _log(record, "closed")
            return record, None
    except NeedsPeople as problem:
        run.ending, run.error = "failed", ErrorRecord(code=problem.code, message=problem.message)
        if run.record.phase == "sending" and run.jobs:
            run.record.phase = "confirming"  # what was accepted before is counted all the same
            hold.checkpoint()
        else:
            give_up(run)
            record = close(hold)
            _log(record, "failed")
            return record, None
    except TryLater as problem:
        seconds = problem.retry_after if problem.retry_after is not None else PAUSE
        run.not_before = hold.clock.now() + timedelta(seconds=seconds)
        hold.checkpoint()
        logger.warning(
            "run waits: %s", problem.code, extra={"run": run.record.id, "export": run.record.export}
        )
    return summary(run), run.not_before


def _go_on(hold: Hold, services: Services, deadline: Deadline) -> bool:
    """Sends and confirms; True when there is nothing left to do but close."""
    run = hold.run
    plan = run.plan
    if plan is None:
        return False
    connection = services.catalog.connection(plan.export.connection)
    klaviyo = sign_in(services, connection, deadline)
    run.not_before = None
    if run.record.phase == "sending":
        if not send(hold, services, klaviyo, plan, deadline):
            return False
        _log(run.record, "sent")
    return confirm(hold, klaviyo, plan, deadline)


def _seconds_until(time: datetime | None, now: datetime) -> float:
    return max(0.0, (time - now).total_seconds()) if time else 0.0


def _log(record: RunRecord, step: str) -> None:
    extra = {"run": record.id, "export": record.export, "status": record.status, **record.counts.model_dump()}
    logger.info("run %s %s", record.id, step, extra=extra)
