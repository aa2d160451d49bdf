"""The file of a run's refused rows: CSV in chunks, without cells that a spreadsheet takes for formulas."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

HEADER = ("partition", "row", "column", "reason", "stage")
# The reason of a row that Klaviyo could not import, without saying which row it is.
UNNAMED = "unknown"
# Rows that the file lists; the record counts the others.
MOST_LISTED = 1_000_000
# Characters of a chunk, and of a part.
CHUNK = 1_048_576
_NUMBERS = re.compile(r"-?[0-9]{1,9},[0-9]{1,18}")
# Characters that begin a formula in Excel and others, also in full width:
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")


def checked_line(cells: list[str]) -> list[str]:
    """A line of a part: partition (-1 for a row without a place), row, column, reason, stage.

    Raises ValueError for anything else.
    """
    if len(cells) != len(HEADER) or not _NUMBERS.fullmatch(f"{cells[0]},{cells[1]}"):
        raise ValueError("not a refused row")
    return cells


class RejectedFile:
    """The file with these lines of parts. `placed` counts the lines that `chunks` wrote and that have a
    place, or none because Klaviyo named none."""

    def __init__(self, partitions: Sequence[str], lines: Iterable[list[str]]) -> None:
        """`partitions` are the names of the partitions; the lines have their numbers."""
        self._partitions = [inert(name) for name in partitions]
        self._lines = lines
        self.placed = 0

    def chunks(self) -> Iterator[bytes]:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(HEADER)
        for partition, row, column, reason, stage in self._lines:
            number = int(partition)
            has_place = 0 <= number < len(self._partitions)
            place = (self._partitions[number], row) if has_place else ("", "")
            writer.writerow((*place, inert(column), inert(reason), inert(stage)))
            self.placed += has_place or reason == UNNAMED
            if text.tell() >= CHUNK:
                yield text.getvalue().encode()
                text.seek(0)
                text.truncate()
        yield text.getvalue().encode()


@lru_cache(1024)
def inert(cell: str) -> str:
    """The cell, with an apostrophe in front if a spreadsheet would calculate it."""
    return f"'{cell}" if _FORMULA.match(cell) else cell
