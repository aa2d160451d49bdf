"""Reads CSV by RFC 4180 and "How a file is read" in docs/configuration.md, with no code of the project."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\r|\n")
_QUOTED = re.compile(rb'"(?:[^"]++|"")*+("?)')
_ADDRESS = re.compile(r"[a-z0-9.]+@example\.org", re.IGNORECASE)
# docs/configuration.md, "Values": what copying brings along.
_MARKS = "\u200b\u2060\ufeff\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@dataclass(frozen=True)
class Record:
    """What RFC 4180 reads from `start` to `end`, in bytes. `is_rest`: it may be the rest of a broken cell."""

    start: int
    end: int
    cells: list[bytes]
    is_rest: bool = False


@dataclass(frozen=True)
class Doubt:
    """Lines that a broken record puts in doubt, from `start` to `end`, in bytes."""

    start: int
    end: int


@dataclass(frozen=True)
class Shape:
    """Where a file has its columns. A row has `width` cells; `header` is how many its header has."""

    places: Mapping[str, int]
    width: int
    header: int = 0
    consent: str | None = None  # the column that must be True


def read(content: bytes, delimiter: str) -> Iterator[Record | Doubt]:
    """The records of a file, its header among them, and what is in doubt."""
    mark = delimiter.encode()
    at = len(BOM) if content.startswith(BOM) else 0
    if said := re.compile(rb"sep=%b(\r\n|\r|\n|\Z)" % re.escape(mark)).match(content, at):
        at = said.end()
    behind = False
    while at < len(content):
        if end := _LINE_END.match(content, at):
            at = end.end()
            continue
        found = _record(content, at, mark)
        raw = content[found.start : found.end]
        if isinstance(found, Doubt):
            behind = True
        else:
            is_odd = raw.count(b'"') % 2 == 1
            has_lines = _LINE_END.search(raw.rstrip(b"\r\n")) is not None
            if is_odd and has_lines:
                found = Doubt(found.start, found.end)
            else:
                found = Record(found.start, found.end, found.cells, is_odd and behind)
            behind |= has_lines
        yield found
        at = found.end


def _record(content: bytes, start: int, mark: bytes) -> Record | Doubt:
    # A BOM before a quoted cell is where two files were joined.
    white = re.compile(rb"(?: |%b|\xef\xbb\xbf)*" % (b" " if mark == b"\t" else b"\t"))
    plain = re.compile(rb"[^\r\n%b]*" % re.escape(mark))
    at, cells = start, []
    while True:
        first = at
        space = white.match(content, at)
        begin = space.end() if space else at
        if quoted := _QUOTED.match(content, begin):
            at = quoted.end()
            if not quoted[1]:
                return Doubt(start, _line_end(content, begin))
            cells.append(content[begin + 1 : at - 1].replace(b'""', b'"'))
            if at < len(content) and content[at : at + 1] not in (mark, b"\r", b"\n"):
                return _broken(content, start, begin, at, mark)
        else:
            cell = plain.match(content, first)
            at = cell.end() if cell else at
            cells.append(content[first:at])
        if content[at : at + 1] != mark:
            end = _LINE_END.match(content, at)
            return Record(start, end.end() if end else at, cells)
        at += 1


def _broken(content: bytes, start: int, begin: int, behind: int, mark: bytes) -> Doubt:
    """The doubt where the quote just before `behind` breaks the cell that begins at `begin`."""
    before = content[: behind - 1][-100:].rstrip(b" " if mark == b"\t" else b" \t")
    if before[-1:] in (mark, b"\r", b"\n"):
        return Doubt(start, _line_end(content, begin))
    # All lines of the record: it goes on until its quotes are even again, if they ever are.
    quotes, at = content.count(b'"', start, behind), behind
    while True:
        end = _line_end(content, at)
        quotes += content.count(b'"', at, end)
        if quotes % 2 == 0 or end == len(content):
            return Doubt(start, end)
        at = end


def _line_end(content: bytes, at: int) -> int:
    """Where the next line begins."""
    end = _LINE_END.search(content, at)
    return end.end() if end else len(content)


def trim(text: str) -> str:
    while (inner := text.strip().strip(_MARKS)) != text:
        text = inner
    return text


def judge(record: Record, shape: Shape) -> dict[str, str] | str:
    """The values that leave, by column, or why none do: a reason, or `filtered`."""
    if record.is_rest:
        return "broken_quotes"
    if any(b"\0" in cell for cell in record.cells):
        return "nul_byte"
    try:
        cells = [trim(cell.decode()) for cell in record.cells]
    except UnicodeDecodeError:
        return "invalid_utf8"
    if len(cells) not in (shape.width, shape.width + 1, max(shape.header, shape.width)):
        return "wrong_number_of_cells"
    if any(cells[shape.width :]):
        return "wrong_number_of_cells"
    if shape.consent and cells[shape.places[shape.consent]] != "True":
        return "filtered"
    values = {name: text for name, place in shape.places.items() if (text := cells[place])}
    email = values.get("EMail", "")
    if not _ADDRESS.fullmatch(email):
        return "invalid_email" if email else "missing_email"
    return values
