"""Opens a partition as a file of decompressed bytes."""

import io
from collections.abc import Buffer, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import BinaryIO

from shared.adapters.storage.store import Store
from shared.errors import InvalidSegment
from shared.segments.csv.gunzip import BLOCK_SIZE, MAGIC, InvalidGzip, decompress
from shared.segments.snapshot import Partition
from shared.text import shown

# A file may decompress to MAX_BYTES, and to MAX_RATIO times its size, unless that is below SMALL. Real
# segments compress to a third, and to a hundredth where nearly all cells are blank.
MAX_BYTES = 16 * 1024**3
MAX_RATIO = 250
SMALL = 16 * 1024**2


class ChunkFile(io.RawIOBase):
    """Reads an iterator of chunks as a file."""

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


@contextmanager
def open_partition(store: Store, partition: Partition) -> Iterator[BinaryIO]:
    """Opens the pinned partition, decompressed if its content is gzip, whatever its name.

    Reading raises Changed. It raises InvalidSegment if the name ends in `.gz` and the content is not gzip, or
    if the gzip content is truncated, has trailing data, is compressed twice or exceeds the limits above.
    """
    yield io.BufferedReader(ChunkFile(_decompressed(store, partition)), BLOCK_SIZE)


def _decompressed(store: Store, partition: Partition) -> Iterator[bytes]:
    chunks = store.stream(partition.name, etag=partition.etag)
    first = b""
    while len(first) < len(MAGIC) and (chunk := next(chunks, b"")):
        first += chunk
    chunks = chain([first], chunks)
    if not first or not (first.startswith(MAGIC) or partition.name.lower().endswith(".gz")):
        yield from chunks
        return
    try:
        yield from decompress(chunks, max(SMALL, min(MAX_BYTES, MAX_RATIO * partition.size)))
    except InvalidGzip as error:
        raise InvalidSegment(f"{shown(partition.name)} {error}.", code="invalid_csv") from None
