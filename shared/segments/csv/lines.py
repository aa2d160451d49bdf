"""The line of its file in which a record begins, for people who look into the file."""

import csv
import io
import re
from collections.abc import Callable, Collection, Iterator
from typing import BinaryIO

from shared.segments.csv.blocks import BLOCK_SIZE, MAX_RECORD, LineBlocks
from shared.segments.csv.record_reader import RecordReader

_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")


def lines_of(open_file: Callable[[], BinaryIO], delimiter: str, wanted: Collection[int]) -> dict[int, int]:
    """The line of each wanted record, both counted from 1; the records are those of `records`.

    Lines end in LF, CRLF or CR, also within a cell. A record whose line is in doubt, among broken quotes or
    after a record that is too long, is left out.
    """
    found: dict[int, int] = {}
    last = max(wanted, default=0)
    blocks = LineBlocks(open_file(), BLOCK_SIZE)
    for number, line in enumerate(_begins(blocks, delimiter), start=1):
        if number > last:
            break
        if line is not None and number in wanted:
            found[number] = line
    return found


def _begins(blocks: LineBlocks, delimiter: str) -> Iterator[int | None]:
    """The line in which each record begins, or None if it is in doubt."""
    delimiter = blocks.delimiter or delimiter
    reader = RecordReader(delimiter, LineBlocks(io.BytesIO(), 1), io.BytesIO)
    line = 1 + bool(blocks.delimiter)
    for content, is_last in blocks:
        for piece in [*filter(None, _LINE.findall(content)), *([b""] if is_last else [])]:
            if piece and not reader.text and b'"' not in piece:
                if piece.strip(b"\r\n"):
                    yield line
                line += 1
                continue
            reader.add(piece)
            text = reader.text
            if len(text) > MAX_RECORD:
                return
            count = len(reader.records(is_last and not piece))
            read = text[: len(text) - len(reader.text)]
            begins = _begins_in(read, delimiter)
            yield from (line + begin for begin in begins) if len(begins) == count else [None] * count
            line += len(_split(read))


def _begins_in(text: str, delimiter: str) -> list[int]:
    """The lines, from 0, in which the records of this text begin, if it is valid CSV."""
    reader = csv.reader(_split(text), delimiter=delimiter)
    begins, ended = [], 0
    for cells in reader:
        if cells:
            begins.append(ended)
        ended = reader.line_num
    return begins


def _split(text: str) -> list[str]:
    return io.StringIO(text, newline="").readlines()
