"""Segments for people to choose from: number of members, age and columns, but no cells."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from shared.errors import ExportError
from shared.profiles.columns import look_like_names
from shared.segments import SegmentsView, Snapshot, read_rows
from shared.services import Services

# The first rows, in which blank cells are counted.
SAMPLE = 1000


@dataclass(frozen=True, slots=True)
class SegmentColumn:
    """`blank` is the share of blank cells in the sample, from 0 to 1; None if the sample is empty."""

    name: str
    type: str
    blank: float | None


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment's newest snapshot, or `error` if none can be read; sizes are in bytes.

    `members` is None, and `columns` is empty, if the rows were not read.

    With `names_hidden`, the file may begin with a person's cells, and no model.json has names.
    """

    name: str
    members: int | None = None
    refreshed_at: datetime | None = None
    folder: str = ""
    partitions: int = 0
    size: int = 0
    columns: tuple[SegmentColumn, ...] = ()
    names_hidden: bool = False
    error: dict[str, str] | None = None


def overview(view: SegmentsView) -> Iterator[Segment]:
    """Every segment, without the data that only its files have."""
    for name in view.names():
        try:
            yield _without_rows(name, view.newest(name))
        except ExportError as error:
            yield Segment(name, error={"code": error.code, "message": error.message})


def describe(services: Services, view: SegmentsView, name: str) -> Segment:
    """Reads the segment's newest snapshot. An error becomes part of the result, to hide no other segment."""
    try:
        return read(services, view, name)
    except ExportError as error:
        return Segment(name, error={"code": error.code, "message": error.message})


def read(services: Services, view: SegmentsView, name: str) -> Segment:
    """Reads the segment's newest snapshot. Raises NotFound, InvalidSegment."""
    snapshot = view.newest(name)
    members, blank, sampled = _count(services, snapshot)
    hidden = names_hidden(snapshot)
    return replace(
        _without_rows(name, snapshot),
        members=members,
        columns=tuple(
            SegmentColumn(column.name, column.data_type, blanks / sampled if sampled else None)
            for column, blanks in zip(snapshot.columns, blank, strict=True)
            if not hidden
        ),
        names_hidden=hidden,
    )


def _without_rows(name: str, snapshot: Snapshot) -> Segment:
    return Segment(
        name=name,
        refreshed_at=snapshot.refreshed_at,
        folder=snapshot.folder,
        partitions=len(snapshot.partitions),
        size=sum(partition.size for partition in snapshot.partitions),
    )


def names_hidden(snapshot: Snapshot) -> bool:
    """Whether the snapshot's columns are hidden: only its first record has names, which could be cells."""
    names = [column.name for column in snapshot.columns]
    return bool(names) and snapshot.names_by_file and not look_like_names(names)


def _count(services: Services, snapshot: Snapshot) -> tuple[int, list[int], int]:
    """The number of rows; the blank cells of each column in the sample; the rows of the sample."""
    names = [column.name for column in snapshot.columns]
    blank, members, sampled = [0] * len(names), 0, 0
    for index, partition in enumerate(snapshot.partitions):
        rows = read_rows(services.segment_store, partition, index, snapshot.csv_format, names)
        for _, _, cells in rows:
            members += 1
            if sampled < SAMPLE and len(cells) == len(names) and not isinstance(cells, str):
                sampled += 1
                for place, cell in enumerate(cells):
                    blank[place] += not cell.strip()
    return members, blank, sampled
