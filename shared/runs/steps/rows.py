"""Reads a pinned segment: its profiles, and how many rows it has at most."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial

from shared.errors import Changed, InvalidSegment, NotFound
from shared.profiles import UNKEYED, Digests, Profile, Selection
from shared.runs.plan import Plan
from shared.segments import Partition, Row, Snapshot, Survey, most_rows, read_rows, survey_rows
from shared.services import Services


def profiles_of(
    services: Services, plan: Plan, selection: Selection, digests: Digests = UNKEYED
) -> Iterator[Profile]:
    """The profiles to send, in the segments' order; `selection` counts the other rows.

    Raises InvalidSegment with the code `snapshot_changed` if the files are no longer the pinned ones.
    """
    first, needed = 0, set(plan.mapping().columns())
    for segment, mapper in zip(plan.segments, plan.mappers(digests), strict=True):
        before = selection.rows
        if mapper is not None:
            yield from selection.profiles(_rows(services, segment.snapshot(), first, needed), mapper)
        selection.rows_by_segment[segment.name] = selection.rows - before
        first += len(segment.partitions)


def check(services: Services, plan: Plan) -> None:
    """Raises NotFound and InvalidSegment if a segment, or a file's header, lacks a column, or if no row of a
    file fits the columns. Reads the beginnings of the files."""
    survey(services, plan, None)


def survey(services: Services, plan: Plan, few: int | None) -> Survey:
    """Checks the segments as `check` does, and returns how many rows they have.

    If the files' sizes allow more rows than `few`, reads the files whole, once and without mapping rows. With
    None, it never does.
    """
    needed, found = set(plan.mapping().columns()), list[Survey]()
    mapped = zip(plan.segments, plan.mappers(), strict=True)
    snapshots = [segment.snapshot() for segment, mapper in mapped if mapper is not None]
    sizes = sum(most_rows(partition) for snapshot in snapshots for partition in snapshot.partitions)
    counts = few is not None and sizes > few
    for snapshot in snapshots:
        columns = [column.name for column in snapshot.columns]
        look = partial(
            survey_rows,
            services.segment_store,
            csv_format=snapshot.csv_format,
            columns=columns,
            needed=needed,
        )
        for partition in snapshot.partitions:
            with _pinned(partition):
                each = look(partition, counts=counts)
                if each.most is None and few is not None:
                    each = look(partition, counts=True)
            found.append(each)
    most = [each.most for each in found if each.most is not None]
    return Survey(sum(most) if len(most) == len(found) else None, sum(each.about for each in found))


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
