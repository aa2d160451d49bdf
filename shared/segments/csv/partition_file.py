"""Opens a partition as a file of decompressed bytes."""

import io
from collections.abc import Buffer, Callable, Iterable, Iterator
from itertools import chain
from typing import BinaryIO

from shared.adapters.storage.store import Store
from shared.errors import InvalidSegment
from shared.segments.csv.gunzip import BLOCK_SIZE, MAGIC, InvalidGzip, decompress
from shared.segments.snapshot import Partition
from shared.text import shown

# A file may decompress to MAX_BYTES, and to MAX_RATIO times its size, unless that is below SMALL. Real
# segments compress to a third, and to a hundredth if nearly all cells are blank.
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


class Content:
    """The bytes of the pinned partition, decompressed if they are gzip, regardless of its name.

    With `start_small`, only the beginning may be needed. `watch` is given each chunk before it is read.
    `is_compressed` is set as soon as something is read.
    """

    def __init__(
        self,
        store: Store,
        partition: Partition,
        *,
        start_small: bool = False,
        watch: Callable[[bytes], None] | None = None,
    ) -> None:
        self._store = store
        self._partition = partition
        self._start_small = start_small
        self._watch = watch
        self.is_compressed = False

    def open(self) -> BinaryIO:
        """A file, whose reading raises Changed.

        It raises InvalidSegment if the name ends in `.gz` and the content is not gzip, or if the gzip content
        is truncated, has trailing data, is compressed twice or exceeds the limits above.
        """
        return io.BufferedReader(ChunkFile(self._chunks()), BLOCK_SIZE)

    def _chunks(self) -> Iterator[bytes]:
        for chunk in self._decompressed():
            if self._watch is not None:
                self._watch(chunk)
            yield chunk

    def _decompressed(self) -> Iterator[bytes]:
        partition = self._partition
        chunks = self._store.stream(partition.name, etag=partition.etag, start_small=self._start_small)
        first = b""
        while len(first) < len(MAGIC) and (chunk := next(chunks, b"")):
            first += chunk
        chunks = chain([first], chunks)
        if not first or not (first.startswith(MAGIC) or partition.name.lower().endswith(".gz")):
            yield from chunks
            return
        self.is_compressed = True
        try:
            yield from decompress(chunks, max(SMALL, min(MAX_BYTES, MAX_RATIO * partition.size)))
        except InvalidGzip as error:
            raise InvalidSegment(f"{shown(partition.name)} {error}.", code="invalid_csv") from None
