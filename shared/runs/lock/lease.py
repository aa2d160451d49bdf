"""Keeps a lease alive while a block runs, and detects when it may be lost."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from shared.adapters.clock import Clock
from shared.adapters.storage.store import Lease, Store, ensure
from shared.errors import AlreadyRunning, LeaseLost, NotFound, StorageUnavailable

RENEW_EVERY = 15.0
# A lease lasts 60 s: beyond this age, a pause of the machine may have lost it already.
TRUSTED_FOR = 40.0


def is_held(store: Store, name: str) -> bool:
    """Whether any process holds the blob."""
    try:
        store.acquire(name).release()
    except AlreadyRunning:
        return True
    except NotFound:
        return False
    return False


class RenewedLease:
    """A lease that a thread renews every 15 seconds."""

    def __init__(self, lease: Lease, clock: Clock, acquired_at: float) -> None:
        self.lease = lease
        self._clock = clock
        self._renewed = acquired_at
        self._lost = False
        self._renewing = threading.Lock()

    @classmethod
    @contextmanager
    def hold(cls, store: Store, name: str, clock: Clock) -> Iterator["RenewedLease"]:
        """Holds the blob, which is created if it doesn't exist. Raises AlreadyRunning."""
        ensure(store, name)
        with cls.acquire(store, name, clock) as lease:
            yield lease

    @classmethod
    @contextmanager
    def acquire(cls, store: Store, name: str, clock: Clock) -> Iterator["RenewedLease"]:
        """Holds the blob for the length of the block. Raises AlreadyRunning, NotFound."""
        acquired_at = clock.monotonic()
        lease = store.acquire(name)
        renewed = cls(lease, clock, acquired_at)
        done = threading.Event()
        thread = threading.Thread(target=renewed._keep, args=(done,), name=f"lease of {name}", daemon=True)
        thread.start()
        try:
            yield renewed
        finally:
            done.set()
            thread.join()
            lease.release()

    def check(self) -> None:
        """Raises LeaseLost once the lease may be lost: then nothing more may be posted or written.

        After a pause that the lease may not have survived, it is renewed first.
        """
        if self._age() > TRUSTED_FOR:
            self._renew()
        if self._lost:
            raise LeaseLost("Another process has taken over this process's lock.")
        if self._age() > TRUSTED_FOR:
            raise LeaseLost("The lease could not be renewed in time.")

    def _age(self) -> float:
        return self._clock.monotonic() - self._renewed

    def _renew(self) -> None:
        with self._renewing:
            before = self._clock.monotonic()
            try:
                self.lease.renew()
                self._renewed = before
            except LeaseLost:
                self._lost = True
            except StorageUnavailable:
                return  # the next attempt may succeed; until then `check` watches the age

    def _keep(self, done: threading.Event) -> None:
        while not done.wait(RENEW_EVERY):
            self._renew()
