"""Reads the records in a file's text: plain lines with Python's csv module, the rest with the scanner."""

import csv
import io
import re
from collections.abc import Callable
from typing import BinaryIO

from shared.segments.csv.blocks import MAX_RECORD, LineBlocks
from shared.segments.csv.lookahead import Lookahead
from shared.segments.csv.quotes import BLANKS
from shared.segments.csv.record import Record, RecordChecks, has_odd_quotes
from shared.segments.csv.scanner import Broken, Complete, Incomplete, Scanner


class RecordReader:
    """Reads records out of `text`, which begins with the first record that is not yet read."""

    def __init__(self, delimiter: str, blocks: LineBlocks, open_file: Callable[[], BinaryIO]) -> None:
        self._blocks = blocks
        self._delimiter = delimiter
        self._scanner = Scanner(delimiter)
        self._quotes = self._scanner.quotes
        self._lookahead = Lookahead(open_file, delimiter)
        self._checks = RecordChecks()
        # The csv module can skip spaces before a quote, but not these.
        self._blanks = BLANKS.replace(" ", "").replace(delimiter, "")
        self._padding = re.compile(f'[{re.escape(self._blanks)}] *"')
        self.text = ""
        # The number of cells of the first record.
        self._width = 0
        # Whether a quote of the text may open a cell after such blanks.
        self._is_padded = False
        # Whether quotes are unbalanced, so that the next row has to be found first.
        self._is_lost = False

    def add(self, content: bytes) -> None:
        """Appends more of the file; invalid bytes become lone surrogates."""
        try:
            text = content.decode()
            self._checks.may_be_invalid |= b"\0" in content
        except UnicodeDecodeError:
            text = content.decode(errors="surrogateescape")
            self._checks.may_be_invalid = True
        self.text += text

    def records(self, is_last: bool) -> list[Record]:
        """The records in the text. What remains of it may be part of one; with `is_last`, nothing remains."""
        lines = io.StringIO(self.text, newline="").readlines()
        self._scanner.feed(self.text, is_last=is_last)
        self._is_padded = self._has_padding(self.text)
        is_open = not is_last and bool(lines) and not lines[-1].endswith(("\r", "\n"))
        whole = len(lines) - is_open
        found: list[Record] = []
        done = position = 0
        while done < len(lines):
            if self._is_lost:
                begin = self._quotes.next_row(position)
                if begin is None and len(self.text) - position <= MAX_RECORD:
                    break
                self._is_lost = False
                if begin is not None and begin > position:
                    done, position = self._refuse(lines, done, position, begin, found)
                    self._is_lost = True
                    continue
            first, done = done, self._read_plain(lines, done, whole, found)
            position += sum(map(len, lines[first:done]))
            if done == len(lines):
                break
            record = self._scanner.scan(position)
            if isinstance(record, Incomplete):
                if len(self.text) - position <= MAX_RECORD:
                    break
                broken = self._cut(record)
                if broken is None:
                    return found
                record = broken
            if isinstance(record, Complete):
                self._width = self._width or next(filter(None, map(_cells_in, found)), len(record.cells))
                end = self._end_with_merged_row(record, position)
                if end is None:
                    break
                record = Broken(end) if end > record.end else record
            if isinstance(record, Broken):
                done, position = self._refuse(lines, done, position, record.end, found)
                continue
            first = done
            while position < record.end:
                position += len(lines[done])
                done += 1
            found += self._checks.check(record.cells, lines[first:done])
        self._width = self._width or next(filter(None, map(_cells_in, found)), 0)
        self.text = self.text[position:]
        self._checks.may_be_invalid &= bool(self.text)
        return found

    def _end_with_merged_row(self, record: Complete, position: int) -> int | None:
        """The end of the record at this position, and of another row that its last line may be.

        If a quote was left open, another row's quote may have closed it. It did if that quote can also open
        a cell, a row can be read from there, and the quotes after it show that the lines between are not
        rows. None until more text shows it.
        """
        lines = io.StringIO(self.text[position : record.end], newline="").readlines()
        last = position + len("".join(lines[:-1]))
        if last == position or not self._quotes.has_two_sided(self.text[last : record.end]):
            return record.end
        other, rows = self._scanner.scan(last), self._quotes.next_row(record.end)
        if (isinstance(other, Incomplete) or rows is None) and len(self.text) - position <= MAX_RECORD:
            return None
        is_lost = rows is not None and rows > record.end
        if is_lost and isinstance(other, Complete) and self._width <= len(other.cells) <= self._width + 1:
            return max(record.end, other.end)
        return record.end

    def _refuse(
        self, lines: list[str], first: int, position: int, end: int, found: list[Record]
    ) -> tuple[int, int]:
        """Refuses the lines from `first`, at `position`, up to `end`; returns what comes next."""
        done = first
        while position < end:
            position += len(lines[done])
            done += 1
        found += self._checks.refuse(lines[first:done])
        self._is_lost |= has_odd_quotes(lines[first:done])
        return done, position

    def _read_plain(self, lines: list[str], start: int, stop: int, found: list[Record]) -> int:
        """Adds records to `found` up to one that has to be scanned; returns its first line."""
        checks = self._checks
        needs_care = checks.may_be_invalid or checks.is_cut or self._is_padded or len(self.text) > MAX_RECORD
        reader = csv.reader(
            map(lines.__getitem__, range(start, stop)),
            delimiter=self._delimiter,
            strict=True,
            skipinitialspace=self._delimiter != " ",
        )
        done = start
        try:
            for cells in reader:
                end = start + reader.line_num
                if needs_care or end - done > 1 or (checks.quotes_in_doubt and lines[done].count('"') % 2):
                    record = lines[done:end]
                    if self._is_padded and any(map(self._has_padding, record)):
                        break
                    if end - done > 1 and self._quotes.has_two_sided(record[-1]):
                        break
                    found += checks.check(cells, record)
                elif cells:
                    found.append(cells)
                done = end
        except csv.Error:
            pass  # the record at `done` continues after these lines, or its quotes are broken
        return done

    def _has_padding(self, text: str) -> bool:
        """Whether a blank that the csv module does not skip is before a quote."""
        return any(blank in text for blank in self._blanks) and bool(self._padding.search(text))

    def _cut(self, record: Incomplete) -> Broken | None:
        """Drops the text of a record that is too long, up to where its last cell continues or ends.

        Returns Broken if nothing closes that cell, so that the lines after it are records.
        """
        if record.content is not None:
            content = self.text[record.content :]
            run = len(content) - len(content.rstrip('"'))  # of quotes, which may continue
            end = self._lookahead.cell_end(self._blocks.offset - run)
            if end is not None:
                self._blocks.skip_to(end)
                self.text = '""'
                self._checks.is_cut = True
                return None
            if (line_end := self._quotes.line_end(record.cell)) is not None:
                return Broken(line_end)
        # A cell before it, so that the record is not blank.
        self.text = self._delimiter + ("x" if self.text[record.cell :].strip(BLANKS) else "")
        self._checks.is_cut = True
        return None


def _cells_in(record: Record) -> int:
    return 0 if isinstance(record, str) else len(record)
