"""The interface of a store of files: one Protocol, two implementations."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from shared.errors import AlreadyExists, NotFound

# The most bytes of a chunk, and of the first chunk of a stream that starts small.
CHUNK = 4 * 1024 * 1024
SMALL_CHUNK = 4 * 1024


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """A blob in a listing: `name` has `/` between folders, `size` is in bytes, times are UTC."""

    name: str
    etag: str
    size: int
    last_modified: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a hierarchy: its folders' full names (without a trailing `/`) and its blobs."""

    folders: tuple[str, ...]
    blobs: tuple[BlobInfo, ...]


@dataclass(frozen=True, slots=True)
class Blob:
    """A small blob, read whole, and its ETag."""

    content: bytes
    etag: str


class Lease(Protocol):
    """An exclusive lock on one name, until it is released, lost, or its holder dies."""

    def renew(self) -> None:
        """Renews the lease. Raises LeaseLost, or StorageUnavailable within 10 seconds."""

    def release(self) -> None:
        """Releases the lease. Does nothing if it is already lost."""


def ensure(store: "Store", name: str) -> None:
    """Creates an empty blob, for a lock, if it does not exist."""
    try:
        store.stat(name)
    except NotFound:
        with suppress(AlreadyExists):
            store.write(name, b"", create_only=True)


def chunk_sizes(start_small: bool) -> Iterator[int]:
    """The sizes of a stream's chunks, in bytes."""
    size = SMALL_CHUNK if start_small else CHUNK
    while True:
        yield size
        size = min(2 * size, CHUNK)


class Store(Protocol):
    """Names are relative, with `/` between folders, none of them empty, `.` or `..` (InvalidRequest).

    Every call may raise StorageUnavailable (retry later) or Denied (permissions are missing).
    """

    def now(self) -> datetime:
        """The time by the clock that writes `last_modified`, in UTC. Raises NotFound (no container)."""

    def list(self, prefix: str = "", *, page: int | None = None) -> Iterator[BlobInfo]:
        """Every blob whose name starts with `prefix`, in order of names, with metadata.

        `page` is how many of them will probably be used: a request asks for no more at once.
        """

    def level(self, folder: str = "") -> Level:
        """The direct content of `folder`, in order of names. An unknown folder is empty."""

    def stat(self, name: str) -> BlobInfo:
        """One blob's entry. Raises NotFound."""

    def read(self, name: str, *, most: int | None = None) -> Blob:
        """A small blob, whole. Raises NotFound; InvalidDocument if it has more than `most` bytes."""

    def stream(self, name: str, *, etag: str, start_small: bool = False) -> Iterator[bytes]:
        """The content in chunks of at most 4 MiB, all from the version with this ETag.

        The bytes are the stored ones, regardless of Content-Encoding. With `start_small`, for callers that
        may need only the beginning, the first chunk has at most 4 KiB, and each further one up to twice as
        much.

        Raises NotFound; Changed at the first chunk that would be from another version.
        """

    def write(
        self,
        name: str,
        content: bytes | Iterable[bytes],
        *,
        metadata: Mapping[str, str] | None = None,
        create_only: bool = False,
        if_match: str | None = None,
        lease: Lease | None = None,
    ) -> str:
        """Replaces content and metadata (ASCII values) atomically; returns the new ETag.

        Chunks are written as they come, and never held as a whole. If their iterator raises, the write ends.

        Raises AlreadyExists (`create_only`), Changed (`if_match`), and LeaseLost if `lease` is no longer
        held, or if there is a lease and none is given.
        """

    def append(self, name: str, content: bytes) -> None:
        """Appends content to an append-only blob, which is created if it does not exist.

        Concurrent appends don't interleave. If an answer was lost, the content may be there twice; if a
        machine died, a part of it.

        Raises BlobFull if the blob is full (after 50,000 appends in Azure).
        """

    def delete(self, name: str, *, if_match: str | None = None) -> None:
        """Removes a blob. Does nothing if it does not exist.

        Raises LeaseLost if it is leased, and Changed (`if_match`).
        """

    def acquire(self, name: str) -> Lease:
        """Acquires the lease of an existing blob. Raises AlreadyRunning if another holds it; NotFound.

        A holder that stops renewing loses it after 60 seconds (blobs); one that dies, at once (folder).
        """
