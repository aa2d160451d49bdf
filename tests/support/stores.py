"""Stores that watch what is asked of another one."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from shared.adapters.storage.store import Blob, BlobInfo, Lease, Level, Store
from shared.catalog import Catalog
from shared.errors import StorageUnavailable
from shared.segments import Segments
from shared.services import Services


class WatchedStore:
    """Passes everything on, and tells `called` before."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def called(self, what: str, name: str) -> None:
        """For the heirs."""

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
        self.called("write", name)
        return self._store.write(
            name, content, metadata=metadata, create_only=create_only, if_match=if_match, lease=lease
        )

    def append(self, name: str, content: bytes) -> None:
        self.called("append", name)
        self._store.append(name, content)

    def delete(self, name: str, *, if_match: str | None = None) -> None:
        self.called("delete", name)
        self._store.delete(name, if_match=if_match)

    def now(self) -> datetime:
        self.called("now", "")
        return self._store.now()

    def list(self, prefix: str = "", *, page: int | None = None) -> Iterator[BlobInfo]:
        self.called("list", prefix)
        return self._store.list(prefix, page=page)

    def level(self, folder: str = "") -> Level:
        self.called("level", folder)
        return self._store.level(folder)

    def stat(self, name: str) -> BlobInfo:
        self.called("stat", name)
        return self._store.stat(name)

    def read(self, name: str, *, most: int | None = None) -> Blob:
        self.called("read", name)
        return self._store.read(name, most=most)

    def stream(self, name: str, *, etag: str, start_small: bool = False) -> Iterator[bytes]:
        self.called("stream", name)
        return self._store.stream(name, etag=etag, start_small=start_small)

    def acquire(self, name: str) -> Lease:
        self.called("acquire", name)
        return self._store.acquire(name)


class ActingStore(WatchedStore):
    """Does something right before each call: told what is called, and for which name."""

    def __init__(self, store: Store, act: Callable[[str, str], None]) -> None:
        super().__init__(store)
        self._act = act

    def called(self, what: str, name: str) -> None:
        self._act(what, name)


class CountingStore(WatchedStore):
    """Keeps what was asked."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.calls: list[tuple[str, str]] = []

    def called(self, what: str, name: str) -> None:
        self.calls.append((what, name))


class MeteredStore(WatchedStore):
    """Counts the bytes that its streams yield, and how often a blob is opened."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.streamed = 0
        self.opened: Counter[str] = Counter()

    def stream(self, name: str, *, etag: str, start_small: bool = False) -> Iterator[bytes]:
        self.opened[name] += 1
        for chunk in super().stream(name, etag=etag, start_small=start_small):
            self.streamed += len(chunk)
            yield chunk


class LossyStore(WatchedStore):
    """Writes, then says that it did not: the answer was lost."""

    def __init__(self, store: Store, name: str) -> None:
        super().__init__(store)
        self._name = name

    def write(self, name: str, content: bytes | Iterable[bytes], **options: Any) -> str:
        etag = super().write(name, content, **options)
        if name == self._name:
            raise StorageUnavailable("The answer was lost.")
        return etag


def with_state(services: Services, store: Store) -> Services:
    """The services over another store of the state, documents included."""
    return replace(services, state=store, catalog=Catalog(store))


def with_segments(services: Services, store: Store) -> Services:
    """The services over another store of the segments."""
    return replace(services, segment_store=store, segments=Segments(store))


def counted(services: Services) -> tuple[Services, CountingStore, CountingStore]:
    """The services of a new process, and what it asks of the state and of the segments."""
    state, segments = CountingStore(services.state), CountingStore(services.segment_store)
    return with_segments(with_state(services, state), segments), state, segments
