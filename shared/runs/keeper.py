"""Keeps a lease alive while a block works, and knows when it may be gone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from shared.adapters.clock import Clock
from shared.adapters.storage.store import Lease, Store
from shared.errors import LeaseLost, StorageUnavailable

RENEW_EVERY = 15.0
# A lease lasts 60 s: behind this age, a pause of the machine may already have cost it.
TRUSTED_FOR = 40.0


class Keeper:
    """A lease that is renewed every 15 seconds, by a thread."""

    def __init__(self, lease: Lease, clock: Clock, held_since: float) -> None:
        self.lease = lease
        self._clock = clock
        self._renewed = held_since
        self._lost: LeaseLost | None = None
        self._renewing = threading.Lock()

    @classmethod
    @contextmanager
    def hold(cls, store: Store, name: str, clock: Clock) -> Iterator["Keeper"]:
        """Holds the blob for the length of the block. Raises AlreadyRunning, NotFound."""
        held_since = clock.monotonic()
        lease = store.acquire(name)
        keeper = cls(lease, clock, held_since)
        done = threading.Event()
        thread = threading.Thread(target=keeper._keep, args=(done,), name=f"lease of {name}", daemon=True)
        thread.start()
        try:
            yield keeper
        finally:
            done.set()
            thread.join()
            lease.release()

    def check(self) -> None:
        """Raises LeaseLost where the hold is over: then nothing may be posted or written any more.

        After a pause that the lease may not have survived, the store is asked before anything goes on.
        """
        if self._age() > TRUSTED_FOR:
            self._renew()
        if self._lost is not None:
            raise self._lost
        if self._age() > TRUSTED_FOR:
            raise LeaseLost("The hold on this export could not be renewed in time.")

    def _age(self) -> float:
        return self._clock.monotonic() - self._renewed

    def _renew(self) -> None:
        with self._renewing:
            before = self._clock.monotonic()
            try:
                self.lease.renew()
                self._renewed = before
            except LeaseLost as error:
                self._lost = error
            except StorageUnavailable:
                return  # the next round may get through; until then `check` watches the age

    def _keep(self, done: threading.Event) -> None:
        while not done.wait(RENEW_EVERY):
            self._renew()
