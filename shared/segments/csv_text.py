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
    line is the next record, so that an open quote swallows no other. Reads `block` bytes at a time.
    Raises csv.Error where the quotes are past mending.
    """
    csv.field_size_limit(LONGEST)
    patience = _Patience()
    lines: list[str] = []
    suspect = False
    held = fresh = 0  # characters of a record that goes on in the next block, and of what came since
    for content, is_last in _blocks(file, block):
        text, broken = _decoded(content)
        lines += io.StringIO(text, newline="").readlines()
        suspect |= broken
        fresh += len(text)
        patience.left += len(text)
        if fresh < held and not is_last:
            continue  # a long record is tried again when there is twice as much of it
        done = yield from _parsed(lines, delimiter, suspect, is_last, patience)
        del lines[:done]
        suspect &= bool(lines)
        held, fresh = sum(map(len, lines)), 0


class _Patience:
    """How many characters may be read again: a hostile file must not take for ever."""

    def __init__(self) -> None:
        self.left = PATIENCE

    def spend(self, characters: int) -> None:
        self.left -= characters
        if self.left < 0:
            raise csv.Error("too many broken quotes")


def _parsed(
    lines: list[str], delimiter: str, suspect: bool, is_last: bool, patience: _Patience
) -> Generator[Record, None, int]:
    """The records in the lines. Returns how many lines are done with: the others may be half a record."""
    start = 0
    while start < len(lines):
        rest = map(lines.__getitem__, range(start, len(lines)))
        reader = csv.reader(rest, delimiter=delimiter, strict=True)
        done = start
        try:
            for cells in reader:
                done = start + reader.line_num
                if cells:
                    yield (_fault(cells) or cells) if suspect else cells
            break
        except csv.Error:
            tried = start + reader.line_num
        size = sum(map(len, lines[done:tried]))
        if tried == len(lines) and not is_last and size <= LONGEST:
            return done
        patience.spend(size - len(lines[done]))
        yield "row_too_long" if len(lines[done]) > LONGEST else "broken_quotes"
        start = done + 1
    return len(lines)


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
