"""A snapshot: a segment as one refresh wrote it, pinned for a run."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a segment; `data_type` is the Common Data Model's: string, int64, dateTimeOffset, …"""

    name: str
    data_type: str = "unclassified"


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """How a snapshot's files are written.

    If `has_header` is None or the delimiter is blank, each file's first records show it.
    """

    has_header: bool | None = True
    delimiter: str = ","


@dataclass(frozen=True, slots=True)
class Partition:
    """One CSV file of a snapshot, pinned by its ETag; `size` is in bytes."""

    name: str
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A complete snapshot. `folder` is its run folder in the store; `version` orders the segment's snapshots.

    With `names_by_file`, no model.json names the columns: they are from a file's first record, which could
    be a row.
    """

    segment: str
    folder: str
    version: str
    refreshed_at: datetime
    columns: tuple[Column, ...]
    csv_format: CsvFormat
    partitions: tuple[Partition, ...]
    names_by_file: bool = False
