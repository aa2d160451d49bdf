"""Chunks of bytes, read as a file."""

import gzip
import io
from collections.abc import Buffer, Iterable
from typing import BinaryIO, cast

SIZE = 128 * 1024


class _Chunks(io.RawIOBase):
    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        while not self._rest:
            try:
                self._rest = memoryview(next(self._chunks))
            except StopIteration:
                return 0
        target = memoryview(buffer)
        size = min(len(target), len(self._rest))
        target[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def as_file(chunks: Iterable[bytes], *, compressed: bool) -> BinaryIO:
    """The chunks as a file that is read as it goes; `compressed` ones as what gzip had before.

    Reading raises gzip.BadGzipFile, zlib.error or EOFError where they aren't a whole gzip file.
    """
    file: io.RawIOBase = _Chunks(chunks)
    if compressed:
        file = cast(io.RawIOBase, gzip.GzipFile(fileobj=file))
    return io.BufferedReader(file, SIZE)
