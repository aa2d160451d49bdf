"""What the operator hears of a run: a line for each step, and numbers at its end."""

import logging

from shared.adapters import telemetry
from shared.runs.record import RunRecord

logger = logging.getLogger(__name__)

OUTCOMES = ("imported", "failed", "unconfirmed", "rejected", "filtered", "duplicates")


def log_step(record: RunRecord, step: str, level: int = logging.INFO) -> None:
    """A line with the run, the export and the counts beside it."""
    told = {"run": record.id, "export": record.export, "status": record.status}
    logger.log(level, "run %s %s", record.id, step, extra=told | record.counts.model_dump())


def tell_closed(record: RunRecord) -> None:
    """The line of the last step, and the metrics of a closed run."""
    log_step(record, "closed")
    telemetry.runs.add(1, {"export": record.export, "status": record.status})
    for outcome in OUTCOMES:
        telemetry.profiles.add(getattr(record.counts, outcome), {"export": record.export, "outcome": outcome})
    for reason, count in record.rejected_by_reason.items():
        telemetry.rejected.add(count, {"export": record.export, "reason": reason})
    if record.started_at and record.finished_at:
        seconds = (record.finished_at - record.started_at).total_seconds()
        telemetry.run_seconds.record(seconds, {"export": record.export, "status": record.status})
