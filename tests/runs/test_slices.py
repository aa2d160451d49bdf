"""A run lets go of its account where somebody waits for it; else it is read once, however large it is."""

import itertools
import json
from datetime import timedelta

import pytest

from sandbox.people import People
from sandbox.sample import example_documents, write_segment
from shared.errors import TryLater
from shared.runs.advance import start
from shared.runs.lock.account import is_account_wanted, lock_account
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from shared.runs.work.tick import tick
from tests.support.small_batches import small_batches
from tests.support.stores import CountingStore, with_segments
from tests.support.world import MONDAY, World

ON_DEMAND = Request("on_demand", "tester")
BATCHES = 25


@pytest.fixture
def large(world: World) -> World:
    """An open run of many posts, each of which takes twenty seconds, and another export of the account."""
    world.document("connections/sandbox.json", account={"id": "SNDBOX", "name": "Sandbox"})
    document = example_documents()["exports/vip.json"] | {"id": "other", "segments": ["Other"]}
    document["schedule"] = {"active": False}
    write_segment(world.services.segment_store, "Other", People(1), refreshed=MONDAY - timedelta(1))
    world.services.state.write("exports/other.json", json.dumps(document).encode())
    world.segment(small_batches(BATCHES), partitions=1)
    start(world.services, "vip", ON_DEMAND)
    world.stand_in.on_import(lambda _: world.clock.sleep(20))
    return world


def ticked(world: World) -> tuple[list[RunRecord], int]:
    """What a tick touched, and how often it read the segment from its start to send it."""
    segments = CountingStore(world.services.segment_store)
    touched = tick(with_segments(world.services, segments), 600)
    return touched, [what for what, _ in segments.calls].count("stream")


def test_a_large_run_is_read_once(large: World) -> None:
    """Minutes of posts in one turn, since nobody waits."""
    (record,), alone = ticked(large)
    assert record.status == "successful"

    large.segment(People(1), partitions=1)
    start(large.services, "vip", ON_DEMAND)
    (_,), small = ticked(large)

    assert alone == small


def test_a_large_run_lets_go_where_somebody_waits(large: World) -> None:
    """Another export of the account has its turn after a minute, though the large one came first."""
    start(large.services, "other", ON_DEMAND)

    touched, _ = ticked(large)

    finished = {record.export: record.finished_at for record in touched}
    first, last = sorted(finished, key=lambda name: str(finished[name]))
    assert (first, last) == ("other", "vip")
    assert [record.status for record in touched] == ["successful"] * 2
    assert large.clock.monotonic() < 1000


def test_another_process_that_waits_counts_too(large: World) -> None:
    """It says so when it finds the account locked; whoever locks the account next has seen that."""
    count = itertools.count(1)

    def come(_: object) -> None:
        if next(count) == 2:
            with pytest.raises(TryLater), lock_account(large.services, "SNDBOX"):
                pass

    large.stand_in.on_import(come)

    touched, reads = ticked(large)
    while not touched[0].is_closed:
        touched, more = ticked(large)
        reads += more

    assert [record.status for record in touched] == ["successful"]
    assert reads > 3
    assert not is_account_wanted(large.services.state, "SNDBOX")
