"""What the steps read of a pinned segment: its profiles, and how many rows it can't have more of."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from shared.errors import Changed, InvalidSegment, NotFound
from shared.profiles import UNKEYED, Digests, Profile, Selection
from shared.runs.plan import Plan
from shared.segments import Partition, Row, Snapshot, check_rows, most_rows, read_rows
from shared.services import Services


def profiles_of(
    services: Services, plan: Plan, selection: Selection, digests: Digests = UNKEYED
) -> Iterator[Profile]:
    """The profiles that leave, in the segments' order; `selection` counts what does not.

    Raises InvalidSegment with the code `snapshot_changed` where the files are not the pinned ones any more.
    """
    first, needed = 0, set(plan.mapping().columns())
    for segment, mapper in zip(plan.segments, plan.mappers(digests), strict=True):
        before = selection.rows
        if mapper is not None:
            yield from selection.profiles(_rows(services, segment.snapshot(), first, needed), mapper)
        selection.rows_by_segment[segment.name] = selection.rows - before
        first += len(segment.partitions)


def most_rows_of(services: Services, plan: Plan) -> int:
    """An upper bound of the segments' rows: their lines, counted quickly. Raises InvalidSegment likewise."""
    lines = 0
    for segment in plan.segments:
        for partition in segment.snapshot().partitions:
            with _pinned(partition):
                lines += most_rows(services.segment_store, partition)
    return lines


def check(services: Services, plan: Plan) -> None:
    """Raises NotFound and InvalidSegment for a column that a segment, or a file's header, lacks, and for a
    file of which no row fits the columns."""
    needed = set(plan.mapping().columns())
    for segment, mapper in zip(plan.segments, plan.mappers(), strict=True):
        snapshot = segment.snapshot()
        columns = [column.name for column in snapshot.columns]
        for partition in snapshot.partitions if mapper is not None else ():
            with _pinned(partition):
                check_rows(services.segment_store, partition, snapshot.csv_format, columns, needed)


def _rows(services: Services, snapshot: Snapshot, first: int, needed: Collection[str]) -> Iterator[Row]:
    columns = [column.name for column in snapshot.columns]
    for number, partition in enumerate(snapshot.partitions, first):
        with _pinned(partition):
            yield from read_rows(
                services.segment_store, partition, number, snapshot.csv_format, columns, needed
            )


@contextmanager
def _pinned(partition: Partition) -> Iterator[None]:
    try:
        yield
    except (Changed, NotFound):
        raise InvalidSegment(
            f"{partition.name} changed while the run read it: run the export again.", code="snapshot_changed"
        ) from None
