"""Which delimiter a file is written with, where nothing says so."""

import re
from collections.abc import Sequence

from shared.segments.csv_record import Complete, Scanner, Unfinished
from shared.segments.header import Shape, is_header
from shared.text import trim

DELIMITERS = ",;\t|"
MOST_RECORDS = 200
_ADDRESS = re.compile(r"[^@\s,;|]+@[^@\s,;|]+")


def delimiter_of(text: str, columns: Sequence[str] = (), *, is_whole: bool = True) -> str | None:
    """The delimiter under which the first records of a file make the most sense; None where it has none.

    `text` is its beginning, or all of it. `columns` are model.json's. In this order: all records are as
    RFC 4180 has them, so that no line within a quoted cell counts as one; the first is a header of the
    columns; the most have a cell that is an address; the most have as many cells as there are columns, or
    else as the first; the first has the most cells.
    """
    text = text.removeprefix("\ufeff")
    if not text.strip("\r\n"):
        return None
    return max(DELIMITERS, key=lambda delimiter: _sense(text, delimiter, columns, is_whole))


def _sense(
    text: str, delimiter: str, columns: Sequence[str], is_whole: bool
) -> tuple[bool, bool, int, int, int]:
    records, is_strict = _read(text, delimiter, is_whole)
    if not records:
        return False, False, 0, 0, 0
    shape = Shape.in_order(len(columns) or len(records[0]))
    return (
        is_strict,
        bool(columns) and is_header(records[0], columns),
        sum(any(_ADDRESS.fullmatch(trim(cell)) for cell in record) for record in records),
        sum(isinstance(shape.arrange(record), list) for record in records) if shape.width > 1 else 0,
        len(records[0]),
    )


def _read(text: str, delimiter: str, is_whole: bool) -> tuple[list[list[str]], bool]:
    """The first records, and whether all of them are as RFC 4180 has them."""
    escaped = re.escape(delimiter)
    cell = rf' *+(?:"[^"]*+(?:""[^"]*+)*+"|[^"{escaped}\r\n]*+)'
    strict = re.compile(rf"{cell}(?:{escaped}{cell})*+(?:\r\n|\r|\n|\Z)")
    scanner = Scanner(delimiter)
    scanner.feed(text, is_last=is_whole)
    records: list[list[str]] = []
    is_strict, place = True, 0
    for _ in range(MOST_RECORDS):
        if place == len(text):
            break
        found = scanner.scan(place)
        if isinstance(found, Unfinished):
            break
        is_strict &= isinstance(found, Complete) and strict.fullmatch(text, place, found.end) is not None
        if isinstance(found, Complete) and text[place : found.end].strip("\r\n"):
            records.append(found.cells)
        place = found.end
    return records, is_strict
