"""A second reader of CSV, made to be obvious: no csv module, no blocks, the whole text at once."""

import re

LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


def read(content: bytes, delimiter: str) -> list[list[str] | str]:
    """The records of a file, as `records` promises them, for records of ordinary length."""
    text = content.removeprefix(b"\xef\xbb\xbf").decode(errors="surrogateescape")
    lines = LINE.findall(text)
    found: list[list[str] | str] = []
    first = width = 0
    while first < len(lines):
        record = _record("".join(lines[first:]), delimiter)
        if record is None:
            found.append("broken_quotes")
            first += 1
            continue
        cells, length = record
        width = width or len(cells)
        if any(_hides_a_row(cell, width, delimiter) for cell in cells):
            found.append("broken_quotes")
            first += 1
            continue
        if cells != [""] or lines[first].startswith('"'):
            found.append(_fault(cells) or cells)
        while length > 0:
            length -= len(lines[first])
            first += 1
    return found


def _record(text: str, delimiter: str) -> tuple[list[str], int] | None:
    """The cells of the first record and its length with the line break; None where its quotes are broken."""
    cells, place = [], 0
    while True:
        if text[place : place + 1] == '"':
            cell = ""
            while True:
                end = text.find('"', place + 1)
                if end < 0:
                    return None
                cell += text[place + 1 : end]
                place = end
                if text[end + 1 : end + 2] != '"':
                    break
                cell += '"'
                place = end + 1
            place += 1
        else:
            end = place
            while end < len(text) and text[end] not in f"{delimiter}\r\n":
                end += 1
            cell = text[place:end]
            place = end
        cells.append(cell)
        behind = text[place : place + 1]
        if behind == delimiter:
            place += 1
        elif behind in ("", "\r", "\n"):
            return cells, place + (2 if text[place : place + 2] == "\r\n" else len(behind))
        else:
            return None


def _hides_a_row(cell: str, width: int, delimiter: str) -> bool:
    """Whether a line within the cell could be a row of its own: as many cells, and an @ among them."""
    for line in LINE.findall(cell.replace('"', '""'))[1:]:
        record = _record(line, delimiter)
        if "@" in line and record is not None and len(record[0]) == width:
            return True
    return False


def _fault(cells: list[str]) -> str | None:
    text = "".join(cells)
    if "\0" in text:
        return "nul_byte"
    return "invalid_utf8" if re.search("[\ud800-\udfff]", text) else None
