"""Counts the records of a file from its bytes, without reading them: never fewer than there are."""

from shared.segments.csv.blocks import MAX_FIRST_LINE, file_start

_QUOTE = b'"'
# Bytes that are split at a time: each part takes memory.
_STEP = 128 * 1024


class RecordCount:
    """An upper bound of the records that `records` yields of a file, whose bytes are added in pieces.

    Exact if RFC 4180 wrote the file and no line is blank: each quote opens a cell, closes one or is doubled
    within one, and each line end outside quotes ends a record. In any other file, each line may be a record.
    """

    def __init__(self, delimiter: str) -> None:
        self.size = 0  # bytes that were added
        self._delimiter = delimiter.encode()
        self._beginning: bytes | None = b""
        self._is_strict = True
        self._is_quoted = False  # whether the next byte is between quotes
        self._last = b"\n"  # the last byte; a cell may begin before the first one
        self._records = 0
        self._lines = 0

    def add(self, content: bytes) -> None:
        """Counts more of the file."""
        self.size += len(content)
        if self._beginning is not None:
            self._beginning += content
            if len(self._beginning) < MAX_FIRST_LINE:
                return
            content = self._start()
        for start in range(0, len(content), _STEP):
            self._count(content[start : start + _STEP])

    def most(self) -> int:
        """The bound for what was added, as if the file ended there."""
        if self._beginning is not None:
            self._count(self._start())
        is_exact = self._is_strict and not self._is_quoted
        return (self._records if is_exact else self._lines) + (self._last not in (b"\r", b"\n"))

    @property
    def so_far(self) -> int:
        """About how many records ended in what was added."""
        return self._records if self._is_strict else self._lines

    def _start(self) -> bytes:
        """The beginning that was held back, from the first record on."""
        beginning, self._beginning = self._beginning or b"", None
        delimiter, start = file_start(beginning)
        self._delimiter = delimiter.encode() or self._delimiter
        self._is_strict = len(self._delimiter) == 1
        return beginning[start:]

    def _count(self, content: bytes) -> None:
        if not content:
            return
        is_split = self._last == b"\r" and content.startswith(b"\n")  # a CRLF, which counted at its CR
        if self._is_strict:
            parts = content.split(_QUOTE)
            outside, inside = (parts[1::2], parts[::2]) if self._is_quoted else (parts[::2], parts[1::2])
            ends_quoted = self._is_quoted ^ (len(parts) % 2 == 0)
            records = _line_ends(_QUOTE.join(outside))
            self._records += records - (is_split and not self._is_quoted)
            self._lines += records + _line_ends(_QUOTE.join(inside)) - is_split
            self._is_strict = self._is_cells(outside, ends_quoted)
            self._is_quoted = ends_quoted
        else:
            self._lines += _line_ends(content) - is_split
        self._last = content[-1:]

    def _is_cells(self, outside: list[bytes], ends_quoted: bool) -> bool:
        """Whether all quotes around these parts are at an end of their cell; changes the list.

        A blank part is between two quotes, which are one within a cell.
        """
        delimiter, ends = self._delimiter, self._delimiter + b"\r\n"
        if not self._is_quoted and self._last != _QUOTE:  # no quote before the first part
            if len(outside) == 1 and not ends_quoted:
                return True
            outside[0] = delimiter + self._last + outside[0]
        if not ends_quoted and outside[-1]:  # none after the last one
            outside[-1] += delimiter
        return all(part[0] in ends and part[-1] in ends for part in set(outside) if part)


def _line_ends(content: bytes) -> int:
    """How many lines end here, with LF, CRLF or CR."""
    returns = content.count(b"\r")
    return content.count(b"\n") + returns - (content.count(b"\r\n") if returns else 0)
