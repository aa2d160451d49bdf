"""The rows of a partition, streamed."""

import csv
from collections.abc import Iterator
from itertools import chain

from shared.adapters.storage.store import Store
from shared.errors import InvalidSegment
from shared.segments.chunks import open_partition
from shared.segments.csv_text import BLOCK, Record, records
from shared.segments.header import Shape, column_names, is_header, shape_of_header, shape_of_row
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
        rows = source if has_header else chain([first], source)
        width, in_order = shape.width, shape.places is None
        for number, cells in enumerate(rows, start=1):
            if (len(cells) != width or not in_order) and not isinstance(cells, str):
                cells = shape.arrange(cells)
            yield index, number, cells
    except csv.Error:
        raise InvalidSegment(
            f"{partition.name} is no CSV: too many quotes never close, the last of them in row {number + 1}.",
            code="invalid_csv",
        ) from None


def read_header(store: Store, partition: Partition, delimiter: str) -> list[str] | None:
    """The names of the columns where nothing else has them; None where the partition is empty.

    Raises Changed, or InvalidSegment where its first record does not look like names.
    """
    first = next(_records(store, partition, delimiter), None)
    return None if first is None else column_names(partition.name, first)


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
    return shape_of_row(first, columns), False
