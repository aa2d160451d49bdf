"""Streams the rows of a partition."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain
from typing import BinaryIO

from shared.adapters.storage.store import Store
from shared.errors import InvalidSegment
from shared.segments.csv.blocks import BLOCK_SIZE, BOM, MAX_RECORD, sep_delimiter
from shared.segments.csv.cells import CellMapping
from shared.segments.csv.delimiter import detect_delimiter
from shared.segments.csv.header import column_names, is_header, map_header
from shared.segments.csv.partition_file import open_partition
from shared.segments.csv.record import Record
from shared.segments.csv.records import records
from shared.segments.snapshot import CsvFormat, Partition

# Bytes at a file's start that show its delimiter; more only if the first line is longer.
SAMPLE = 128 * 1024

type Row = tuple[int, int, Record]
"""A data row: the index of its partition within the run, from 0; its number there, from 1; the cells of the
segment's columns in their order, or the code of the reason why the row is refused."""


def read_rows(
    store: Store,
    partition: Partition,
    index: int,
    csv_format: CsvFormat,
    columns: Sequence[str],
    needed: Collection[str] | None = None,
) -> Iterator[Row]:
    """Yields all data rows of the pinned partition; `index` is its number within the run.

    Each row is checked on its own: it needs a cell for each column, and may have one more that is blank. A
    row that can't be read comes with its reason: one of those of `records`, or `wrong_number_of_cells`. If
    `csv_format` leaves open whether there is a header, the first record shows it; for `needed`, see
    `map_header`.

    Raises Changed if the file is no longer the pinned one; InvalidSegment if its header lacks columns, or if
    no row can be read and one of them has a wrong number of cells.
    """
    source = _records(store, partition, csv_format.delimiter)
    first = next(source, None)
    if first is None:
        return
    mapping, has_header = _mapping(partition.name, first, csv_format.has_header, columns, needed)
    if not has_header:
        source = chain([first], source)
    width, in_order = mapping.width, mapping.positions is None
    number, is_misfit, is_read = 0, False, False
    for number, cells in enumerate(source, start=1):
        if (len(cells) != width or not in_order) and not isinstance(cells, str):
            cells = mapping.apply(cells)
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
    """Raises what `read_rows` would raise for the whole file, before anything is sent.

    Reads up to the first row that has the right number of cells.
    """
    for _, _, cells in read_rows(store, partition, 0, csv_format, columns, needed):
        if not isinstance(cells, str):
            return


def read_header(store: Store, partition: Partition, delimiter: str) -> list[str] | None:
    """The names of the columns in a file where nothing else names them; None if it is empty.

    Raises Changed, or InvalidSegment if its first record can't be read.
    """
    first = next(_records(store, partition, delimiter), None)
    return None if first is None else column_names(partition.name, first)


def read_delimiter(store: Store, partition: Partition, columns: Sequence[str] = ()) -> str | None:
    """The delimiter of a file where nothing else names it; None if the file is empty.

    `columns` are those of model.json. Raises Changed, or InvalidSegment if it can't be decompressed.
    """
    with open_partition(store, partition) as file:
        beginning = file.read(SAMPLE)
        if b"\n" not in beginning and b"\r" not in beginning:
            beginning += file.read(MAX_RECORD)
        is_whole = not file.read(1)
    if delimiter := sep_delimiter(beginning):
        return delimiter
    text = beginning.removeprefix(BOM).decode(errors="surrogateescape")
    return detect_delimiter(text, columns, is_whole=is_whole)


def most_rows(store: Store, partition: Partition) -> int:
    """An upper bound of the pinned partition's rows: its lines, counted quickly.

    Raises Changed, or InvalidSegment if it can't be decompressed.
    """
    lines = 1  # the last one need not end
    with open_partition(store, partition) as file:
        while block := file.read(BLOCK_SIZE):
            lines += block.count(b"\n") + block.count(b"\r") - block.count(b"\r\n")
    return lines


def _records(store: Store, partition: Partition, delimiter: str) -> Iterator[Record]:
    with ExitStack() as opened:

        def open_file() -> BinaryIO:
            return opened.enter_context(open_partition(store, partition))

        yield from records(open_file, delimiter)


def _mapping(
    name: str,
    first: Record,
    has_header: bool | None,
    columns: Sequence[str],
    needed: Collection[str] | None,
) -> tuple[CellMapping, bool]:
    """The mapping of the partition's rows, and whether its first record is a header."""
    if isinstance(first, str):
        if has_header is False:
            return CellMapping.in_order(len(columns)), False
        raise InvalidSegment(
            f"The header of {name} can't be read ({first}). Check that the file is CSV in UTF-8.",
            code="invalid_csv",
        )
    if is_header(first, columns) if has_header is None else has_header:
        return map_header(name, first, columns, needed), True
    return CellMapping.in_order(len(columns)), False
