"""`segments`: the segments that can be exported."""

from dataclasses import dataclass
from datetime import datetime

import click

from cli.options import json_option, open_services
from cli.send.guessing import look_like_names
from cli.terminal.entry import OK, USAGE
from cli.terminal.output import print_json, print_line
from cli.terminal.tables import print_table, size, table
from shared.errors import ExportError
from shared.segments import Segments, SegmentsView, Snapshot, read_rows
from shared.services import Services

# Rows, from the start, in which blank cells are counted.
SAMPLE = 1000


@dataclass(frozen=True, slots=True)
class Column:
    """`blank` is the share of blank cells in the sample, from 0 to 1; None where the sample is empty."""

    name: str
    type: str
    blank: float | None


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment's newest snapshot, or `error` if none can be read; sizes are in bytes.

    With `names_hidden`, its file may begin with a person's cells, and no model.json has names.
    """

    name: str
    members: int = 0
    refreshed_at: datetime | None = None
    folder: str = ""
    partitions: int = 0
    size: int = 0
    columns: tuple[Column, ...] = ()
    names_hidden: bool = False
    error: dict[str, str] | None = None


@click.command()
@click.argument("names", metavar="[SEGMENT]...", nargs=-1)
@json_option
def segments(names: tuple[str, ...], as_json: bool) -> int:
    """Show the segments under SEGMENTS_URL, or only the named ones: members, age, size, columns.

    Every row is counted. Blank cells are counted in the first 1,000 rows. The exit code is 2 if a named
    segment can't be shown.

    Example: segment-export segments HighValueSegment
    """
    services = open_services()
    view = Segments(services.segment_store, services.settings.segments_prefix).view()
    if len(names) == 1:
        found = [read(services, view, names[0])]
    else:
        found = [describe(services, view, name) for name in names or view.names()]
    if as_json:
        print_json({"segments": found})
    elif found:
        _print(found)
    else:
        print_line("There are no segments under SEGMENTS_URL.")
    return USAGE if names and any(each.error for each in found) else OK


def describe(services: Services, view: SegmentsView, name: str) -> Segment:
    """Reads the segment's newest snapshot. An error becomes part of the result: it hides no other segment."""
    try:
        return read(services, view, name)
    except ExportError as error:
        return Segment(name, error={"code": error.code, "message": error.message})


def read(services: Services, view: SegmentsView, name: str) -> Segment:
    """Reads the segment's newest snapshot. Raises NotFound, InvalidSegment."""
    snapshot = view.newest(name)
    members, blank, sampled = _count(services, snapshot)
    hidden = names_hidden(snapshot)
    return Segment(
        name=name,
        members=members,
        refreshed_at=snapshot.refreshed_at,
        folder=snapshot.folder,
        partitions=len(snapshot.partitions),
        size=sum(partition.size for partition in snapshot.partitions),
        columns=tuple(
            Column(column.name, column.data_type, blanks / sampled if sampled else None)
            for column, blanks in zip(snapshot.columns, blank, strict=True)
            if not hidden
        ),
        names_hidden=hidden,
    )


def names_hidden(snapshot: Snapshot) -> bool:
    """Whether the snapshot's columns are hidden: only its first record has names, and they may be cells."""
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


def _print(found: list[Segment]) -> None:
    numbers = ("members", "partitions", "size")
    overview = table(
        "segment", "members", "refreshed (UTC)", "partitions", "size", numbers=numbers, ids=("segment",)
    )
    for each in found:
        if each.refreshed_at is not None:
            time = f"{each.refreshed_at:%Y-%m-%d %H:%M}"
            overview.add_row(each.name, f"{each.members:,}", time, f"{each.partitions}", size(each.size))
    if overview.row_count:
        print_table(overview)
    for each in found:
        if each.error is not None:
            print_line()
            print_line(f"{each.name}: {each.error['message']} ({each.error['code']})")
            continue
        print_line()
        print_line(f"{each.name}, in {each.folder}")
        if each.names_hidden:
            print_line(
                "Its file has no header that looks like column names, and there is no model.json with names."
            )
            continue
        columns = table("column", "type", "blank", numbers=("blank",))
        for column in each.columns:
            columns.add_row(column.name, column.type, "" if column.blank is None else f"{column.blank:.0%}")
        print_table(columns)
