"""A process that is killed, as Azure kills functions, right before its n-th write to the state.

python -m tests.support.crashing EXPORT N
"""

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count

from cli.runs import run_export
from shared.adapters.storage.store import Blob, BlobInfo, Lease, Level, Store
from shared.catalog import Catalog
from shared.runs.services import Services
from shared.settings import Settings


class CrashingStore:
    """A store whose n-th change kills the process instead."""

    def __init__(self, store: Store, nth: int) -> None:
        self._store = store
        self._nth = nth
        self._changes = count(1)

    def _change(self) -> None:
        if next(self._changes) == self._nth:
            os.kill(os.getpid(), signal.SIGKILL)

    def write(
        self,
        name: str,
        content: bytes,
        *,
        metadata: Mapping[str, str] | None = None,
        create_only: bool = False,
        if_match: str | None = None,
        lease: Lease | None = None,
    ) -> str:
        self._change()
        return self._store.write(
            name, content, metadata=metadata, create_only=create_only, if_match=if_match, lease=lease
        )

    def delete(self, name: str) -> None:
        self._change()
        self._store.delete(name)

    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        return self._store.list(prefix)

    def level(self, folder: str = "") -> Level:
        return self._store.level(folder)

    def stat(self, name: str) -> BlobInfo:
        return self._store.stat(name)

    def read(self, name: str) -> Blob:
        return self._store.read(name)

    def stream(self, name: str, *, etag: str) -> Iterator[bytes]:
        return self._store.stream(name, etag=etag)

    def acquire(self, name: str) -> Lease:
        return self._store.acquire(name)


def main() -> None:
    export, nth = sys.argv[1:]
    services = Services.from_settings(Settings.from_environment())
    state = CrashingStore(services.state, int(nth))
    run_export(replace(services, state=state, catalog=Catalog(state)), export)


if __name__ == "__main__":
    main()
