"""What the rest of the project asks of a place where files lie: one Protocol, two implementations."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from shared.errors import AlreadyExists, NotFound

# Bytes of a chunk at most, and of the first one of those that start small.
CHUNK = 4 * 1024 * 1024
SMALL_CHUNK = 4 * 1024


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """A blob as a listing shows it: `name` has `/` between folders, `size` is in bytes, times are UTC."""

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
    """A small blob, read whole, and the ETag it had."""

    content: bytes
    etag: str


class Lease(Protocol):
    """An exclusive hold on one name, until it is released, lost, or its holder dies."""

    def renew(self) -> None:
        """Holds on for another term. Raises LeaseLost, or StorageUnavailable within 10 seconds."""

    def release(self) -> None:
        """Lets go. Does nothing where the hold is gone already."""


def ensure(store: "Store", name: str) -> None:
    """Makes an empty blob, such as a lock is, where there is none."""
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
    """Names are relative, with `/` between folders, none of them empty, `.` or `..` (else InvalidRequest).

    Every call may raise StorageUnavailable (try later) or Denied (rights are missing).
    """

    def now(self) -> datetime:
        """The time by the clock that writes `last_modified`, in UTC. Raises NotFound (no container)."""

    def list(self, prefix: str = "", *, page: int | None = None) -> Iterator[BlobInfo]:
        """Every blob whose name starts with `prefix`, in the names' order, with metadata.

        `page` is how many of them are likely to be wanted: a request asks for no more at once.
        """

    def level(self, folder: str = "") -> Level:
        """What lies directly in `folder`, in the names' order. An unknown folder is empty."""

    def stat(self, name: str) -> BlobInfo:
        """One blob's entry. Raises NotFound."""

    def read(self, name: str, *, most: int | None = None) -> Blob:
        """A small blob, whole. Raises NotFound, and InvalidDocument where it has more than `most` bytes."""

    def stream(self, name: str, *, etag: str, start_small: bool = False) -> Iterator[bytes]:
        """The content in chunks of at most 4 MiB, all of it from the version with this ETag.

        The bytes are the stored ones: a Content-Encoding unpacks nothing. With `start_small`, for callers
        that may only need the beginning, the first chunk has at most 4 KiB, and each may double.

        Raises Changed at the first chunk that would come from another version, NotFound.
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
        """Replaces content and metadata (ASCII values) as one, whole or not at all; returns the new ETag.

        Content in chunks is written as it comes, and never held as a whole. What it raises ends the write.

        Raises AlreadyExists (`create_only`), Changed (`if_match`), and LeaseLost where `lease` is no
        longer held, or where somebody holds a lease and none is given.
        """

    def append(self, name: str, content: bytes) -> None:
        """Adds content at the end of a blob that is only appended to, and makes it where there is none.

        What another process appends at the same time comes before or after it, whole. Where an answer was
        lost, the content may be there twice; where a machine died, a part of it.

        Raises BlobFull where the blob takes no more (50,000 times, in Azure).
        """

    def delete(self, name: str, *, if_match: str | None = None) -> None:
        """Removes a blob. Does nothing where there is none.

        Raises LeaseLost where somebody holds it, and Changed (`if_match`).
        """

    def acquire(self, name: str) -> Lease:
        """Takes the exclusive hold on an existing blob: AlreadyRunning where another holds it, NotFound.

        A holder that stops renewing loses it after 60 seconds (blobs), one that dies at once (folder).
        """
