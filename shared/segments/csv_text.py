"""CSV as RFC 4180 has it, read as records: in bounded memory, and no record lost for another's fault."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

from shared.segments.csv_ahead import Ahead
from shared.segments.csv_blocks import BLOCK, LONGEST, Blocks
from shared.segments.csv_record import BLANKS, Broken, Complete, Scanner, Unfinished

type Record = list[str] | str
"""The cells of a record, or the code of the reason why it can't be read."""


def records(open_file: Callable[[], BinaryIO], delimiter: str, *, block: int = BLOCK) -> Iterator[Record]:
    """The records of a UTF-8 file, with or without a BOM. Lines end in LF, CRLF or CR; blank ones are
    left out.

    A record that RFC 4180 reads is that record, whatever its cells hold. Beyond the RFC, white space before
    a quoted cell is dropped, and quotes within a bare cell are characters. A first line such as `sep=;` is
    not a record, and overrides `delimiter`.

    A record that can't be read comes as its reason: `invalid_utf8`, `nul_byte`, `row_too_long`, or
    `broken_quotes`, once for each line that is in doubt (see `Scanner.scan`). After a cell of several lines,
    or broken quotes, a record with an odd number of quotes may be the rest of a cell, and is refused too.

    Reads `block` bytes at a time. `open_file` opens the file; it is called once more where a quoted cell is
    longer than a record may be, to see whether it ever ends.
    """
    csv.field_size_limit(LONGEST)
    blocks = Blocks(open_file(), block)
    reader = _Reader(blocks.delimiter or delimiter, blocks, open_file)
    held = 0  # characters of a record that goes on in the next block
    for content, is_last in blocks:
        reader.add(content)
        if len(reader.text) < min(2 * held, LONGEST) and not is_last:
            continue  # a long record is tried again when there is twice as much of it
        yield from reader.records(is_last)
        held = len(reader.text)


class _Reader:
    """Reads records out of `text`, which begins with the first record that is not yet read."""

    def __init__(self, delimiter: str, blocks: Blocks, open_file: Callable[[], BinaryIO]) -> None:
        self._blocks = blocks
        self._delimiter = delimiter
        self._scanner = Scanner(delimiter)
        self._ahead = Ahead(open_file, delimiter)
        # What the csv module doesn't skip before a quote, though it may skip spaces.
        self._blanks = BLANKS.replace(" ", "").replace(delimiter, "")
        self._padding = re.compile(f'[{re.escape(self._blanks)}] *"')
        # A quote that can both end a cell and begin one.
        blanks, ends = re.escape(BLANKS.replace(delimiter, "")), re.escape(f"{delimiter}\r\n")
        self._two_sided = re.compile(rf'(?:\A|[{ends}])[{blanks}]*+"(?=[{blanks}]*+(?:[{ends}]|\Z))')
        self.text = ""
        # Cells of the first record.
        self._width = 0
        # Whether a quote of the text may open a cell behind such blanks.
        self._is_padded = False
        # Whether a cell of the text may hold a NUL or broken UTF-8.
        self._is_suspect = False
        # Whether quotes may be out of step, so that the rest of a cell looks like a record.
        self._in_doubt = False
        # Whether it is to be seen first where rows begin again.
        self._is_lost = False
        # Whether the beginning of the first record is dropped already, since it is too long.
        self._is_cut = False

    def add(self, content: bytes) -> None:
        """Takes more of the file in; broken bytes become lone surrogates."""
        try:
            text = content.decode()
            self._is_suspect |= b"\0" in content
        except UnicodeDecodeError:
            text = content.decode(errors="surrogateescape")
            self._is_suspect = True
        self.text += text

    def records(self, is_last: bool) -> list[Record]:
        """The records in the text. What is left of it may be a part of one; after the last, nothing is."""
        lines = io.StringIO(self.text, newline="").readlines()
        self._scanner.feed(self.text, is_last=is_last)
        self._is_padded = self._has_padding(self.text)
        is_open = not is_last and bool(lines) and not lines[-1].endswith(("\r", "\n"))
        whole = len(lines) - is_open
        found: list[Record] = []
        done = place = 0
        while done < len(lines):
            if self._is_lost:
                begin = self._scanner.rows_from(place)
                if begin is None and len(self.text) - place <= LONGEST:
                    break
                self._is_lost = False
                if begin is not None and begin > place:
                    done, place = self._refuse(lines, done, place, begin, found)
                    self._is_lost = True
                    continue
            first, done = done, self._read_plain(lines, done, whole, found)
            place += sum(map(len, lines[first:done]))
            if done == len(lines):
                break
            record = self._scanner.scan(place)
            if isinstance(record, Unfinished):
                if len(self.text) - place <= LONGEST:
                    break
                broken = self._cut(record)
                if broken is None:
                    return found
                record = broken
            if isinstance(record, Complete):
                self._width = self._width or next(filter(None, map(_cells_in, found)), len(record.cells))
                end = self._end_of_both(record, place)
                if end is None:
                    break
                record = Broken(end) if end > record.end else record
            if isinstance(record, Broken):
                done, place = self._refuse(lines, done, place, record.end, found)
                continue
            first = done
            while place < record.end:
                place += len(lines[done])
                done += 1
            found += self._judged(record.cells, lines[first:done])
        self._width = self._width or next(filter(None, map(_cells_in, found)), 0)
        self.text = self.text[place:]
        self._is_suspect &= bool(self.text)
        return found

    def _end_of_both(self, record: Complete, place: int) -> int | None:
        """Where the record at this place ends, and with it another row that its last line may be.

        Where a quote was left open, another row's quote may have closed it: if that quote can also begin a
        cell, from there on a row can be read, and the quotes behind say that the lines between are not rows.
        None where more text has to show it.
        """
        last = place + len("".join(io.StringIO(self.text[place : record.end], newline="").readlines()[:-1]))
        if last == place or not self._two_sided.search(self.text[last : record.end]):
            return record.end
        other, rows = self._scanner.scan(last), self._scanner.rows_from(record.end)
        if (isinstance(other, Unfinished) or rows is None) and len(self.text) - place <= LONGEST:
            return None
        is_lost = rows is not None and rows > record.end
        if is_lost and isinstance(other, Complete) and self._width <= len(other.cells) <= self._width + 1:
            return max(record.end, other.end)
        return record.end

    def _refuse(
        self, lines: list[str], first: int, place: int, end: int, found: list[Record]
    ) -> tuple[int, int]:
        """Refuses the lines from `first`, at `place`, up to `end`. Returns the next line and its place."""
        done = first
        while place < end:
            place += len(lines[done])
            done += 1
        found += self._refused(lines[first:done])
        self._is_lost |= _is_odd(lines[first:done])
        return done, place

    def _read_plain(self, lines: list[str], start: int, stop: int, found: list[Record]) -> int:
        """Adds the records in lines to `found`, up to one that has to be scanned; returns its first line."""
        needs_care = self._is_suspect or self._is_cut or self._is_padded or len(self.text) > LONGEST
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
                if needs_care or end - done > 1 or (self._in_doubt and lines[done].count('"') % 2):
                    record = lines[done:end]
                    if self._is_padded and any(map(self._has_padding, record)):
                        break
                    if end - done > 1 and self._two_sided.search(record[-1]):
                        break
                    found += self._judged(cells, record)
                elif cells:
                    found.append(cells)
                done = end
        except csv.Error:
            pass  # the record at `done` goes on behind these lines, or its quotes are broken
        return done

    def _has_padding(self, text: str) -> bool:
        """Whether a blank that the csv module does not skip stands before a quote."""
        return any(blank in text for blank in self._blanks) and bool(self._padding.search(text))

    def _judged(self, cells: list[str], lines: list[str]) -> list[Record]:
        """The record in these lines, or why it is refused."""
        if not cells:
            return []
        self._in_doubt |= len(lines) > 1
        if self._in_doubt and _is_odd(lines):
            return self._refused(lines)
        if self._is_cut or sum(map(len, lines)) > LONGEST:
            self._is_cut = False
            return ["row_too_long"]
        return [(_fault(cells) or cells) if self._is_suspect else cells]

    def _refused(self, lines: list[str]) -> list[Record]:
        """A reason for each line that is not blank: any of them may be somebody's row."""
        self._in_doubt = True
        reasons: list[Record] = [_reason(line) for line in lines if line.strip("\r\n")]
        if self._is_cut:
            self._is_cut = False
            reasons[0] = "row_too_long"
        return reasons

    def _cut(self, found: Unfinished) -> Broken | None:
        """Drops what is there of a record that is too long, up to where its last cell goes on or ends.

        Returns Broken where that cell never ends, so that the lines behind it are records.
        """
        if found.content is not None:
            content = self.text[found.content :]
            run = len(content) - len(content.rstrip('"'))  # of quotes, which may go on
            end = self._ahead.closing(self._blocks.offset - run)
            if end is not None:
                self._blocks.skip_to(end)
                self.text = '""'
                self._is_cut = True
                return None
            if (line_end := self._scanner.line_end(found.cell)) is not None:
                return Broken(line_end)
        # A cell before it, so that the record is not blank.
        self.text = self._delimiter + ("x" if self.text[found.cell :].strip(BLANKS) else "")
        self._is_cut = True
        return None


def _is_odd(lines: list[str]) -> bool:
    """Whether there is an odd number of quotes in the lines."""
    return sum(line.count('"') for line in lines) % 2 == 1


def _cells_in(record: Record) -> int:
    return 0 if isinstance(record, str) else len(record)


def _reason(line: str) -> str:
    return "row_too_long" if len(line) > LONGEST else "broken_quotes"


def _fault(cells: list[str]) -> str | None:
    text = "".join(cells)
    if "\0" in text:
        return "nul_byte"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "invalid_utf8"
    return None
