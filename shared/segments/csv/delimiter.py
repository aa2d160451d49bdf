"""Detects the delimiter of a file if nothing names it."""

import re
from collections.abc import Sequence

from shared.segments.csv.cells import CellMapping
from shared.segments.csv.header import is_header
from shared.segments.csv.scanner import Complete, Incomplete, Scanner
from shared.text import trim

DELIMITERS = ",;\t|"
MAX_RECORDS = 200
_ADDRESS = re.compile(r"[^@\s,;|]+@[^@\s,;|]+")


def detect_delimiter(text: str, columns: Sequence[str] = (), *, is_whole: bool = True) -> str | None:
    """The delimiter under which the first records of a file score best; None if it has no record.

    `text` is the file's beginning, or all of it. `columns` are model.json's. These count, in this order: all
    records follow RFC 4180, so that no line within a quoted cell counts as one; the first is a header of the
    columns; how many have a cell that is an address; how many have as many cells as there are columns, or
    else as the first; the number of cells of the first.
    """
    text = text.removeprefix("\ufeff")
    if not text.strip("\r\n"):
        return None
    return max(DELIMITERS, key=lambda delimiter: _score(text, delimiter, columns, is_whole))


def _score(
    text: str, delimiter: str, columns: Sequence[str], is_whole: bool
) -> tuple[bool, bool, int, int, int]:
    records, is_strict = _read(text, delimiter, is_whole)
    if not records:
        return False, False, 0, 0, 0
    mapping = CellMapping.in_order(len(columns) or len(records[0]))
    return (
        is_strict,
        bool(columns) and is_header(records[0], columns),
        sum(any(_ADDRESS.fullmatch(trim(cell)) for cell in record) for record in records),
        sum(isinstance(mapping.apply(record), list) for record in records) if mapping.width > 1 else 0,
        len(records[0]),
    )


def _read(text: str, delimiter: str, is_whole: bool) -> tuple[list[list[str]], bool]:
    """The first records, and whether all of them follow RFC 4180."""
    escaped = re.escape(delimiter)
    cell = rf' *+(?:"[^"]*+(?:""[^"]*+)*+"|[^"{escaped}\r\n]*+)'
    strict = re.compile(rf"{cell}(?:{escaped}{cell})*+(?:\r\n|\r|\n|\Z)")
    scanner = Scanner(delimiter)
    scanner.feed(text, is_last=is_whole)
    records: list[list[str]] = []
    is_strict, position = True, 0
    for _ in range(MAX_RECORDS):
        if position == len(text):
            break
        found = scanner.scan(position)
        if isinstance(found, Incomplete):
            break
        is_strict &= isinstance(found, Complete) and strict.fullmatch(text, position, found.end) is not None
        if isinstance(found, Complete) and text[position : found.end].strip("\r\n"):
            records.append(found.cells)
        position = found.end
    return records, is_strict
