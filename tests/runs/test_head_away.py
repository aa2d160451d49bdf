"""A head that can't be written while everything else can: nobody is posted again and again, or lost."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.people import People
from shared import state
from shared.adapters.storage.store import Store
from shared.errors import Denied, ExportError, StorageUnavailable
from shared.runs.run import MOST_UNFINISHED_TURNS
from shared.runs.work.tick import tick
from shared.services import Services
from tests.support.small_batches import small_batches
from tests.support.stores import WatchedStore, with_state
from tests.support.world import MONDAY, World

TICKS = 30
BATCHES = 3
REFUSALS: list[Callable[[], ExportError]] = [lambda: StorageUnavailable("away"), lambda: Denied("no")]


class HeadAway(WatchedStore):
    """Takes so many writes of a head, and then none any more."""

    def __init__(self, store: Store, writes: int, refusal: Callable[[], ExportError]) -> None:
        super().__init__(store)
        self._left = writes
        self._refusal = refusal
        self.refused = 0

    def called(self, what: str, name: str) -> None:
        if what != "write" or not name.startswith(state.HEADS):
            return
        if self._left == 0:
            self.refused += 1
            raise self._refusal()
        self._left -= 1


def with_head_away(
    world: World, writes: int, refusal: Callable[[], ExportError]
) -> tuple[Services, HeadAway]:
    store = HeadAway(world.services.state, writes, refusal)
    return with_state(world.services, store), store


def digest(body: Any) -> str:
    """Who is in a post."""
    profiles = body["data"]["attributes"]["profiles"]["data"]
    return ",".join(profile["attributes"]["email"] for profile in profiles)


def due(world: World) -> Counter[str]:
    """A segment of three batches is due; how often each batch is posted."""
    world.segment(People(1))
    assert tick(world.services, 240).records == []
    world.segment(small_batches(BATCHES), MONDAY.replace(hour=15), partitions=1)
    posted: Counter[str] = Counter()
    world.stand_in.on_import(lambda body: posted.update([digest(body)]))
    return posted


def members(world: World) -> int:
    return len(world.members())


@pytest.mark.parametrize("refusal", REFUSALS, ids=["away", "denied"])
@pytest.mark.parametrize("writes", range(8))
def test_no_batch_is_posted_again_and_again(
    world: World, writes: int, refusal: Callable[[], ExportError]
) -> None:
    """Five times at most, whichever write was the head's last; with none at all, not once."""
    posted = due(world)
    services, store = with_head_away(world, writes, refusal)
    for _ in range(TICKS):
        tick(services, 240)
        world.clock.sleep(400)

    assert store.refused
    assert max(posted.values(), default=0) <= MOST_UNFINISHED_TURNS
    assert writes or not posted

    for _ in range(TICKS):  # the head can be written again
        tick(world.services, 240)
        world.clock.sleep(400)

    assert members(world) == 500 * BATCHES
    assert len(posted) == BATCHES
    assert max(posted.values()) <= MOST_UNFINISHED_TURNS + 1
