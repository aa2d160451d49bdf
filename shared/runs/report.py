"""Reports a run to the operator: a log line for each step, and metrics at its end."""

import logging

from shared.adapters import telemetry
from shared.errors import ExportError
from shared.runs import alerts
from shared.runs.record import RunRecord
from shared.text import shown

logger = logging.getLogger(__name__)

# Each row has one of these.
OUTCOMES = ("imported", "failed", "unconfirmed", "rejected", "filtered", "duplicates", "unchanged")


def log_step(record: RunRecord, step: str, level: int = logging.INFO) -> None:
    """Logs a line with the run, the export and the counts as fields."""
    fields = {"run": record.id, "export": record.export, "status": record.status}
    logger.log(level, "run %s %s", record.id, step, extra=fields | record.counts.model_dump())


def report_closed(record: RunRecord) -> None:
    """Logs the last step, and reports the metrics of a closed run."""
    log_step(record, "closed")
    counts = record.counts
    telemetry.runs.add(1, {"export": record.export, "status": record.status})
    for outcome in OUTCOMES:
        telemetry.profiles.add(getattr(counts, outcome), {"export": record.export, "outcome": outcome})
    changes = {
        "new": counts.new,
        "changed": counts.changed,
        "unchanged": counts.unchanged,
        "removed": counts.removed,
        "held": record.warned("removals_held"),
    }
    for change, count in changes.items():
        telemetry.changes.add(count, {"export": record.export, "change": change})
    for reason, count in record.rejected_by_reason.items():
        telemetry.rejected.add(count, {"export": record.export, "reason": reason})
    for code in record.warning_codes() & alerts.CODES:
        telemetry.alerts.add(1, {"export": record.export, "warning": code})
    if record.started_at and record.finished_at:
        seconds = (record.finished_at - record.started_at).total_seconds()
        telemetry.run_seconds.record(seconds, {"export": record.export, "status": record.status})


def log_failure(export_id: str, error: ExportError) -> None:
    """Logs why an export can't run."""
    logger.error(
        "export %s: %s: %s", shown(export_id), error.code, error.message, extra={"export": export_id}
    )
