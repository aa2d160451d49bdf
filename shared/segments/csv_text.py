"""CSV as RFC 4180 has it, read as records: in bounded memory, and no record lost for another's fault."""

import csv
import io
from collections.abc import Generator, Iterator
from typing import BinaryIO

# Characters of one record. What is longer is a quote that never closes, or no CSV.
LONGEST = 2 * 1024 * 1024
# Characters that broken quotes may have us read again, beyond as many as the file has.
PATIENCE = 16 * LONGEST
BLOCK = 128 * 1024
BOM = b"\xef\xbb\xbf"

type Record = list[str] | str
"""The cells of a record, or the code of the reason why it can't be read."""


def records(file: BinaryIO, delimiter: str, *, block: int = BLOCK) -> Iterator[Record]:
    """The records of a UTF-8 file, with or without a BOM. Lines end in LF, CRLF or CR; blank ones are none.

    A record that can't be read comes as its reason: `invalid_utf8`, `nul_byte`, `broken_quotes` (a quote
    that never closes, or closes in the middle of a cell) or `row_too_long`. After broken quotes the next
    line is the next record, so that an open quote swallows no other.

    Another row's quote may close an open one, so that a cell holds the rows between. So quotes are broken
    too where a line within a cell, from its second on, reads by itself as a row of people: it has as many
    cells as the file's first record, and an `@`. An address of several lines has none.

    Reads `block` bytes at a time. Raises csv.Error where the quotes are past mending.
    """
    csv.field_size_limit(LONGEST)
    parser = _Parser(delimiter)
    lines: list[str] = []
    suspect = False
    held = fresh = 0  # characters of a record that goes on in the next block, and of what came since
    for content, is_last in _blocks(file, block):
        text, broken = _decoded(content)
        lines += _lines(text)
        suspect |= broken
        fresh += len(text)
        parser.patience += len(text)
        if fresh < held and not is_last:
            continue  # a long record is tried again when there is twice as much of it
        done = yield from parser.records(lines, suspect, is_last)
        del lines[:done]
        suspect &= bool(lines)
        held, fresh = sum(map(len, lines)), 0


class _Parser:
    """Reads records out of lines.

    `patience` is how many characters may be read again: a hostile file must not take for ever. `width`
    is how many cells the file's first record has.
    """

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        self.patience = PATIENCE
        self.width = 0

    def records(self, lines: list[str], suspect: bool, is_last: bool) -> Generator[Record, None, int]:
        """The records in the lines. Returns how many lines are done with: others may be half a record."""
        start = 0
        while start < len(lines):
            rest = map(lines.__getitem__, range(start, len(lines)))
            reader = csv.reader(rest, delimiter=self._delimiter, strict=True)
            done = start
            try:
                for cells in reader:
                    tried = start + reader.line_num
                    self.width = self.width or len(cells)
                    if tried - done > 1 and any(map(self._hides_a_row, cells)):
                        break
                    done = tried
                    if cells:
                        yield (_fault(cells) or cells) if suspect else cells
                else:
                    break
            except csv.Error:
                tried = start + reader.line_num
            size = sum(map(len, lines[done:tried]))
            if tried == len(lines) and not is_last and size <= LONGEST:
                return done
            self._spend(size - len(lines[done]))
            yield "row_too_long" if len(lines[done]) > LONGEST else "broken_quotes"
            start = done + 1
        return len(lines)

    def _hides_a_row(self, cell: str) -> bool:
        """Whether a line within the cell, as it stands in the file, reads as a row of people."""
        if "@" not in cell:
            return False
        _, *within = _lines(cell.replace('"', '""'))
        return any("@" in line and self._cells(line) == self.width for line in within)

    def _cells(self, line: str) -> int:
        try:
            return len(next(csv.reader([line], delimiter=self._delimiter, strict=True)))
        except csv.Error:
            return 0

    def _spend(self, characters: int) -> None:
        self.patience -= characters
        if self.patience < 0:
            raise csv.Error("too many broken quotes")


def _lines(text: str) -> list[str]:
    return io.StringIO(text, newline="").readlines()


def _blocks(file: BinaryIO, size: int) -> Iterator[tuple[bytes, bool]]:
    """Whole lines of about `size` bytes, and whether they are the last."""
    rest = file.read(len(BOM)).removeprefix(BOM)
    while piece := file.read(size):
        content = rest + piece
        # Where that cuts a CRLF in two, the LF is a blank line, or the cell's next character.
        end = max(content.rfind(b"\n"), content.rfind(b"\r")) + 1
        yield content[:end], False
        rest = content[end:]
        if len(rest) > LONGEST:
            rest = b"x" * (LONGEST + 1)  # forgets the line, and stays too long a cell
    yield rest, True


def _decoded(content: bytes) -> tuple[str, bool]:
    """The text, and whether a cell of it can be at fault; broken bytes are lone surrogates."""
    try:
        return content.decode(), b"\0" in content
    except UnicodeDecodeError:
        return content.decode(errors="surrogateescape"), True


def _fault(cells: list[str]) -> str | None:
    text = "".join(cells)
    if "\0" in text:
        return "nul_byte"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "invalid_utf8"
    return None
