"""The rows of a partition, streamed."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain
from typing import BinaryIO

from shared.adapters.storage.store import Store
from shared.errors import InvalidSegment
from shared.segments.chunks import open_partition
from shared.segments.csv_blocks import BLOCK, BOM, LONGEST, said_delimiter
from shared.segments.csv_text import Record, records
from shared.segments.delimiter import delimiter_of
from shared.segments.header import Shape, column_names, is_header, shape_of_header
from shared.segments.model import CsvFormat
from shared.segments.snapshots import Partition

# Bytes from a file's start that show its delimiter; more only where the first line is longer.
SAMPLE = 128 * 1024

type Row = tuple[int, int, Record]
"""A data row: the run's partition that it lies in, from 0; its number there, from 1; the cells of the
segment's columns in their order, or the code of the reason why there are none."""


def read_rows(
    store: Store,
    partition: Partition,
    index: int,
    csv_format: CsvFormat,
    columns: Sequence[str],
    needed: Collection[str] | None = None,
) -> Iterator[Row]:
    """All data rows of the pinned partition, which is the run's number `index`.

    Each row is judged by itself: it has a cell for each column, or one more that is blank. One that can't be
    read comes with its reason: those of `records`, or `wrong_number_of_cells`. Where `csv_format` does not
    say whether there is a header, the first record shows it; `needed` is as in `shape_of_header`.

    Raises Changed where the file is not the pinned one any more; InvalidSegment where its header lacks
    columns, or where no row can be read and one of them has a wrong number of cells.
    """
    source = _records(store, partition, csv_format.delimiter)
    first = next(source, None)
    if first is None:
        return
    shape, has_header = _shape(partition.name, first, csv_format.has_header, columns, needed)
    if not has_header:
        source = chain([first], source)
    width, in_order = shape.width, shape.places is None
    number, is_misfit, is_read = 0, False, False
    for number, cells in enumerate(source, start=1):
        if (len(cells) != width or not in_order) and not isinstance(cells, str):
            cells = shape.arrange(cells)
        if not is_read:
            is_read = not isinstance(cells, str)
            is_misfit |= cells == "wrong_number_of_cells"
        yield index, number, cells
    if is_misfit and not is_read:
        raise InvalidSegment(
            f"No row of {partition.name} has {width:,} cells, one for each column (rows: {number:,}). "
            "Check the file's delimiter and its columns.",
            code="invalid_csv",
        )


def check_rows(
    store: Store,
    partition: Partition,
    csv_format: CsvFormat,
    columns: Sequence[str],
    needed: Collection[str] | None = None,
) -> None:
    """Raises what `read_rows` would raise for the whole file, so that nothing need be sent to know.

    Reads up to the first row that has the right number of cells.
    """
    for _, _, cells in read_rows(store, partition, 0, csv_format, columns, needed):
        if not isinstance(cells, str):
            return


def read_header(store: Store, partition: Partition, delimiter: str) -> list[str] | None:
    """The names of the columns where nothing else has them; None where the partition is empty.

    Raises Changed, or InvalidSegment where its first record can't be read.
    """
    first = next(_records(store, partition, delimiter), None)
    return None if first is None else column_names(partition.name, first)


def read_delimiter(store: Store, partition: Partition, columns: Sequence[str] = ()) -> str | None:
    """The delimiter, from the first records, where nothing else tells; None where the partition is empty.

    `columns` are those that model.json has. Raises Changed, or InvalidSegment where gzip did not make it.
    """
    with open_partition(store, partition) as file:
        beginning = file.read(SAMPLE)
        if b"\n" not in beginning and b"\r" not in beginning:
            beginning += file.read(LONGEST)
        is_whole = not file.read(1)
    if said := said_delimiter(beginning):
        return said
    text = beginning.removeprefix(BOM).decode(errors="surrogateescape")
    return delimiter_of(text, columns, is_whole=is_whole)


def most_rows(store: Store, partition: Partition) -> int:
    """A number of rows that the pinned partition can't have more of: its lines, counted quickly.

    Raises Changed, or InvalidSegment where it is not what gzip made.
    """
    lines = 1  # the last one need not end
    with open_partition(store, partition) as file:
        while block := file.read(BLOCK):
            lines += block.count(b"\n") + block.count(b"\r") - block.count(b"\r\n")
    return lines


def _records(store: Store, partition: Partition, delimiter: str) -> Iterator[Record]:
    with ExitStack() as opened:

        def open_file() -> BinaryIO:
            return opened.enter_context(open_partition(store, partition))

        yield from records(open_file, delimiter)


def _shape(
    name: str,
    first: Record,
    has_header: bool | None,
    columns: Sequence[str],
    needed: Collection[str] | None,
) -> tuple[Shape, bool]:
    """The shape of the partition's rows, and whether its first record is a header."""
    if isinstance(first, str):
        if has_header is False:
            return Shape.in_order(len(columns)), False
        raise InvalidSegment(
            f"The header of {name} can't be read ({first}): is it CSV in UTF-8?", code="invalid_csv"
        )
    if is_header(first, columns) if has_header is None else has_header:
        return shape_of_header(name, first, columns, needed), True
    return Shape.in_order(len(columns)), False
