"""The rows of a partition, streamed."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from shared.adapters.storage.store import Store
from shared.errors import InvalidSegment
from shared.segments.model import CsvFormat
from shared.segments.snapshots import Partition

# A cell may be long, a whole file that an unclosed quote swallows may not.
LONGEST_CELL = 2_000_000


class Row(NamedTuple):
    """One data row: `partition` counts the run's partitions from 0, `number` their data rows from 1."""

    partition: int
    number: int
    cells: list[str]


class _Chunks(io.RawIOBase):
    """An iterator of chunks as a readable file."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            try:
                self._rest = memoryview(next(self._chunks))
            except StopIteration:
                return 0
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def read_rows(
    store: Store, partition: Partition, index: int, csv_format: CsvFormat, columns: list[str]
) -> Iterator[Row]:
    """The data rows of the pinned partition, which is the run's number `index`.

    The cells come in the order of `columns`, whatever the order of the file's header. Raises Changed
    where the file is not the pinned one any more, InvalidSegment where it is no CSV of these columns.
    """
    chunks = _Chunks(store.stream(partition.name, etag=partition.etag))
    text = io.TextIOWrapper(io.BufferedReader(chunks, 1 << 20), encoding="utf-8-sig", newline="")
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(text, delimiter=csv_format.delimiter)
    order: list[int] | None = None
    try:
        if csv_format.has_header:
            header = next(reader, columns)
            if header != columns:
                order = _order(header, columns, partition)
        number = 0
        for cells in reader:
            if not cells:
                continue  # a blank line is no row
            number += 1
            if order is not None and len(cells) == len(order):
                cells = [cells[i] for i in order]
            yield Row(index, number, cells)
    except UnicodeDecodeError:
        raise InvalidSegment(f"{partition.name} is not UTF-8.", code="invalid_csv") from None
    except csv.Error:
        raise InvalidSegment(
            f"{partition.name} is not CSV at line {reader.line_num}.", code="invalid_csv"
        ) from None


def _order(header: list[str], columns: list[str], partition: Partition) -> list[int]:
    """Where each of the columns stands in the header."""
    places = {name: place for place, name in enumerate(header)}
    if len(places) != len(columns) or places.keys() != set(columns):
        raise InvalidSegment(
            f"The header of {partition.name} does not hold the attributes that model.json lists.",
            code="invalid_csv",
        )
    return [places[name] for name in columns]
