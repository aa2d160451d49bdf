"""The last step: final counts, the refused rows' file, and the record, which is written once."""

import logging
from contextlib import suppress

from pydantic import ValidationError

from shared import state
from shared.adapters.storage.store import Store
from shared.errors import ExportError, InvalidDocument, NewerVersion, NotFound, PermanentError, Problem
from shared.runs.alerts import warn_of_alerts
from shared.runs.holder import Holder
from shared.runs.record import RECORD_VERSION, RunRecord, Status, version_of
from shared.runs.run import OpenRun
from shared.runs.steps.ledger import leave_ledger, remove_ledgers
from shared.runs.steps.parts import Parts, remove_parts
from shared.runs.steps.permit import is_cancel_requested
from shared.runs.steps.rejected import MOST_LISTED

logger = logging.getLogger(__name__)

# Bytes of a record: a run of 100,000 jobs has about half of that.
MOST_BYTES = 32_000_000


def close(holder: Holder) -> RunRecord:
    """Closes the open run: writes the refused rows' file and the record, and finally clears the head.

    Only an error in storing the record or the head can prevent it.
    """
    run, store = holder.run, holder.lock.store
    holder.lock.checkpoint()  # if this holder dies, the next one closes from this checkpoint
    record = run.summary()
    if run.cut is None and is_cancel_requested(store, record.id):
        record.warn("cancel_too_late")
    if run.plan is not None and (refused := record.counts.rejected + record.counts.failed):
        listed = min(refused, MOST_LISTED)
        record.warn("rejected_not_listed", refused - listed)
        record.warn("refused_rows_incomplete", listed - _list_rejected(holder, run.plan.partitions(), listed))
    if run.plan is not None and run.cut is None and run.limit is None:
        warn_of_alerts(record, run.plan.export.alerts, holder.lock.head.rows_before(run))
    record.error = run.cut.error if run.cut else None
    record.removals_since = holder.lock.head.waiting_since(run)
    record.phase = "closed"
    record.finished_at = holder.now()
    ledger = leave_ledger(holder, record)
    record.status = _status(run, record)
    holder.lock.check()
    store.write(state.recent(record.id), b"")
    store.write(state.record(record.id), record.content(), create_only=True)
    _clear(holder, record, ledger)
    run.close()
    return record


def close_again(holder: Holder) -> RunRecord | None:
    """The record of the open run, if its holder died between writing it and clearing the head.

    The record stays unchanged, and the rest of closing is done. None if there is no record yet. A record that
    can't be read is removed: it can be written again from the head.
    """
    record, lock = holder.run.record, holder.lock
    try:
        record = read_record(lock.store, record.export, record.id)
        return _clear(holder, record, leave_ledger(holder, record))
    except NotFound:
        return None
    except InvalidDocument as problem:
        logger.warning("%s", problem.message)
        lock.check()
        lock.store.delete(state.record(record.id))
        return None


def read_record(store: Store, export_id: str, run_id: str) -> RunRecord:
    """The record of a closed run. Raises NotFound, InvalidDocument, NewerVersion."""
    name = state.record(run_id)
    content = store.read(name, most=MOST_BYTES).content
    try:
        record = RunRecord.model_validate_json(content)
        if (record.export, record.id, record.phase) == (export_id, run_id, "closed"):
            return record
    except ValidationError:
        with suppress(ValidationError):
            if version_of(content) > RECORD_VERSION:
                raise NewerVersion(name) from None
    raise InvalidDocument(name, [Problem("", "is not the record of a run: restore or remove it")])


def _list_rejected(holder: Holder, partitions: list[str], most: int) -> int:
    """Writes the refused rows' file; returns how many of its rows have their place."""
    deliveries = holder.run.deliveries
    jobs = (state.job_part(job.digest) for job in deliveries.jobs)
    checked = sum((deliveries.checked or {}).values())
    try:
        return Parts(holder.lock).join_rejected(partitions, {*deliveries.parts(), *jobs}, checked, most)
    except PermanentError as problem:
        logger.warning("run %s: its refused rows can't be listed: %s", holder.run.record.id, problem.message)
        return 0


def _clear(holder: Holder, record: RunRecord, ledger: str | None) -> RunRecord:
    lock = holder.lock
    before = lock.head.last_attempt
    with suppress(PermanentError):
        lock.store.delete(state.cancel(record.id))
    with suppress(ExportError):  # the previous run's holder may have died before it removed them
        if before is not None:
            remove_parts(lock.store, before.run)
    lock.head.close_run(record, ledger)
    lock.checkpoint()
    with suppress(ExportError):  # leftovers do no harm
        remove_parts(lock.store, record.id)
        remove_ledgers(lock)
    return record


def _status(run: OpenRun, record: RunRecord) -> Status:
    if run.cut is not None:
        return "failed" if run.cut.cause == "failed" else "canceled"
    counts = record.counts
    if counts.sent + counts.unchanged == 0:
        record.warn("empty_segment", 1)
    clean = not (counts.rejected or counts.failed or counts.unconfirmed or record.warnings)
    return "successful" if clean else "completed_with_warnings"
