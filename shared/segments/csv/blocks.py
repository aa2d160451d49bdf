"""Reads a file in blocks of whole lines."""

import re
from collections.abc import Iterator
from typing import BinaryIO

# Characters of a record, and bytes of a block without a line end. A longer record is refused.
MAX_RECORD = 2 * 1024 * 1024
BLOCK_SIZE = 128 * 1024
BOM = b"\xef\xbb\xbf"
# A first line that names the delimiter, as Excel writes it.
_SEP = re.compile(rb"(?:\xef\xbb\xbf)?sep=([^\"\r\n\x80-\xff])(?:\r\n|\r|\n|\Z)", re.IGNORECASE)
# Bytes at the start of a file that contain this line.
MAX_FIRST_LINE = 16


def sep_delimiter(beginning: bytes) -> str:
    """The delimiter in a first line such as `sep=;`; blank if the file does not begin with one."""
    return file_start(beginning)[0]


class LineBlocks:
    """A file's bytes in blocks of whole lines; only a line longer than a record is cut.

    `delimiter` is that of a first line such as `sep=;`, or blank. `offset` is the end of the last block.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        beginning = file.read(MAX_FIRST_LINE)
        self.delimiter, self.offset = file_start(beginning)
        self._file = file
        self._size = size
        self._rest = beginning[self.offset :]

    def __iter__(self) -> Iterator[tuple[bytes, bool]]:
        """Yields each block, and whether it is the last."""
        while piece := self._file.read(self._size):
            content = self._rest + piece
            # If this splits a CRLF, the LF is a blank line, or the next character of its cell.
            end = max(content.rfind(b"\n"), content.rfind(b"\r")) + 1
            if not end and len(content) > MAX_RECORD:
                end = _last_character(content)
            self._rest = content[end:]
            self.offset += end
            yield content[:end], False
        self.offset += len(self._rest)
        rest, self._rest = self._rest, b""
        yield rest, True

    def skip_to(self, offset: int) -> None:
        """Drops the bytes before this offset."""
        missing = offset - self.offset
        self.offset = offset
        dropped, self._rest = self._rest[:missing], self._rest[missing:]
        missing -= len(dropped)
        while missing and (piece := self._file.read(min(missing, self._size))):
            missing -= len(piece)


def file_start(beginning: bytes) -> tuple[str, int]:
    """The delimiter that the first line names, or blank, and the offset of the first record."""
    if sep := _SEP.match(beginning):
        return sep[1].decode(), sep.end()
    return "", len(BOM) * beginning.startswith(BOM)


def _last_character(content: bytes) -> int:
    """The offset of the last character, so that a cut there splits no character."""
    end = len(content) - 1
    while end > len(content) - 4 and content[end] & 0xC0 == 0x80:
        end -= 1
    return end
