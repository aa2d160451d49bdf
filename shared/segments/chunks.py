"""A partition's chunks of bytes, read as a file."""

import gzip
import io
import zlib
from collections.abc import Buffer, Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from shared.adapters.storage.store import Store
from shared.errors import InvalidSegment
from shared.segments.snapshots import Partition

SIZE = 128 * 1024


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
    """The pinned partition's content, unpacked where its name ends in `.gz`.

    Reading raises Changed, and InvalidSegment where gzip did not make it, or it is cut off.
    """
    file: BinaryIO = io.BufferedReader(Chunks(store.stream(partition.name, etag=partition.etag)), SIZE)
    if partition.name.lower().endswith(".gz"):
        file = io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=file)), SIZE)
    try:
        yield file
    except (gzip.BadGzipFile, zlib.error, EOFError):
        raise InvalidSegment(f"{partition.name} is not a whole gzip file.", code="invalid_csv") from None
