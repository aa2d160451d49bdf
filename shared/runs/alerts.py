"""Whether a complete run is unusual, by the thresholds of its export."""

from shared.catalog import Alerts
from shared.runs.record import RunRecord

CODES = frozenset({"many_rejected", "rows_grew", "rows_fell"})


def warn_of_alerts(record: RunRecord, alerts: Alerts, before: int | None) -> None:
    """Adds the warnings to the record; `before` is the number of rows of the last complete run, if known."""
    rows, refused = record.counts.rows, record.counts.rejected + record.counts.failed
    if _exceeds(refused, rows, alerts.rejected_share):
        record.warn("many_rejected", refused, f"{refused:,} of {rows:,} rows.")
    if before is None:
        return
    compared = f"{rows:,} rows; the last complete run had {before:,}."
    if _exceeds(rows - before, before, alerts.grew_by):
        record.warn("rows_grew", rows - before, compared)
    if _exceeds(before - rows, before, alerts.fell_by):
        record.warn("rows_fell", before - rows, compared)


def _exceeds(part: int, whole: int, share: float | None) -> bool:
    """Whether a part is more than this share of the whole; if the whole is 0, any part is."""
    if share is None or part <= 0:
        return False
    return not whole or part / whole > share
