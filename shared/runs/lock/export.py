"""The lock of an export: only its holder writes the export's head."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from shared import state
from shared.adapters.clock import Clock
from shared.adapters.storage.store import Store
from shared.errors import Changed, LeaseLost, NotFound
from shared.runs.heads.head import Head, read_head
from shared.runs.lock.lease import RenewedLease
from shared.runs.run import OpenRun


class ExportLock:
    """The head of an export, with its one holder.

    Writes carry the lease and the ETag of the previous write, and the head has an epoch that grows with each
    holder: a holder that was paused notices at its next write that it lost the lock, and stops.
    """

    def __init__(self, store: Store, lease: RenewedLease, clock: Clock, head: Head, etag: str) -> None:
        self.store = store
        self.clock = clock
        self.head = head
        self.threads = threading.RLock()  # guards the head between the holder's threads
        self._lease = lease
        self._etag = etag
        self._is_lost = False

    @classmethod
    @contextmanager
    def acquire(cls, store: Store, export_id: str, clock: Clock) -> Iterator["ExportLock"]:
        """Holds the export, whose head exists, for the length of the block.

        Raises AlreadyRunning if another process holds it, and as `read_head` does.
        """
        with RenewedLease.acquire(store, state.head(export_id), clock) as lease:
            head, etag = read_head(store, export_id)
            head.epoch += 1
            yield cls(store, lease, clock, head, etag)

    @property
    def run(self) -> OpenRun:
        """The open run."""
        if self.head.open is None:
            raise LookupError("the export has no open run")
        return self.head.open

    def check(self) -> None:
        """Raises LeaseLost once the lock may be lost: then nothing more may be posted or written."""
        if self._is_lost:
            raise LeaseLost("Another process has written the head of this export in the meantime.")
        self._lease.check()

    def checkpoint(self) -> None:
        """Writes the head. Raises LeaseLost if another process has taken over."""
        with self.threads:
            self.check()
            if self.head.open is not None:
                self.head.open.advanced_at = self.clock.now()
            try:
                self._etag = self.store.write(
                    state.head(self.head.export),
                    self.head.content(),
                    metadata=self.head.metadata(),
                    if_match=self._etag,
                    lease=self._lease.lease,
                )
            except (Changed, NotFound):
                self._is_lost = True
                self.check()
