"""Where the quotes of a text open and close cells."""

import re
from bisect import bisect_left
from dataclasses import dataclass

# The content of a quoted cell, up to the first run of an odd number of quotes: that run closes the cell.
_CONTENT = re.compile(r'[^"]*+(?:""[^"]*+)*+')
_LINE_END = re.compile(r"\r\n|\r|\n")
# White space other than line ends, and invisible marks: a quote after them still opens a cell.
BLANKS = (
    " \t\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)


@dataclass(frozen=True, slots=True)
class _Boundaries:
    """The quotes from `first` to `last` at which a cell opens or closes; still unknown unless `is_known`.

    A position with an odd number of them after it is within a cell.
    """

    first: int
    last: int
    quotes: list[int]
    is_known: bool = True


class Quotes:
    """The quotes of a text, which is fed in parts. All positions are indexes of `text`.

    Takes time in proportion to the text, no matter how many of its quotes are broken.
    """

    def __init__(self, delimiter: str) -> None:
        # A quote that closes a cell is before one of these, or before the end of the file.
        self.ends = f"{delimiter}\r\n"
        self._delimiter = delimiter
        blanks, ends = re.escape(BLANKS.replace(delimiter, "")), re.escape(self.ends)
        self._blank = re.compile(f"[{blanks}]*+")
        self._two_sided = re.compile(rf'(?:\A|[{ends}])[{blanks}]*+"(?=[{blanks}]*+(?:[{ends}]|\Z))')
        self.feed("", is_last=True)

    def feed(self, text: str, *, is_last: bool) -> None:
        """Replaces the text; with `is_last`, the file ends with it."""
        self.text = text
        self.is_last = is_last
        # Between these two positions there is no run of an odd number of quotes.
        self._clear = (0, 0)
        self._boundaries = _Boundaries(0, -1, [])

    def next_odd(self, position: int) -> int:
        """The last quote of the first run of an odd number of them from here on, or the text's length."""
        text = self.text
        run = position
        while text.startswith('"', run):
            run += 1
        if (run - position) % 2:
            return run - 1
        first, clear = self._clear
        if not first <= run <= clear:
            first = clear = run
        found = match_end(_CONTENT, text, clear)
        clear = found
        while found == len(text) and clear > first and text[clear - 1] == '"':
            clear -= 1  # a run at the end may continue in the next text
        self._clear = (first, clear)
        return found

    def after_blanks(self, position: int) -> int:
        """The first position from here on without a blank."""
        return match_end(self._blank, self.text, position)

    def line_end(self, position: int) -> int | None:
        """The end of the line at this position; None if it is not in the text yet."""
        found = _LINE_END.search(self.text, position)
        if found is None:
            return len(self.text) if self.is_last else None
        return found.end()

    def opens_cell(self, quote: int, start: int, *, at_row: bool = False) -> bool:
        """Whether the run of quotes that ends here can open a cell, since the text before it ends one.

        That text begins at `start`; with `at_row`, so does a row.
        """
        position = quote
        while position > start and self.text[position - 1] == '"':
            position -= 1
        while (
            position > start
            and self.text[position - 1] in BLANKS
            and self.text[position - 1] != self._delimiter
        ):
            position -= 1
        return self.text[position - 1] in self.ends if position > start else at_row

    def has_two_sided(self, lines: str) -> bool:
        """Whether a quote in these lines can both open a cell and close one."""
        return self._two_sided.search(lines) is not None

    def next_row(self, position: int) -> int | None:
        """The first position from here on, after unbalanced quotes, at which a row can begin.

        The next quote that can only close a cell, or only open one that is closed properly, shows whether
        this line is within a cell; so does the end of the file, which leaves no cell open. Lines within a
        cell are skipped. None if the text does not show it yet.
        """
        if not self._boundaries.first <= position <= self._boundaries.last:
            self._boundaries = self._find_boundaries(position)
        if not self._boundaries.is_known:
            return None
        quotes = self._boundaries.quotes
        following = bisect_left(quotes, position)
        return self.line_end(quotes[following]) if (len(quotes) - following) % 2 else position

    def _find_boundaries(self, position: int) -> _Boundaries:
        found: list[int] = []
        opened = -1  # the last quote, if it can only open a cell
        quote = self.next_odd(position)
        while quote < len(self.text):
            end = self.after_blanks(quote + 1)
            if end == len(self.text) and not self.is_last:
                break
            opens = self.opens_cell(quote, position, at_row=True)
            closes = self.text[end : end + 1] in self.ends
            if closes and opened >= 0:
                return _Boundaries(position, opened, found)
            if closes:
                found.append(quote)
            if closes and not opens:
                return _Boundaries(position, quote, found)
            opened = quote if opens and not closes else -1
            quote = self.next_odd(quote + 1)
        return _Boundaries(position, len(self.text), found, is_known=self.is_last)


def match_end(pattern: re.Pattern[str], text: str, position: int) -> int:
    """The end of the pattern's match at this position."""
    found = pattern.match(text, position)
    return found.end() if found else position
