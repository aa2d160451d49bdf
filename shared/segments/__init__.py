"""Where profiles come from: the snapshots that Customer Insights writes to blobs, read as rows."""

from shared.segments.model import Column
from shared.segments.rows import Row, read_rows
from shared.segments.snapshots import Partition, Segments, Snapshot

__all__ = ["Column", "Partition", "Row", "Segments", "Snapshot", "read_rows"]
