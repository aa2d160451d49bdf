"""The lock of an export and that of an account: what is checked before each write and each run."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from shared import state
from shared.adapters.storage import open_store
from shared.adapters.storage.store import Store
from shared.errors import LeaseLost, NotFound, TryLater
from shared.klaviyo import StoredPauses
from shared.runs.heads.head import Head, create_head, read_entry, read_head
from shared.runs.lock.account import lock_account
from shared.runs.lock.export import ExportLock
from shared.runs.lock.lease import TRUSTED_FOR
from shared.runs.states import State
from tests.support.open_runs import ANOTHER_RUN, a_run
from tests.support.stores import WatchedStore
from tests.support.world import MONDAY, MadeClock, World

HEAD = state.head("vip")


@pytest.fixture
def clock() -> MadeClock:
    return MadeClock()


@pytest.fixture
def kept(tmp_path: Path) -> Store:
    """A store with the head of vip, whose run is open."""
    store = open_store(f"file:{tmp_path}")
    create_head(store, Head(export="vip", scheduled_at=MONDAY, open=a_run(State.SENDING)))
    return store


def test_the_epoch_grows_with_each_holder(kept: Store, clock: MadeClock) -> None:
    """And is written with its first checkpoint."""
    for epoch in (1, 2):
        with ExportLock.acquire(kept, "vip", clock) as lock:
            lock.checkpoint()
            lock.checkpoint()
        assert read_head(kept, "vip")[0].epoch == epoch


def test_a_checkpoint_says_when_the_run_was_advanced(kept: Store, clock: MadeClock) -> None:
    """In the head, and in what a listing shows of it."""
    clock.sleep(77)
    with ExportLock.acquire(kept, "vip", clock) as lock:
        lock.checkpoint()

    blob = kept.stat(HEAD)
    assert "glance" in blob.metadata
    assert read_entry(kept, blob, "vip").advanced_at == clock.now()
    assert read_entry(kept, blob, "vip") == read_head(kept, "vip")[0].entry()


@pytest.mark.parametrize("change", ["written", "removed"])
def test_nobody_writes_over_a_head_that_another_hand_has_changed(
    tmp_path: Path, kept: Store, clock: MadeClock, change: str
) -> None:
    """Nor anything else from then on."""
    file = tmp_path / HEAD
    with ExportLock.acquire(kept, "vip", clock) as lock:
        if change == "written":
            file.write_bytes(b"theirs")
        else:
            file.unlink()
        for _ in range(2):
            with pytest.raises(LeaseLost, match="in the meantime"):
                lock.checkpoint()
            with pytest.raises(LeaseLost, match="in the meantime"):
                lock.check()

    assert not file.exists() or file.read_bytes() == b"theirs"


def test_nothing_is_written_once_the_lease_may_be_lost(tmp_path: Path, kept: Store, clock: MadeClock) -> None:
    """After a pause, the store is asked before the next checkpoint."""
    before = kept.read(HEAD)
    with ExportLock.acquire(kept, "vip", clock) as lock:
        clock.sleep(TRUSTED_FOR + 1)
        (tmp_path / HEAD).with_suffix(".lock").unlink()
        with pytest.raises(LeaseLost, match="taken over"):
            lock.check()
        with pytest.raises(LeaseLost, match="taken over"):
            lock.checkpoint()
    assert kept.read(HEAD) == before


def test_a_lock_needs_a_head(kept: Store, clock: MadeClock) -> None:
    """Of an export that nobody has seen there is none."""
    with pytest.raises(NotFound), ExportLock.acquire(kept, "other", clock):
        pass


def test_a_pause_that_klaviyo_asked_for_holds_the_account(world: World) -> None:
    """For as long as it lasts, whoever heard of it; then the account is free again."""
    StoredPauses(world.services.state, world.clock).keep("SNDBOX", 70)

    with pytest.raises(TryLater) as caught, lock_account(world.services, "SNDBOX", ANOTHER_RUN):
        pass

    assert (caught.value.code, caught.value.retry_after) == ("throttled", 70)
    world.clock.sleep(70)
    with lock_account(world.services, "SNDBOX", ANOTHER_RUN):
        pass


def test_two_may_make_the_lock_of_an_account(world: World) -> None:
    """Whoever comes second takes the one that is there."""

    class Racing(WatchedStore):
        def called(self, what: str, name: str) -> None:
            if what == "write":
                world.services.state.write(name, b"")

    services = replace(world.services, state=Racing(world.services.state))
    with ExitStack() as stack:
        stack.enter_context(lock_account(services, "SNDBOX", ANOTHER_RUN))
        with pytest.raises(TryLater) as caught:
            stack.enter_context(lock_account(world.services, "SNDBOX", ANOTHER_RUN))
    assert (caught.value.code, caught.value.retry_after) == ("account_busy", 5)
