"""The last step: counts that add up, the rejected file, the record written once for all."""

from contextlib import suppress

from pydantic import ValidationError

from shared import state
from shared.adapters.storage.store import Store
from shared.errors import InvalidDocument, NotFound, Problem
from shared.runs.head import Head, LastRun, OpenRun
from shared.runs.lock.export import ExportLock
from shared.runs.record import JobRecord, RunRecord, Status
from shared.runs.steps.parts import Parts, is_cancel_requested

# Of a record: a run of 100,000 jobs has about half of that.
MOST_BYTES = 32_000_000


def close(hold: ExportLock) -> RunRecord:
    """Closes the open run: the rejected file, the record, and at last the head, which is cleared."""
    run = hold.run
    run.count_rejected()
    record = summary(run)
    if run.ending is None and is_cancel_requested(hold.store, record.id):
        record.warn("cancel_too_late")
    if run.plan is not None and (refused := record.counts.rejected + record.counts.failed):
        checked = sum((run.checked or {}).values())
        listed = Parts(hold).join_rejected(run.plan.partitions(), _valid_parts(run), checked)
        record.warn("rejected_not_listed", max(0, refused - listed))
    record.status = _status(run, record)
    record.error = run.error
    record.phase = "closed"
    record.finished_at = hold.clock.now()
    hold.check()
    hold.store.write(state.record(record.id), record.content(), create_only=True)
    return _clear(hold, record)


def closed_before(hold: ExportLock) -> RunRecord | None:
    """The record of the open run, where its holder died between writing it and clearing the head.

    What was written once for all stays as it is; what was left to do is done. Raises InvalidDocument.
    """
    run = hold.run.record
    try:
        return _clear(hold, read_record(hold.store, run.export, run.id))
    except NotFound:
        return None


def read_record(store: Store, export_id: str, run_id: str) -> RunRecord:
    """The record of a closed run. Raises NotFound, InvalidDocument."""
    name = state.record(run_id)
    content = store.read(name, most=MOST_BYTES).content
    with suppress(ValidationError):
        record = RunRecord.model_validate_json(content)
        if (record.export, record.id) == (export_id, run_id):
            return record
    raise InvalidDocument(name, [Problem("", "is no record of a run: restore or remove it")])


def _clear(hold: ExportLock, record: RunRecord) -> RunRecord:
    Parts(hold).remove()
    hold.store.delete(state.cancel(record.id))
    _remember(hold.head, hold.run, record)
    hold.checkpoint()
    return record


def _remember(head: Head, run: OpenRun, record: RunRecord) -> None:
    """What the head keeps of a closed run: whether its snapshots need another one."""
    last = LastRun(run=record.id, status=record.status, finished_at=record.finished_at or record.created_at)
    superseded = "superseded" in record.warning_codes()
    head.open = None
    head.last_attempt = last
    head.superseded = head.superseded + 1 if superseded else 0
    if run.limit is not None:
        return  # a trial: the snapshot is still to be exported
    if record.status in ("successful", "completed_with_warnings"):
        head.last_success = last
    if record.status != "failed" and not superseded:
        tried = head.retry.versions if head.retry else {}
        head.exported |= run.plan.versions() if run.plan else tried
        head.retry = None


def summary(run: OpenRun) -> RunRecord:
    """The record of an open run as it stands: what its jobs say, in counts."""
    record = run.record.model_copy(deep=True)
    record.jobs = [
        JobRecord(id=job.id, profiles=job.profiles, status=job.status, failed=job.failed) for job in run.jobs
    ]
    counts = record.counts
    counts.sent = sum(job.profiles for job in run.jobs)
    settled = [job for job in run.jobs if job.is_settled]
    counts.failed = sum(job.failed for job in settled)
    counts.unconfirmed = sum(job.unconfirmed for job in settled)
    counts.imported = sum(job.profiles - job.failed - job.unconfirmed for job in settled)
    record.warn("unconfirmed", counts.unconfirmed)
    return record


def _status(run: OpenRun, record: RunRecord) -> Status:
    if run.ending is not None:
        return run.ending
    counts = record.counts
    if counts.sent == 0:
        record.warn("empty_segment", 1)
    clean = not (counts.rejected or counts.failed or counts.unconfirmed or record.warnings)
    return "successful" if clean else "completed_with_warnings"


def _valid_parts(run: OpenRun) -> set[str]:
    """The parts that this run's batches and jobs wrote, and no other life's."""
    jobs = (f"{job.digest}.job" for job in run.jobs)
    return {*(batch.digest for batch in run.finished), *run.unfinished, *jobs}
