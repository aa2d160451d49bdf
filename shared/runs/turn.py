"""One holder's turn: ask the run for the next step, do it, and repeat until nothing can be done for now."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.adapters import traces
from shared.adapters.clock import Deadline
from shared.errors import Denied, InvalidDocument, InvalidSettings, NotFound, PermanentError, TryLater
from shared.runs.fingerprint import fingerprint
from shared.runs.holder import ConnectionRemoved, Holder, KeyElsewhere
from shared.runs.lock.export import ExportLock
from shared.runs.notify import notify
from shared.runs.record import ErrorRecord, RunRecord
from shared.runs.report import log_step, report_closed
from shared.runs.run import MOST_UNFINISHED_TURNS, next_step
from shared.runs.signals import is_outdated, read_signals
from shared.runs.states import Rest, State, Step
from shared.runs.steps.close import close, close_again
from shared.runs.steps.confirm import confirm
from shared.runs.steps.erase import erase_again
from shared.runs.steps.permit import Canceled, NewerSnapshot
from shared.runs.steps.pin import pin
from shared.runs.steps.reconcile import reconcile
from shared.runs.steps.remove import remove
from shared.runs.steps.send import send
from shared.runs.steps.subscribe import subscribe
from shared.services import Services

NO_PROGRESS = f"The run was resumed {MOST_UNFINISHED_TURNS} times and died each time without progress."
# Seconds to wait if the other side doesn't say when to come back.
PAUSE = 30.0
# Errors that persist until somebody changes a document or the key.
FOR_PEOPLE = (Denied, NotFound, InvalidDocument, InvalidSettings)
CODES_FOR_PEOPLE = frozenset({"too_many_profiles", "ambiguous_segment", "ambiguous_column"})
# A block may be temporary, and an update changes neither a document nor the key.
NOT_FOR_PEOPLE = frozenset({"blocked", "retired_revision"})


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a run, and when to continue it. `is_outdated`: a newer run must follow. `is_paused`: it
    waits until a pause is lifted, regardless of time."""

    record: RunRecord
    is_trial: bool
    not_before: datetime | None = None
    is_outdated: bool = False
    is_paused: bool = False


def take_turn(
    lock: ExportLock, services: Services, deadline: Deadline, *, on_demand: bool = False
) -> Progress:
    """Continues with the open run. On demand, a newer snapshot ends it in any state.

    Raises LeaseLost if another process has taken over; StorageUnavailable if not even the run's wait could be
    stored: the run stays open unchanged.
    """
    record = lock.run.record
    with traces.run_span(record.id, record.export) as span:
        holder = Holder(lock, services, deadline)
        closed = close_again(holder)
        if closed is not None:
            has_newer = holder.run.is_superseded or (on_demand and is_outdated(services, holder.run))
            progress = Progress(closed, holder.run.limit is not None, is_outdated=has_newer)
        else:
            progress = _Turn(holder, on_demand=on_demand).take()
        span.set_attribute("status", progress.record.status)
        if progress.record.is_closed:
            notify(services, progress.record, deadline)
        return progress


class _Turn:
    def __init__(self, holder: Holder, *, on_demand: bool) -> None:
        self._holder = holder
        self._run = holder.run
        self._signals = read_signals(holder, on_demand=on_demand)
        self._may_read_key_again = True
        self._record: RunRecord | None = None

    def take(self) -> Progress:
        run, holder = self._run, self._holder
        step = next_step(run, holder.now(), self._signals)
        is_trial = run.limit is not None
        if isinstance(step, Rest):
            return Progress(run.summary(), is_trial, step.until, is_paused=run.is_paused)
        run.begin_turn(holder.now())
        holder.lock.checkpoint()
        is_over = False
        while not is_over and run.state is not State.CLOSED:
            step = next_step(run, holder.now(), self._signals)
            is_over = isinstance(step, Rest) or self._try(step)
        if self._record is not None:
            has_newer = run.is_superseded or self._signals.newer_due
            return Progress(self._record, is_trial, is_outdated=has_newer)
        run.end_turn()
        holder.lock.checkpoint()
        until = run.wait.until if run.wait else None
        return Progress(run.summary(), is_trial, until, is_paused=run.is_paused)

    def _try(self, step: Step) -> bool:
        """Does a step; returns True if the turn is over."""
        try:
            return self._do(step)
        except Canceled:
            self._run.cut_short("canceled")
        except NewerSnapshot:
            self._run.postpone_removals()
        except ConnectionRemoved:
            self._lose_connection()
        except KeyElsewhere:
            self._run.finish_look(self._holder.now(), is_last=True)
        except PermanentError as problem:
            if step is Step.CLOSE:
                raise
            if problem.code == "invalid_key" and self._may_read_key_again:
                self._may_read_key_again = False  # the key may have been changed meanwhile
                return False
            if _is_for_people(problem):
                head = self._holder.lock.head
                head.wait_for_change(fingerprint(self._holder.services, head.export))
            self._run.fail(ErrorRecord(code=problem.code, message=problem.message))
        except TryLater as problem:
            if self._holder.lock.head.open is None:
                raise  # the record is written, and the next holder clears the head
            if step is Step.LAST_LOOK:
                self._run.finish_look(self._holder.now(), is_last=True)
                return False
            seconds = PAUSE if problem.retry_after is None else problem.retry_after
            self._run.wait_until(self._holder.now() + timedelta(seconds=seconds), problem.code)
            log_step(self._run.record, f"waits: {problem.code}", logging.WARNING)
            return True
        self._holder.lock.checkpoint()
        return False

    def _lose_connection(self) -> None:
        """Without its connection, a run sends nothing more, and its jobs can't be counted."""
        self._run.record.warn("connection_removed")
        if self._run.state is State.CONFIRMING:
            self._run.finish_look(self._holder.now(), is_last=True)
        else:
            self._run.cut_short("canceled")

    def _do(self, step: Step) -> bool:
        run, holder = self._run, self._holder
        match step:
            case Step.PIN:
                with traces.span("pin"):
                    pin(holder)
                log_step(run.record, "pinned")
            case Step.READ:
                with traces.span("read"):
                    if not reconcile(holder):
                        return True
                log_step(run.record, "read members")
            case Step.SEND:
                with traces.span("send"):
                    if not send(holder):
                        return True
                log_step(run.record, "sent")
            case Step.LOOK | Step.LAST_LOOK:
                with traces.span("confirm", {"jobs": len(run.deliveries.jobs)}):
                    confirm(holder)
                run.finish_look(holder.now(), is_last=step is Step.LAST_LOOK)
                log_step(run.summary(), "confirming" if run.wait else "confirmed")
            case Step.SUBSCRIBE:
                with traces.span("subscribe"):
                    if not subscribe(holder):
                        return True
                log_step(run.summary(), "subscribed")
            case Step.STOP_SUBSCRIBING:
                run.finish_subscribing()
                holder.lock.checkpoint()
            case Step.REMOVE:
                with traces.span("remove"):
                    if not remove(holder):
                        return True
                log_step(run.summary(), "removed")
            case Step.STOP_REMOVING:
                run.postpone_removals()
                holder.lock.checkpoint()
            case Step.CANCEL:
                run.cut_short("canceled")
                holder.lock.checkpoint()
            case Step.SUPERSEDE:
                run.cut_short("superseded")
                holder.lock.checkpoint()
            case Step.GET_NOWHERE:
                run.fail(ErrorRecord(code="no_progress", message=NO_PROGRESS))
                holder.lock.checkpoint()
            case Step.CLOSE:
                with traces.span("close") as span:
                    if not erase_again(holder):
                        return True
                    self._record = close(holder)
                    span.set_attributes(self._record.counts.model_dump())
                report_closed(self._record)
        return False


def _is_for_people(problem: PermanentError) -> bool:
    """Whether a retry is no use until somebody changes a document or the key."""
    if problem.code in NOT_FOR_PEOPLE:
        return False
    return isinstance(problem, FOR_PEOPLE) or problem.code in CODES_FOR_PEOPLE
