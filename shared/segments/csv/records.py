"""Reads a file's records by RFC 4180, in bounded memory, without losing one through an error in another."""

import csv
from collections.abc import Callable, Iterator
from typing import BinaryIO

from shared.segments.csv.blocks import BLOCK_SIZE, MAX_RECORD, LineBlocks
from shared.segments.csv.record import Record
from shared.segments.csv.record_reader import RecordReader


def records(
    open_file: Callable[[], BinaryIO], delimiter: str, *, block_size: int = BLOCK_SIZE
) -> Iterator[Record]:
    """Yields the records of a UTF-8 file, with or without a BOM. Lines end in LF, CRLF or CR; blank lines are
    skipped.

    A record that is valid by RFC 4180 is read as such, regardless of its cells. Beyond the RFC, white space
    before a quoted cell is dropped, and quotes within an unquoted cell are characters. A first line such as
    `sep=;` is not a record, and overrides `delimiter`.

    For a record that can't be read, yields the reason: `invalid_utf8`, `nul_byte`, `row_too_long`, or
    `broken_quotes`, once for each line that is in doubt (see `Scanner.scan`). After a cell of several lines,
    or broken quotes, a record with an odd number of quotes may be the rest of a cell, and is also refused.

    Reads `block_size` bytes at a time. Calls `open_file` once, and once more if a quoted cell is longer than
    a record may be, to find its end.
    """
    csv.field_size_limit(MAX_RECORD)
    blocks = LineBlocks(open_file(), block_size)
    reader = RecordReader(blocks.delimiter or delimiter, blocks, open_file)
    held = 0  # characters of a record that continues in the next block
    for content, is_last in blocks:
        reader.add(content)
        if len(reader.text) < min(2 * held, MAX_RECORD) and not is_last:
            continue  # a long record is tried again when there is twice as much of it
        yield from reader.records(is_last)
        held = len(reader.text)
