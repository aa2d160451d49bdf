"""Whether a quoted cell ends at all, where it is longer than what is kept in memory."""

import re
from collections.abc import Callable
from typing import BinaryIO

_BLOCK = 1024 * 1024
_CONTENT = re.compile(rb'[^"]*+(?:""[^"]*+)*+')


class Ahead:
    """Reads the same file a second time, in front of its reader, and never back.

    All offsets are in bytes. The file is opened when there is something to look for.
    """

    def __init__(self, open_file: Callable[[], BinaryIO], delimiter: str) -> None:
        self._open_file = open_file
        self._ends = (delimiter.encode(), b"\r", b"\n")
        self._file: BinaryIO | None = None
        self._bytes = b""
        self._offset = 0  # of the first of these bytes
        self._is_over = False
        # The last answer holds for every offset between these two.
        self._known = (1, 0)
        self._end: int | None = None

    def closing(self, offset: int) -> int | None:
        """Where the quoted cell ends that goes on at this offset; None where it never does.

        It ends with the first run of an odd number of quotes, if that stands before a delimiter, a line
        break or the end of the file. Offsets may only grow.
        """
        first, last = self._known
        if not first <= offset <= last:
            self._skip_to(offset)
            quote = self._find_quote()
            closes = quote is not None and self._closes(quote)
            last = self._offset + (len(self._bytes) if quote is None else quote)
            self._known = (offset, last)
            self._end = last + 1 if closes else None
        return self._end

    def _find_quote(self) -> int | None:
        """The index of the last quote of the first odd run, with what stands behind it read too."""
        while True:
            content = _CONTENT.match(self._bytes)
            found = content.end() if content else 0
            if found + max(map(len, self._ends)) < len(self._bytes):
                return found
            if self._is_over:
                return found if found < len(self._bytes) else None
            if found == len(self._bytes):  # keeps a run that may go on
                found = len(self._bytes.rstrip(b'"'))
            self._offset += found
            self._bytes = self._bytes[found:]
            self._read()

    def _closes(self, quote: int) -> bool:
        behind = self._bytes[quote + 1 :]
        return not behind or behind.startswith(self._ends)

    def _skip_to(self, offset: int) -> None:
        while self._offset + len(self._bytes) < offset and not self._is_over:
            self._offset += len(self._bytes)
            self._bytes = b""
            self._read()
        self._bytes = self._bytes[offset - self._offset :]
        self._offset = offset

    def _read(self) -> None:
        if self._file is None:
            self._file = self._open_file()
        piece = self._file.read(_BLOCK)
        self._bytes += piece
        self._is_over = not piece
