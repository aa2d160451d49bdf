"""Finds the end of a quoted cell that is longer than what is kept in memory."""

import re
from collections.abc import Callable
from typing import BinaryIO

from shared.segments.csv.quotes import BLANKS

_BLOCK_SIZE = 1024 * 1024
_CONTEXT = 64  # bytes on either side of a quote that show its role
_CONTENT = re.compile(rb'[^"]*+(?:""[^"]*+)*+')


class Lookahead:
    """Reads the same file a second time, ahead of its reader and forward only.

    All offsets are in bytes. The file is opened at the first question.
    """

    def __init__(self, open_file: Callable[[], BinaryIO], delimiter: str) -> None:
        self._open_file = open_file
        self._ends = f"{delimiter}\r\n"
        self._blanks = BLANKS.replace(delimiter, "")
        self._file: BinaryIO | None = None
        self._bytes = b""
        self._offset = 0  # of the first of these bytes
        self._before = b""  # the last bytes before them
        self._is_at_end = False
        # The last answer holds for every offset between these two.
        self._known = (1, 0)
        self._end: int | None = None

    def cell_end(self, offset: int) -> int | None:
        """The end of the quoted cell that continues at this offset; None if nothing closes it.

        The first run of an odd number of quotes closes the cell, unless it can only open another one.
        Each call needs an offset no smaller than the last one.
        """
        first, last = self._known
        if not first <= offset <= last:
            self._skip_to(offset)
            quote = self._find_quote()
            last = self._offset + (len(self._bytes) if quote is None else quote)
            self._known = (offset, last)
            self._end = None if quote is None or self._opens_another(quote) else last + 1
        return self._end

    def _find_quote(self) -> int | None:
        """The index of the last quote of the first odd run; also reads the context after it."""
        while True:
            content = _CONTENT.match(self._bytes)
            found = content.end() if content else 0
            if found + _CONTEXT < len(self._bytes):
                return found
            if self._is_at_end:
                return found if found < len(self._bytes) else None
            if found == len(self._bytes):  # keeps a run that may continue
                found = len(self._bytes.rstrip(b'"'))
            self._drop(found)
            self._read()

    def _opens_another(self, quote: int) -> bool:
        after = self._bytes[quote + 1 : quote + 1 + _CONTEXT].decode(errors="ignore").lstrip(self._blanks)
        before = (
            (self._before + self._bytes[:quote])[-_CONTEXT:]
            .decode(errors="ignore")
            .rstrip('"')
            .rstrip(self._blanks)
        )
        return after[:1] not in self._ends and before[-1:] in self._ends

    def _skip_to(self, offset: int) -> None:
        while self._offset + len(self._bytes) < offset and not self._is_at_end:
            self._drop(len(self._bytes))
            self._read()
        self._drop(offset - self._offset)

    def _drop(self, size: int) -> None:
        self._before = (self._before + self._bytes[:size])[-_CONTEXT:]
        self._offset += size
        self._bytes = self._bytes[size:]

    def _read(self) -> None:
        if self._file is None:
            self._file = self._open_file()
        piece = self._file.read(_BLOCK_SIZE)
        self._bytes += piece
        self._is_at_end = not piece
