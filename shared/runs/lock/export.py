"""The exclusive hold on an export, through which alone its head is written."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from shared import state
from shared.adapters.clock import Clock
from shared.adapters.storage.store import Store
from shared.errors import Changed, LeaseLost, NotFound
from shared.runs.head import Head, OpenRun, read_head
from shared.runs.lock.lease import RenewedLease


class ExportLock:
    """The head of an export in the hands of its one holder.

    Its writes carry the lease and the ETag of the last one, and the head an epoch that grows with each
    holder: one that was paused finds out at its next write, and stops.
    """

    def __init__(self, store: Store, keeper: RenewedLease, clock: Clock, head: Head, etag: str) -> None:
        self.store = store
        self.clock = clock
        self.head = head
        self.lock = threading.RLock()  # guards the head between the holder's threads
        self._keeper = keeper
        self._etag = etag
        self._lost: LeaseLost | None = None

    @classmethod
    @contextmanager
    def take(cls, store: Store, export_id: str, clock: Clock) -> Iterator["ExportLock"]:
        """Holds the export, whose head exists, for the length of the block.

        Raises AlreadyRunning where somebody else does, InvalidDocument where the head can't be read.
        """
        with RenewedLease.acquire(store, state.head(export_id), clock) as keeper:
            head, etag = read_head(store, export_id)
            head.epoch += 1
            yield cls(store, keeper, clock, head, etag)

    @property
    def run(self) -> OpenRun:
        """The open run."""
        if self.head.open is None:
            raise LookupError("the export has no open run")
        return self.head.open

    def check(self) -> None:
        """Raises LeaseLost where the hold is over: then nothing may be posted or written any more."""
        if self._lost is not None:
            raise self._lost
        self._keeper.check()

    def checkpoint(self) -> None:
        """Writes the head. Raises LeaseLost where somebody else has taken over."""
        with self.lock:
            self.check()
            if self.head.open is not None:
                self.head.open.advanced_at = self.clock.now()
            try:
                self._etag = self.store.write(
                    state.head(self.head.export),
                    self.head.content(),
                    metadata=self.head.metadata(),
                    if_match=self._etag,
                    lease=self._keeper.lease,
                )
            except (Changed, NotFound):
                self._lost = LeaseLost("Somebody else wrote the head of this export meanwhile.")
                raise self._lost from None
