"""One record of CSV by the letter of RFC 4180, and how far the doubt reaches where its quotes are broken."""

import re
from bisect import bisect_left
from dataclasses import dataclass

# What a quoted cell holds, up to the first run of an odd number of quotes: that run ends the cell.
_CONTENT = re.compile(r'[^"]*+(?:""[^"]*+)*+')
_LINE_END = re.compile(r"\r\n|\r|\n")
# White space other than line breaks, and marks that nobody sees: a quote behind them still opens a cell.
BLANKS = (
    " \t\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)


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
class Unfinished:
    """The text ends before the record does, within the cell that begins at `cell`.

    Where that is quoted, `content` is the place behind its first quote.
    """

    cell: int
    content: int | None = None


@dataclass(frozen=True, slots=True)
class _Shown:
    """What quotes show of the places from `first` to `last`: nothing yet, without `is_clear`.

    At each of `sides`, a quote, a cell begins or ends: a place before an odd number of them is within one.
    """

    first: int
    last: int
    sides: list[int]
    is_clear: bool = True


class Scanner:
    """Reads records out of a text. All places are indexes of `text`.

    Takes time in proportion to the text, however many of its quotes are broken.
    """

    def __init__(self, delimiter: str) -> None:
        escaped = re.escape(delimiter)
        blanks = re.escape(BLANKS.replace(delimiter, ""))
        self._delimiter = delimiter
        self._ends = f"{delimiter}\r\n"
        self._opening = re.compile(f'[{blanks}]*+"')
        self._blank = re.compile(f"[{blanks}]*+")
        self._bare = re.compile(rf"[^{escaped}\r\n]*+")
        self._unquoted = re.compile(rf'[^{escaped}\r\n"]*+')
        self._padding = " " if delimiter != " " else ""
        self.feed("", is_last=True)

    def feed(self, text: str, *, is_last: bool) -> None:
        """Takes the text to read from now on, and whether the file ends with it."""
        self.text = text
        self._is_last = is_last
        # Between these two places there is no run of an odd number of quotes.
        self._clear = (0, 0)
        self._shown = _Shown(0, -1, [])

    def scan(self, place: int) -> Complete | Broken | Unfinished:
        """What stands at this place, where a record begins.

        A quote that ends a cell must stand before a delimiter or a line break. Before blanks, it still ends
        its cell, but the record is broken. Before other text,

        - it opens another cell, if it stands where one begins: the cell before was never closed. If it is
          on another line than that one's quote, it is another row's, and the record ends with the line on
          which the broken cell was opened;
        - else it was not doubled, and leaves the cell; the next one enters it again, or ends it.

        So no line from within a cell is taken for a row.
        """
        text, cells, is_broken = self.text, list[str](), False
        while True:
            if opening := self._opening.match(text, place):
                found = self._quoted(place, opening.end())
                if not isinstance(found, tuple):
                    return found
                cell, end = found
                is_broken |= cell is None
                cells.append(cell or "")
            else:
                end = _end_of(self._bare, text, place)
                if end == len(text) and not self._is_last:
                    return Unfinished(place)
                cells.append(text[place:end].lstrip(self._padding))
            if text[end : end + 1] != self._delimiter:
                line_end = _LINE_END.match(text, end)
                end = line_end.end() if line_end else end
                return Broken(end) if is_broken else Complete(cells, end)
            place = end + 1

    def _quoted(self, place: int, start: int) -> tuple[str | None, int] | Broken | Unfinished:
        """The cell at `place` with content from `start` on, None where its quotes are broken; and its end."""
        text, content = self.text, start
        while True:
            quote = self._odd_quote(start)
            if quote == len(text):
                line_end = self.line_end(start) if self._is_last else None
                return Unfinished(place, start) if line_end is None else Broken(line_end)
            end = _end_of(self._blank, text, quote + 1)
            if end == len(text) and not self._is_last:
                return Unfinished(place, start)  # the next character may double the quote
            if text[end : end + 1] in self._ends:
                is_plain = start == content and end == quote + 1
                return text[start:quote].replace('""', '"') if is_plain else None, end
            if self._opens(start, quote):
                line_end = self.line_end(start)
                if line_end is None:
                    return Unfinished(place)
                if line_end <= quote:
                    return Broken(line_end)
            else:
                end = _end_of(self._unquoted, text, end)
                if end == len(text) and not self._is_last:
                    return Unfinished(place)
                if text[end : end + 1] != '"':
                    return None, end
                quote = end
                end = _end_of(self._blank, text, quote + 1)
                if end == len(text) and not self._is_last:
                    return Unfinished(place)
                if text[end : end + 1] in self._ends:
                    return None, end
            start, content = quote + 1, -1

    def rows_from(self, place: int) -> int | None:
        """Where rows begin again at this place or behind it, after quotes that came out of step.

        The next quote that can only end a cell, or only open one that ends as it should, shows whether this
        line is within a cell; so does the end of the file, which leaves no cell open. Lines within a cell are
        left behind. None where the text does not show it yet.
        """
        if not self._shown.first <= place <= self._shown.last:
            self._shown = self._look_from(place)
        if not self._shown.is_clear:
            return None
        sides = self._shown.sides
        next_side = bisect_left(sides, place)
        return self.line_end(sides[next_side]) if (len(sides) - next_side) % 2 else place

    def _look_from(self, place: int) -> "_Shown":
        sides: list[int] = []
        opened = -1  # the last quote, if it can only open a cell
        quote = self._odd_quote(place)
        while quote < len(self.text):
            end = _end_of(self._blank, self.text, quote + 1)
            if end == len(self.text) and not self._is_last:
                break
            opens = self._opens(place, quote, is_row=True)
            closes = self.text[end : end + 1] in self._ends
            if closes and opened >= 0:
                return _Shown(place, opened, sides)
            if closes:
                sides.append(quote)
            if closes and not opens:
                return _Shown(place, quote, sides)
            opened = quote if opens and not closes else -1
            quote = self._odd_quote(quote + 1)
        return _Shown(place, len(self.text), sides, is_clear=self._is_last)

    def line_end(self, place: int) -> int | None:
        """Where the line ends that this place is on; None where that is not in the text."""
        found = _LINE_END.search(self.text, place)
        if found is None:
            return len(self.text) if self._is_last else None
        return found.end()

    def _opens(self, start: int, quote: int, *, is_row: bool = False) -> bool:
        """Whether the run of quotes that ends here stands where a cell begins (`start`, with `is_row`)."""
        place = quote
        while place > start and self.text[place - 1] == '"':
            place -= 1
        while place > start and self.text[place - 1] in BLANKS and self.text[place - 1] != self._delimiter:
            place -= 1
        return self.text[place - 1] in self._ends if place > start else is_row

    def _odd_quote(self, place: int) -> int:
        """The last quote of the first run of an odd number of them from here on, else the text's length."""
        text = self.text
        run = place
        while text.startswith('"', run):
            run += 1
        if (run - place) % 2:
            return run - 1
        first, clear = self._clear
        if not first <= run <= clear:
            first = clear = run
        found = _end_of(_CONTENT, text, clear)
        clear = found
        while found == len(text) and clear > first and text[clear - 1] == '"':
            clear -= 1  # a run at the end may go on in the next text
        self._clear = (first, clear)
        return found


def _end_of(pattern: re.Pattern[str], text: str, place: int) -> int:
    """Where what the pattern matches at this place ends."""
    found = pattern.match(text, place)
    return found.end() if found else place
