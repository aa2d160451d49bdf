"""A file's bytes in blocks of whole lines."""

import re
from collections.abc import Iterator
from typing import BinaryIO

# Characters of one record, and bytes of a block that has no line end. A longer record is refused.
LONGEST = 2 * 1024 * 1024
BLOCK = 128 * 1024
BOM = b"\xef\xbb\xbf"
# The first line that tells Excel the delimiter.
_SEP = re.compile(rb"(?:\xef\xbb\xbf)?sep=([^\"\r\n\x80-\xff])(?:\r\n|\r|\n|\Z)", re.IGNORECASE)
_LONGEST_SEP = 16  # bytes


def said_delimiter(beginning: bytes) -> str:
    """The delimiter that the first line of a file says for Excel, as in `sep=;`; blank where it says none."""
    return _start(beginning)[0]


class Blocks:
    """A file's bytes in blocks of whole lines, as far as these are not too long.

    `delimiter` is what the first line says, or blank. `offset` is where the block ends that came last.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        beginning = file.read(_LONGEST_SEP)
        self.delimiter, self.offset = _start(beginning)
        self._file = file
        self._size = size
        self._rest = beginning[self.offset :]

    def __iter__(self) -> Iterator[tuple[bytes, bool]]:
        """The blocks, and whether each is the last."""
        while piece := self._file.read(self._size):
            content = self._rest + piece
            # Where that cuts a CRLF in two, the LF is a blank line, or the cell's next character.
            end = max(content.rfind(b"\n"), content.rfind(b"\r")) + 1
            if not end and len(content) > LONGEST:
                end = _before_character(content)
            self._rest = content[end:]
            self.offset += end
            yield content[:end], False
        self.offset += len(self._rest)
        rest, self._rest = self._rest, b""
        yield rest, True

    def skip_to(self, offset: int) -> None:
        """Drops what comes before this offset."""
        missing = offset - self.offset
        self.offset = offset
        dropped, self._rest = self._rest[:missing], self._rest[missing:]
        missing -= len(dropped)
        while missing and (piece := self._file.read(min(missing, self._size))):
            missing -= len(piece)


def _start(beginning: bytes) -> tuple[str, int]:
    """The delimiter that the first line says, or blank, and where the records begin."""
    if said := _SEP.match(beginning):
        return said[1].decode(), said.end()
    return "", len(BOM) * beginning.startswith(BOM)


def _before_character(content: bytes) -> int:
    """Where the last character of the content begins, so that none is cut in two."""
    end = len(content) - 1
    while end > len(content) - 4 and content[end] & 0xC0 == 0x80:
        end -= 1
    return end
