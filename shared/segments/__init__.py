"""Where profiles come from: the snapshots that Customer Insights writes to blobs, read as rows."""

from shared.segments.looking import Look
from shared.segments.model import Column, CsvFormat
from shared.segments.rows import Row, check_rows, most_rows, read_rows
from shared.segments.segments import Segments
from shared.segments.snapshots import Partition, Snapshot

__all__ = [
    "Column",
    "CsvFormat",
    "Look",
    "Partition",
    "Row",
    "Segments",
    "Snapshot",
    "check_rows",
    "most_rows",
    "read_rows",
]
