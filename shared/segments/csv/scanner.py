"""Reads one record strictly by RFC 4180, and limits the damage if its quotes are broken."""

import re
from dataclasses import dataclass

from shared.segments.csv.quotes import BLANKS, Quotes, match_end

_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Complete:
    """The cells of a record, whose line ends at `end`."""

    cells: list[str]
    end: int


@dataclass(frozen=True, slots=True)
class Broken:
    """Quotes are broken: the lines up to `end` may be anything, and the next record begins there."""

    end: int


@dataclass(frozen=True, slots=True)
class Incomplete:
    """The text ends before the record does, within the cell that begins at `cell`.

    If that cell is quoted, `content` is the position after its opening quote.
    """

    cell: int
    content: int | None = None


class Scanner:
    """Reads records out of a text, which is fed in parts. All positions are indexes of that text."""

    def __init__(self, delimiter: str) -> None:
        escaped = re.escape(delimiter)
        blanks = re.escape(BLANKS.replace(delimiter, ""))
        self.quotes = Quotes(delimiter)
        self._delimiter = delimiter
        self._opening = re.compile(f'[{blanks}]*+"')
        self._bare = re.compile(rf"[^{escaped}\r\n]*+")
        self._unquoted = re.compile(rf'[^{escaped}\r\n"]*+')
        self._padding = " " if delimiter != " " else ""
        self.feed("", is_last=True)

    def feed(self, text: str, *, is_last: bool) -> None:
        """Replaces the text; with `is_last`, the file ends with it."""
        self._text = text
        self._is_last = is_last
        self.quotes.feed(text, is_last=is_last)

    def scan(self, position: int) -> Complete | Broken | Incomplete:
        """Reads the record that begins at this position.

        A quote that closes a cell must be before a delimiter or a line end. Before blanks, it still closes
        its cell, but the record is broken. Before other text,

        - it opens another cell, if it is where one begins: the cell before was never closed. If it is on
          a later line than that cell's opening quote, it belongs to another row, and the record ends with
          the line on which the broken cell was opened;
        - otherwise it should have been doubled, and leaves the cell; the next one reenters or closes it.

        So a line within a cell is never mistaken for a row.
        """
        text, cells, is_broken = self._text, list[str](), False
        while True:
            if opening := self._opening.match(text, position):
                found = self._quoted(position, opening.end())
                if not isinstance(found, tuple):
                    return found
                cell, end = found
                is_broken |= cell is None
                cells.append(cell or "")
            else:
                end = match_end(self._bare, text, position)
                if end == len(text) and not self._is_last:
                    return Incomplete(position)
                cells.append(text[position:end].lstrip(self._padding))
            if text[end : end + 1] != self._delimiter:
                line_end = _LINE_END.match(text, end)
                end = line_end.end() if line_end else end
                return Broken(end) if is_broken else Complete(cells, end)
            position = end + 1

    def _quoted(self, cell: int, start: int) -> tuple[str | None, int] | Broken | Incomplete:
        """The quoted cell with content from `start` on, or None if its quotes are broken; and its end."""
        text, content, quotes = self._text, start, self.quotes
        while True:
            quote = quotes.next_odd(start)
            if quote == len(text):
                line_end = quotes.line_end(start) if self._is_last else None
                return Incomplete(cell, start) if line_end is None else Broken(line_end)
            end = quotes.after_blanks(quote + 1)
            if end == len(text) and not self._is_last:
                return Incomplete(cell, start)  # the next character may double the quote
            if text[end : end + 1] in quotes.ends:
                is_plain = start == content and end == quote + 1
                return text[start:quote].replace('""', '"') if is_plain else None, end
            if quotes.opens_cell(quote, start):
                line_end = quotes.line_end(start)
                if line_end is None:
                    return Incomplete(cell)
                if line_end <= quote:
                    return Broken(line_end)
            else:
                end = match_end(self._unquoted, text, end)
                if end == len(text) and not self._is_last:
                    return Incomplete(cell)
                if text[end : end + 1] != '"':
                    return None, end
                quote = end
                end = quotes.after_blanks(quote + 1)
                if end == len(text) and not self._is_last:
                    return Incomplete(cell)
                if text[end : end + 1] in quotes.ends:
                    return None, end
            start, content = quote + 1, -1
