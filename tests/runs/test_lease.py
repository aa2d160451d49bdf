"""A lease that a thread renews: how long its holder may believe in it."""

import threading
import time
from collections.abc import Callable

import pytest

from shared.adapters.storage.blob_lease import LEASE_SECONDS
from shared.adapters.storage.store import Lease, Store
from shared.errors import AlreadyRunning, LeaseLost, NotFound, StorageUnavailable
from shared.runs.lock.lease import RENEW_EVERY, TRUSTED_FOR, RenewedLease
from tests.support.stores import WatchedStore
from tests.support.world import MadeClock

NAME = "heads/vip.json"
# Seconds that the store may take to answer a renewal, or to say that it is away.
ANSWER = 10


class WatchedLease:
    """A lease with something that happens at each renewal."""

    def __init__(self, lease: Lease, at_renewal: Callable[[], None]) -> None:
        self._lease = lease
        self._at_renewal = at_renewal

    def renew(self) -> None:
        self._at_renewal()
        self._lease.renew()

    def release(self) -> None:
        self._lease.release()


class LeasingStore(WatchedStore):
    """A store whose leases do something when they are acquired, and when they are renewed."""

    def __init__(
        self,
        store: Store,
        at_renewal: Callable[[], None] = lambda: None,
        when_acquired: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(store)
        self._at_renewal = at_renewal
        self._when_acquired = when_acquired
        store.write(NAME, b"")

    def acquire(self, name: str) -> Lease:
        lease = WatchedLease(super().acquire(name), self._at_renewal)
        self._when_acquired()
        return lease


def away() -> None:
    raise StorageUnavailable("away")


def lost() -> None:
    raise LeaseLost("lost")


def check_for_a_while(lease: RenewedLease) -> None:
    """As a holder does that posts: the thread still has to write down what it heard."""
    ends = time.monotonic() + ANSWER
    while time.monotonic() < ends:
        lease.check()


def test_a_lease_is_renewed_twice_before_it_is_doubted_and_doubted_before_it_ends() -> None:
    """One renewal may fail, and the store's answer to the last one may take its time."""
    assert 2 * RENEW_EVERY + ANSWER <= TRUSTED_FOR
    assert TRUSTED_FOR + ANSWER < LEASE_SECONDS


def test_the_thread_renews_and_tells_of_a_loss(folder_store: Store) -> None:
    """After 15 seconds, which nothing but waiting shows: the holder of a lost lease stops at once."""
    renewed, heard = threading.Event(), threading.Event()

    def lost_and_heard() -> None:
        heard.set()
        lost()

    clock = MadeClock()
    healthy, broken = LeasingStore(folder_store, renewed.set), LeasingStore(folder_store, lost_and_heard)
    folder_store.write("heads/other.json", b"")
    with (
        RenewedLease.acquire(healthy, NAME, clock) as kept,
        RenewedLease.acquire(broken, "heads/other.json", clock) as gone,
    ):
        assert renewed.wait(LEASE_SECONDS / 2)
        assert heard.wait(LEASE_SECONDS / 2)
        with pytest.raises(LeaseLost, match="taken over"):
            check_for_a_while(gone)
        kept.check()


def test_a_young_lease_is_believed(folder_store: Store) -> None:
    """The store is not asked before each post, and may be away."""
    clock = MadeClock()
    with RenewedLease.acquire(LeasingStore(folder_store, away), NAME, clock) as lease:
        clock.sleep(TRUSTED_FOR)
        lease.check()


def test_an_old_lease_is_renewed_before_it_is_believed(folder_store: Store) -> None:
    """Then it is young again."""
    clock, renewals = MadeClock(), list[None]()
    store = LeasingStore(folder_store, lambda: renewals.append(None))
    with RenewedLease.acquire(store, NAME, clock) as lease:
        clock.sleep(TRUSTED_FOR + 1)
        lease.check()
        clock.sleep(TRUSTED_FOR)
        lease.check()
    assert len(renewals) == 1


def test_an_old_lease_that_cannot_be_renewed_is_not_believed(folder_store: Store) -> None:
    """Another process may hold it by now; once the store is back and has kept it, all is well."""
    clock, problems = MadeClock(), [away]

    def at_renewal() -> None:
        for problem in problems:
            problem()

    with RenewedLease.acquire(LeasingStore(folder_store, at_renewal), NAME, clock) as lease:
        clock.sleep(TRUSTED_FOR + 1)
        with pytest.raises(LeaseLost, match="in time"):
            lease.check()
        problems.clear()
        lease.check()


def test_a_lease_that_is_lost_stays_lost(folder_store: Store) -> None:
    """Whatever the store says later: another process may have worked meanwhile."""
    clock, problems = MadeClock(), [lost]

    def at_renewal() -> None:
        for problem in problems:
            problem()

    with RenewedLease.acquire(LeasingStore(folder_store, at_renewal), NAME, clock) as lease:
        clock.sleep(TRUSTED_FOR + 1)
        for _ in range(2):
            with pytest.raises(LeaseLost, match="taken over"):
                lease.check()
            problems.clear()


def test_a_lease_is_as_old_as_its_request(folder_store: Store) -> None:
    """The store may have granted it before a pause in which its answer arrived."""
    clock = MadeClock()

    def pause() -> None:
        clock.sleep(TRUSTED_FOR + 1)

    late, slow = LeasingStore(folder_store, away, pause), LeasingStore(folder_store, pause)
    with RenewedLease.acquire(late, NAME, clock) as lease, pytest.raises(LeaseLost, match="in time"):
        lease.check()
    with RenewedLease.acquire(slow, NAME, clock) as lease:
        clock.sleep(TRUSTED_FOR + 1)
        with pytest.raises(LeaseLost, match="in time"):
            lease.check()


def test_a_lease_is_released_and_its_thread_ends(store: Store) -> None:
    """However the block ends; until then nobody else has it."""
    store.write(NAME, b"")
    clock = MadeClock()
    before = threading.active_count()
    for error in (None, ZeroDivisionError):
        try:
            with RenewedLease.acquire(store, NAME, clock):
                with pytest.raises(AlreadyRunning):
                    store.acquire(NAME)
                if error is not None:
                    raise error
        except ZeroDivisionError:
            pass
        assert threading.active_count() == before
    store.acquire(NAME).release()


def test_nothing_is_held_where_nothing_is(store: Store) -> None:
    """A blob that is missing is told as such."""
    with pytest.raises(NotFound), RenewedLease.acquire(store, NAME, MadeClock()):
        pass
