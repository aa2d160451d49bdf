"""A segment as one refresh wrote it, pinned for a run."""

from dataclasses import dataclass
from datetime import datetime

from shared.segments.model import Column, CsvFormat


@dataclass(frozen=True, slots=True)
class Partition:
    """One CSV file of a snapshot, pinned: `size` is in bytes."""

    name: str
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A whole snapshot; `folder` is the run folder's name in the store, `version` orders a segment's own.

    With `names_by_file`, no model.json has the columns: a file's first record does, unless it is a row.
    """

    segment: str
    folder: str
    version: str
    refreshed_at: datetime
    columns: tuple[Column, ...]
    csv_format: CsvFormat
    partitions: tuple[Partition, ...]
    names_by_file: bool = False
