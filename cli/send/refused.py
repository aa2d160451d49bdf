"""The refused rows of a person's own files: their lines, and a file of them to fix and send again."""

import csv
import io
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from cli.send.one_file import CsvFiles
from shared.adapters.os_errors import os_errors
from shared.adapters.storage.store import Store
from shared.errors import AlreadyExists, NotFound
from shared.runs.steps.rejected import inert
from shared.runs.views.history import read_rejected
from shared.runs.views.preview import RejectedShown
from shared.segments import Partition

ADDED = ("refused_file", "refused_line", "refused_column", "refused_reason")


class Refused(NamedTuple):
    """A row, by its file and its number there from 1, and why it was refused."""

    file: str
    row: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class Places:
    """The refused rows in the order of the files, and the lines of those whose line is known."""

    rows: list[Refused]
    lines: Mapping[tuple[str, int], int]

    def where(self, refused: Refused) -> str:
        """A row's place, as its person finds it."""
        line = self.lines.get((refused.file, refused.row))
        return f"{refused.file} {f'row {refused.row:,}' if line is None else f'line {line:,}'}"

    def told(self, refused: Refused) -> str:
        """The same with the reason."""
        return f"{self.where(refused)} {refused.column} {refused.reason}"


def refused_of(shown: RejectedShown) -> Refused:
    """A row that a dry run shows."""
    return Refused(shown.partition, shown.row, shown.column, shown.reason)


def refused_in(store: Store, run: str, files: CsvFiles) -> Iterator[Refused]:
    """The refused rows of a closed run of these files, but for those that Klaviyo did not place."""
    names = {inert(partition.name): partition.name for partition in files.partitions}
    for each in csv.DictReader(io.StringIO(read_rejected(store, run).decode())):
        if each["partition"] in names:
            yield Refused(names[each["partition"]], int(each["row"]), each["column"], each["reason"])


def places_of(files: CsvFiles, rows: Iterable[Refused]) -> Places:
    """Reads the files up to the last of these rows. Raises Changed."""
    order = {partition.name: number for number, partition in enumerate(files.partitions)}
    known = sorted(rows, key=lambda each: (order[each.file], each.row))
    by_file: dict[str, set[int]] = defaultdict(set)
    for each in known:
        by_file[each.file].add(each.row)
    lines = {
        (partition.name, row): line
        for partition in files.partitions
        if partition.name in by_file
        for row, line in files.lines_of(partition, by_file[partition.name]).items()
    }
    return Places(known, lines)


def reserve(path: Path) -> None:
    """Creates the file that only its owner can read, before anything is sent.

    Raises AlreadyExists; NotFound if its folder does not exist; Denied.
    """
    with os_errors(str(path)):
        if path.exists():
            raise AlreadyExists(f"{path} already exists. Give a new name, or remove it.")
        if not path.parent.is_dir():
            raise NotFound(f"The folder {path.parent} does not exist.")
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def remove_if_empty(path: Path) -> None:
    """Removes a reserved file to which nothing was written."""
    with suppress(OSError):
        if not path.stat().st_size:
            path.unlink()


def write_rows(files: CsvFiles, places: Places, path: Path) -> None:
    """Writes the refused rows to a reserved file, with place and reason before their cells; a row that can't
    be read has none.

    Raises Denied, Changed.
    """
    by_file: dict[str, dict[int, list[Refused]]] = defaultdict(lambda: defaultdict(list))
    for each in places.rows:
        by_file[each.file][each.row].append(each)
    with os_errors(str(path)), path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, delimiter=files.delimiter)
        writer.writerow([*ADDED, *files.columns])
        for partition in files.partitions:
            refused = by_file[partition.name]
            for row, cells in _cells(files, partition, max(refused, default=0)):
                for each in refused.get(row, ()):
                    line = places.lines.get((each.file, each.row), "")
                    writer.writerow([each.file, line, each.column, each.reason, *cells])


def _cells(files: CsvFiles, partition: Partition, last: int) -> Iterable[tuple[int, Sequence[str]]]:
    if last:
        for row, cells in files.rows(partition):
            yield row, [] if isinstance(cells, str) else cells
            if row == last:
                return
