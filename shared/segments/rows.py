"""The rows of a partition, streamed."""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import chain

from shared.adapters.storage.store import Store
from shared.errors import InvalidSegment
from shared.segments.chunks import open_partition
from shared.segments.csv_text import BLOCK, LONGEST, Record, records
from shared.segments.header import DELIMITERS, Shape, column_names, delimiter_of, is_header, shape_of_header
from shared.segments.model import CsvFormat
from shared.segments.snapshots import Partition

type Row = tuple[int, int, Record]
"""A data row: the run's partition that it lies in, from 0; its number there, from 1; the cells of the
segment's columns in their order, or the code of the reason why there are none."""


def read_rows(
    store: Store, partition: Partition, index: int, csv_format: CsvFormat, columns: list[str]
) -> Iterator[Row]:
    """All data rows of the pinned partition, which is the run's number `index`.

    One that can't be read comes with its reason: those of `records`, or `wrong_number_of_cells`. Where
    `csv_format` does not say whether there is a header, the first record tells. Raises Changed where the
    file is not the pinned one any more, InvalidSegment where it is no CSV of these columns.
    """
    number = 0
    try:
        source = _records(store, partition, csv_format.delimiter)
        first = next(source, None)
        if first is None:
            return
        shape, has_header = _shape(partition.name, first, csv_format.has_header, columns)
        if has_header and (first := next(source, None)) is None:
            return
        shape = shape.of_rows_like(first)
        rows = chain([first], source)
        width, in_order = shape.width, shape.places is None and not shape.has_end
        for number, cells in enumerate(rows, start=1):
            if (len(cells) != width or not in_order) and not isinstance(cells, str):
                cells = shape.arrange(cells)
            yield index, number, cells
    except csv.Error:
        raise InvalidSegment(
            f"{partition.name} is no CSV: too many quotes never close, the last of them in row {number + 1}.",
            code="invalid_csv",
        ) from None


def check_header(store: Store, partition: Partition, csv_format: CsvFormat, columns: list[str]) -> None:
    """Raises what `read_rows` would raise before its first row, so that nothing need be sent to know."""
    first = next(_records(store, partition, csv_format.delimiter), None)
    if first is not None:
        _shape(partition.name, first, csv_format.has_header, columns)


def read_header(store: Store, partition: Partition, delimiter: str) -> list[str] | None:
    """The names of the columns where nothing else has them; None where the partition is empty.

    Raises Changed, or InvalidSegment where its first record does not look like names.
    """
    first = next(_records(store, partition, delimiter), None)
    return None if first is None else column_names(partition.name, first)


def read_delimiter(store: Store, partition: Partition, columns: Sequence[str] = ()) -> str | None:
    """The delimiter, from the first record, where nothing else tells; None where the partition is empty.

    `columns` are those that model.json has. Raises Changed, or InvalidSegment where gzip did not make it.
    """
    with open_partition(store, partition) as file:
        beginning = file.read(LONGEST)
    firsts = {}
    for delimiter in DELIMITERS:
        if (first := next(records(io.BytesIO(beginning), delimiter), None)) is None:
            return None
        firsts[delimiter] = first
    return delimiter_of(firsts, columns)


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
    with open_partition(store, partition) as file:
        yield from records(file, delimiter)


def _shape(name: str, first: Record, has_header: bool | None, columns: list[str]) -> tuple[Shape, bool]:
    """The shape of the partition's rows, and whether its first record is a header."""
    if isinstance(first, str):
        if has_header is False:
            return Shape(len(columns)), False
        raise InvalidSegment(
            f"The header of {name} can't be read ({first}): is it CSV in UTF-8?", code="invalid_csv"
        )
    if is_header(first, columns) if has_header is None else has_header:
        return shape_of_header(name, first, columns), True
    return Shape(len(columns)), False
