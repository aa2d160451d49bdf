"""Pauses that Klaviyo asks for, as one process keeps them for the others."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from sandbox.klaviyo import Fault, StandIn, app
from sandbox.serving import serving
from shared.adapters.clock import Deadline
from shared.adapters.storage.store import Store
from shared.errors import KlaviyoUnavailable, StorageUnavailable
from shared.klaviyo import KlaviyoApi, StoredPauses
from shared.klaviyo.limits import Pause
from tests.support.stores import WatchedStore
from tests.support.world import LIST, MadeClock

BLOB = "locks/pause-SNDBOX"


@pytest.fixture
def clock() -> MadeClock:
    return MadeClock()


@pytest.fixture
def pauses(folder_store: Store, clock: MadeClock) -> StoredPauses:
    return StoredPauses(folder_store, clock)


class DisturbedStore(WatchedStore):
    """A store in which something happens right before each write, and up to so many times."""

    def __init__(self, store: Store, happens: Callable[[], None], times: int) -> None:
        super().__init__(store)
        self._happens = happens
        self._times = times

    def called(self, what: str, name: str) -> None:
        if what == "write" and self._times:
            self._times -= 1
            self._happens()


@pytest.mark.parametrize(("first", "second", "left"), [(300, 5, 300), (5, 300, 300), (60, 60, 60)])
def test_the_longer_pause_counts(
    pauses: StoredPauses, clock: MadeClock, first: float, second: float, left: float
) -> None:
    """A shorter pause never replaces a longer one, neither in memory nor in the store."""
    pause = Pause(clock)
    for seconds in (first, second):
        pauses.keep("SNDBOX", seconds)
        pause.extend(seconds)

    assert pauses.left("SNDBOX") == pause.left() == left


def test_a_pause_passes(pauses: StoredPauses, clock: MadeClock) -> None:
    """It ends for every process at its time, and one that is over gives way to a new one."""
    pauses.keep("SNDBOX", 100)
    clock.sleep(40)
    assert pauses.left("SNDBOX") == 60
    clock.sleep(60)
    assert pauses.left("SNDBOX") == 0

    pauses.keep("SNDBOX", 10)
    assert pauses.left("SNDBOX") == 10


def test_each_account_has_its_own_pause(pauses: StoredPauses) -> None:
    """Nobody waits for another account, or for one that never had a pause."""
    pauses.keep("SNDBOX", 100)

    assert pauses.left("OTHER") == 0


def test_another_process_obeys(folder_store: Store, pauses: StoredPauses, clock: MadeClock) -> None:
    """It asks Klaviyo nothing before the time, whichever request it begins with."""
    pauses.keep("SNDBOX", 100)
    api = KlaviyoApi("http://127.0.0.1:1", clock)

    with pytest.raises(KlaviyoUnavailable) as caught:
        api.sign_in("pk_made", Deadline(clock, 60), account_id="SNDBOX", pauses=pauses)

    api.close()
    assert (caught.value.code, caught.value.retry_after) == ("throttled", 100)


def test_a_pause_is_kept_for_other_processes(pauses: StoredPauses, clock: MadeClock) -> None:
    """What a 429 asks for is stored under the account, before the call that met it waits or gives up."""
    stand_in = StandIn(clock=clock.epoch)
    with serving(app(stand_in)) as url:
        api = KlaviyoApi(url, clock)
        klaviyo = api.sign_in("pk_sandbox", Deadline(clock, 60), pauses=pauses)
        stand_in.faults.add([Fault("error", status=429, retry_after=300)])
        with pytest.raises(KlaviyoUnavailable):
            klaviyo.read_list(LIST, Deadline(clock, 60))
        api.close()

    assert pauses.left("SNDBOX") == 300


@pytest.mark.parametrize(
    ("ahead", "left"), [(3600, 3600), (3900, 3600), (3901, 0), (10**8, 0), (-1, 0), (-(10**9), 0)]
)
def test_a_clock_that_was_wrong_stops_nobody_for_good(
    folder_store: Store, pauses: StoredPauses, clock: MadeClock, ahead: int, left: float
) -> None:
    """A pause counts for an hour at most; one beyond an hour and five minutes can't be right."""
    folder_store.write(BLOB, (clock.now() + timedelta(seconds=ahead)).isoformat().encode())
    assert pauses.left("SNDBOX") == left

    pauses.keep("SNDBOX", 30)
    assert pauses.left("SNDBOX") == max(left, 30)


@pytest.mark.parametrize("content", [b"", b"soon", b"\xff", b"0001-01-01T00:00:00+23:59", b"9" * 5_000])
def test_a_blob_of_anything_else_is_no_pause(
    folder_store: Store, pauses: StoredPauses, content: bytes
) -> None:
    """Whatever somebody wrote there, nobody waits for it, and the next pause replaces it."""
    folder_store.write(BLOB, content)
    assert pauses.left("SNDBOX") == 0

    pauses.keep("SNDBOX", 30)
    assert pauses.left("SNDBOX") == 30


@pytest.mark.parametrize(("times", "left"), [(1, 100), (2, 100), (3, 40)])
def test_processes_that_keep_pauses_at_once(
    folder_store: Store, pauses: StoredPauses, clock: MadeClock, times: int, left: float
) -> None:
    """The longest wins against two that write in between; after the third it is left to Klaviyo."""
    others = iter((20, 30, 40))
    store = DisturbedStore(folder_store, lambda: pauses.keep("SNDBOX", next(others)), times)

    StoredPauses(store, clock).keep("SNDBOX", 100)

    assert pauses.left("SNDBOX") == left


def test_a_longer_pause_that_comes_in_between_stays(
    folder_store: Store, pauses: StoredPauses, clock: MadeClock
) -> None:
    """The process that lost the race reads again before it writes."""
    store = DisturbedStore(folder_store, lambda: pauses.keep("SNDBOX", 500), 1)

    StoredPauses(store, clock).keep("SNDBOX", 100)

    assert pauses.left("SNDBOX") == 500


@pytest.mark.parametrize("account", ["", "../heads/vip", "a" * 65, "SND BOX", "é"])
def test_an_account_that_can_be_no_name_has_no_pause(
    folder_store: Store, pauses: StoredPauses, account: str
) -> None:
    """Nothing outside of its place is written or read."""
    pauses.keep(account, 100)

    assert pauses.left(account) == 0
    assert list(folder_store.list()) == []


def test_a_pause_that_cannot_be_stored_harms_nobody(
    folder_store: Store, clock: MadeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The call that met it goes on, and the log says that other processes don't know."""

    def fail() -> None:
        raise StorageUnavailable("The store does not answer.")

    StoredPauses(DisturbedStore(folder_store, fail, 1), clock).keep("SNDBOX", 100)

    assert "pause of SNDBOX was not stored" in caplog.text
