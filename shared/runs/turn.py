"""One take-up of a run by its holder: as many steps as there is time for."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.adapters import traces
from shared.adapters.clock import Deadline
from shared.administration.fingerprint import fingerprint
from shared.errors import Denied, InvalidDocument, InvalidSettings, NotFound, PermanentError, TryLater
from shared.klaviyo import Klaviyo
from shared.runs.interrupts import interrupt
from shared.runs.lock.account import lock_account
from shared.runs.lock.export import ExportLock
from shared.runs.plan import Plan
from shared.runs.record import ErrorRecord, RunRecord
from shared.runs.report import log_step, tell_closed
from shared.runs.steps.close import close, closed_before, summary
from shared.runs.steps.confirm import confirm, give_up, is_overdue
from shared.runs.steps.permit import Canceled, RunPermit
from shared.runs.steps.pin import pin, sign_in
from shared.runs.steps.send import send
from shared.services import Services

# Seconds, where the other side doesn't say when to come back.
PAUSE = 30.0
MOST_TAKE_UPS = 5
# What stays as it is until somebody changes a document or the key.
FOR_PEOPLE = (Denied, NotFound, InvalidDocument, InvalidSettings)
CODES_FOR_PEOPLE = frozenset({"too_many_profiles", "ambiguous_segment", "ambiguous_column"})


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come, and when to come back for it."""

    record: RunRecord
    not_before: datetime | None = None


def take_up(hold: ExportLock, services: Services, deadline: Deadline) -> Progress:
    """Goes on with the open run.

    Raises LeaseLost where somebody else has taken over, and StorageUnavailable where not even that the
    run waits could be written down: it stays open as it was.
    """
    record = hold.run.record
    with traces.run_span(record.id, record.export) as span:
        stand = _take_up(hold, services, deadline)
        span.set_attribute("status", stand.record.status)
        return stand


def _take_up(hold: ExportLock, services: Services, deadline: Deadline) -> Progress:
    run = hold.run
    closed = closed_before(hold)
    if closed is not None:
        return Progress(closed)
    if run.ending is None:
        interrupt(hold, services)
    if run.ending is None and run.not_before and run.not_before > hold.clock.now():
        return Progress(summary(run), run.not_before)
    run.take_ups += 1
    run.not_before = run.waiting_for = None
    if run.take_ups > MOST_TAKE_UPS:
        message = f"The run was taken up {MOST_TAKE_UPS} times and died each time before it got anywhere."
        return _end(hold, ErrorRecord(code="no_progress", message=message))
    hold.checkpoint()
    try:
        done = _go_on(hold, services, deadline)
    except Canceled:
        run.ending = "canceled"
        return _take_up(hold, services, deadline)
    except PermanentError as problem:
        if _is_for_people(problem) and hold.head.retry is not None:
            hold.head.retry.waits_for = fingerprint(services, hold.head.export)
        return _fail(hold, services, deadline, ErrorRecord(code=problem.code, message=problem.message))
    except TryLater as problem:
        done = False
        seconds = PAUSE if problem.retry_after is None else problem.retry_after
        run.not_before = hold.clock.now() + timedelta(seconds=seconds)
        run.waiting_for = problem.code
        log_step(run.record, f"waits: {problem.code}", logging.WARNING)
    if done:
        return Progress(_close(hold))
    run.take_ups = 0
    hold.checkpoint()
    return Progress(summary(run), run.not_before)


def _is_for_people(problem: PermanentError) -> bool:
    """Whether repeating is no use until somebody changes a document or the key."""
    if problem.code in ("blocked", "retired_revision"):  # what blocks may pass, and an update changes neither
        return False
    return isinstance(problem, FOR_PEOPLE) or problem.code in CODES_FOR_PEOPLE


def _go_on(hold: ExportLock, services: Services, deadline: Deadline) -> bool:
    """Pins, sends, confirms; True when there is nothing left to do but close."""
    try:
        return _work(hold, services, deadline)
    except Denied as problem:
        if problem.code != "invalid_key":
            raise
        # The key may have been changed meanwhile: the vault is read once more.
        return _work(hold, services, deadline)


def _work(hold: ExportLock, services: Services, deadline: Deadline) -> bool:
    run = hold.run
    if run.ending is None and run.plan is None:
        with traces.span("pin"):
            pin(hold, services, deadline)
        log_step(run.record, "pinned")
    if run.plan is None or (run.ending is not None and not run.jobs):
        return True
    plan = run.plan
    connection = services.catalog.connection(plan.export.connection)
    klaviyo = sign_in(services, connection, deadline)
    if klaviyo.account.id != plan.account_id:
        raise Denied(
            f"The run began in the Klaviyo account {plan.account_id}, and the connection's key opens the "
            f"account {klaviyo.account.id}: nothing more is sent. Put the right key into the vault.",
            code="wrong_account",
        )
    if run.ending is None and run.record.phase == "sending":
        with traces.span("send"), lock_account(services, plan.account_id) as account:
            permit = RunPermit(hold, services, connection.id, account)
            if not send(hold, services, klaviyo, plan, deadline, permit):
                return False
        log_step(run.record, "sent")
    return _confirm(hold, klaviyo, plan, deadline)


def _confirm(hold: ExportLock, klaviyo: Klaviyo, plan: Plan, deadline: Deadline) -> bool:
    """A look at the jobs. Where a newer snapshot waits, or after a day, one look has to do."""
    run = hold.run
    is_last = run.last_look or is_overdue(run, hold.clock.now())
    try:
        with traces.span("confirm", {"jobs": len(run.jobs)}):
            settled = confirm(hold, klaviyo, plan, deadline)
    except TryLater:
        if not is_last:
            raise
        settled = False
    if not settled and is_last:
        give_up(run)
        settled = True
    log_step(summary(run), "confirmed" if settled else "confirming")
    return settled


def _fail(hold: ExportLock, services: Services, deadline: Deadline, error: ErrorRecord) -> Progress:
    run = hold.run
    if run.ending is None and run.jobs and run.record.phase == "sending":
        run.ending, run.error = "failed", error
        return _take_up(hold, services, deadline)  # what was accepted before is counted all the same
    return _end(hold, error)


def _end(hold: ExportLock, error: ErrorRecord) -> Progress:
    run = hold.run
    run.error = run.error or error
    run.ending = run.ending or "failed"
    give_up(run)
    return Progress(_close(hold))


def _close(hold: ExportLock) -> RunRecord:
    with traces.span("close") as span:
        record = close(hold)
        span.set_attributes(record.counts.model_dump())
    tell_closed(record)
    return record
