"""Streams the rows of a partition."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from shared.adapters.storage.store import SMALL_CHUNK, Store
from shared.errors import InvalidSegment
from shared.segments.csv.blocks import BLOCK_SIZE, BOM, MAX_FIRST_LINE, MAX_RECORD, sep_delimiter
from shared.segments.csv.cells import CellMapping
from shared.segments.csv.count import RecordCount
from shared.segments.csv.delimiter import detect_delimiter
from shared.segments.csv.header import column_names, is_header, map_header
from shared.segments.csv.lines import lines_of
from shared.segments.csv.partition_file import Content
from shared.segments.csv.record import Record
from shared.segments.csv.records import records
from shared.segments.snapshot import CsvFormat, Partition

# Bytes at a file's start that show its delimiter; more only if the first line is longer.
SAMPLE = 128 * 1024
# Bytes of a block that the first chunk of a file can fill, after the beginning, which is read before.
_SMALL_BLOCK = SMALL_CHUNK - MAX_FIRST_LINE

type Row = tuple[int, int, Record]
"""A data row: the index of its partition within the run, from 0; its number there, from 1; the cells of the
segment's columns in their order, or the code of the reason why the row is refused."""


@dataclass(frozen=True, slots=True)
class Survey:
    """How many rows a partition has: at most, None if unknown, and about how many."""

    most: int | None
    about: int


@dataclass(frozen=True, slots=True)
class _Begun:
    """The records of a partition after its header, if any, and the positions of its columns in them."""

    mapping: CellMapping
    has_header: bool
    records: Iterator[Record]


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
    row that can't be read has its reason: one of those of `records`, or `wrong_number_of_cells`. If
    `csv_format` leaves open whether there is a header, the first record shows it; for `needed`, see
    `map_header`.

    Raises Changed if the file is no longer the pinned one; InvalidSegment if its header lacks columns, or if
    no row can be read and one of them has a wrong number of cells.
    """
    source = _records(store, partition, csv_format.delimiter)
    if (begun := _begin(source, partition, csv_format, columns, needed)) is not None:
        yield from _numbered(begun, partition, index)


def survey_rows(
    store: Store,
    partition: Partition,
    csv_format: CsvFormat,
    columns: Sequence[str],
    needed: Collection[str] | None = None,
    *,
    counts: bool,
) -> Survey:
    """How many rows the pinned partition has. Raises what `read_rows` would raise for the whole file.

    Opens the file once. It is read to its end if the survey `counts`, or else to the first row that has the
    right number of cells.
    """
    count = RecordCount(csv_format.delimiter)
    content = Content(store, partition, start_small=not counts, watch=count.add)
    has_header = False
    with content.open() as file:
        source = _records(
            store, partition, csv_format.delimiter, file, BLOCK_SIZE if counts else _SMALL_BLOCK
        )
        if (begun := _begin(source, partition, csv_format, columns, needed)) is not None:
            has_header = begun.has_header
            for _, _, cells in _numbered(begun, partition, 0):
                if not isinstance(cells, str):
                    break
        while counts and file.read(BLOCK_SIZE):
            pass
    most = count.most() - has_header
    if counts:
        return Survey(most, most)
    if content.is_compressed:
        return Survey(None, partition.size)
    return Survey(most_rows(partition), count.so_far * partition.size // max(1, count.size))


def most_rows(partition: Partition) -> int:
    """The most rows that fit into the partition unless it is compressed: each has a character, and a line
    end if another one follows."""
    return (partition.size + 1) // 2


def lines_of_rows(
    store: Store, partition: Partition, delimiter: str, rows: Collection[int]
) -> dict[int, int]:
    """The lines, from 1, in which these rows of a file with a header begin, if known.

    See `lines_of`. Raises Changed.
    """
    content = Content(store, partition)
    lines = lines_of(content.open, delimiter, {row + 1 for row in rows})
    return {record - 1: line for record, line in lines.items()}


def read_header(store: Store, partition: Partition, delimiter: str) -> list[str] | None:
    """The names of the columns in a file if nothing else names them; None if it is empty.

    Raises Changed, or InvalidSegment if its first record can't be read.
    """
    content = Content(store, partition, start_small=True)
    first = next(_records(store, partition, delimiter, content.open(), _SMALL_BLOCK), None)
    return None if first is None else column_names(partition.name, first)


def read_delimiter(store: Store, partition: Partition, columns: Sequence[str] = ()) -> str | None:
    """The delimiter of a file if nothing else names it; None if the file is empty.

    `columns` are those of model.json. Raises Changed, or InvalidSegment if it can't be decompressed.
    """
    with Content(store, partition, start_small=True).open() as file:
        beginning = file.read(SAMPLE)
        if b"\n" not in beginning and b"\r" not in beginning:
            beginning += file.read(MAX_RECORD)
        is_whole = not file.read(1)
    if delimiter := sep_delimiter(beginning):
        return delimiter
    text = beginning.removeprefix(BOM).decode(errors="surrogateescape")
    return detect_delimiter(text, columns, is_whole=is_whole)


def _begin(
    source: Iterator[Record],
    partition: Partition,
    csv_format: CsvFormat,
    columns: Sequence[str],
    needed: Collection[str] | None,
) -> _Begun | None:
    """None if there is no record."""
    first = next(source, None)
    if first is None:
        return None
    mapping, has_header = _mapping(partition.name, first, csv_format.has_header, columns, needed)
    return _Begun(mapping, has_header, source if has_header else chain([first], source))


def _numbered(begun: _Begun, partition: Partition, index: int) -> Iterator[Row]:
    mapping, source = begun.mapping, begun.records
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


def _records(
    store: Store,
    partition: Partition,
    delimiter: str,
    file: BinaryIO | None = None,
    block_size: int = BLOCK_SIZE,
) -> Iterator[Record]:
    """The partition's records; `file` is the partition if it is open already."""
    with ExitStack() as opened:
        files = [] if file is None else [file]

        def open_file() -> BinaryIO:
            return files.pop() if files else opened.enter_context(Content(store, partition).open())

        yield from records(open_file, delimiter, block_size=block_size)


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
