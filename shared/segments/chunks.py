"""A partition's chunks of bytes, read as a file."""

import io
from collections.abc import Buffer, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import BinaryIO

from shared.adapters.storage.store import Store
from shared.errors import InvalidSegment
from shared.segments.gzipped import MAGIC, SIZE, NotGzip, unpacked
from shared.segments.snapshots import Partition
from shared.text import shown

# Unpacked bytes of a file: so many at most, and so many for each packed one, beyond what is little anyway.
# Tables of people pack to a third, and to a hundredth where nearly all cells are blank.
MOST_BYTES = 16 * 1024**3
MOST_TIMES = 250
LITTLE = 16 * 1024**2


class Chunks(io.RawIOBase):
    """A file that is read as its chunks come."""

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
    """The pinned partition's content, unpacked where gzip packed it, whatever its name says.

    Reading raises Changed, and InvalidSegment where the name ends in `.gz` and gzip did not make it, it is
    cut off, something follows it, it is packed twice, or it unpacks to more than any table of people does.
    """
    yield io.BufferedReader(Chunks(_plain(store, partition)), SIZE)


def _plain(store: Store, partition: Partition) -> Iterator[bytes]:
    chunks = store.stream(partition.name, etag=partition.etag)
    first = b""
    while len(first) < len(MAGIC) and (chunk := next(chunks, b"")):
        first += chunk
    chunks = chain([first], chunks)
    if not first or not (first.startswith(MAGIC) or partition.name.lower().endswith(".gz")):
        yield from chunks
        return
    try:
        yield from unpacked(chunks, max(LITTLE, min(MOST_BYTES, MOST_TIMES * partition.size)))
    except NotGzip as fault:
        raise InvalidSegment(f"{shown(partition.name)} {fault}.", code="invalid_csv") from None
