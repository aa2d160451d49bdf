"""A run lets go of its account where somebody waits for it; else it is read once, however large it is."""

import itertools
import json
from collections.abc import Generator
from datetime import timedelta
from typing import Any

import pytest

from sandbox.people import People
from sandbox.sample import example_documents, write_segment
from shared import state
from shared.errors import TryLater
from shared.runs.advance import start
from shared.runs.lock.account import is_account_wanted, lock_account
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from shared.runs.work.tick import tick
from tests.support.open_runs import ANOTHER_RUN
from tests.support.queue import work
from tests.support.small_batches import small_batches
from tests.support.stores import CountingStore, with_segments
from tests.support.world import MONDAY, World

ON_DEMAND = Request("on_demand", "tester")
BATCHES = 25


def other_export(connection: str) -> dict[str, Any]:
    """Of a small segment, over a connection to the same account."""
    document = example_documents()["exports/vip.json"] | {"id": "other", "segments": ["Other"]}
    return document | {"connection": connection, "schedule": {"active": False}}


@pytest.fixture
def large(world: World) -> World:
    """An open run of many posts, each of which takes twenty seconds, and another export of the account."""
    world.document("connections/sandbox.json", account={"id": "SNDBOX", "name": "Sandbox"})
    document = other_export("sandbox")
    write_segment(world.services.segment_store, "Other", People(1), refreshed=MONDAY - timedelta(1))
    world.services.state.write("exports/other.json", json.dumps(document).encode())
    world.segment(small_batches(BATCHES), partitions=1)
    start(world.services, "vip", ON_DEMAND)
    world.stand_in.on_import(lambda _: world.clock.sleep(20))
    return world


def ticked(world: World) -> tuple[list[RunRecord], int]:
    """What a tick touched, and how often it read the segment from its start to send it."""
    segments = CountingStore(world.services.segment_store)
    touched = tick(with_segments(world.services, segments), 600).records
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


def waits_elsewhere(world: World) -> Generator[bool]:
    """Another process that tries the account every five seconds: whether it gets it."""
    while True:
        try:
            with lock_account(world.services, "SNDBOX", ANOTHER_RUN):
                yield True
        except TryLater:
            yield False


def test_another_process_that_waits_is_next(large: World) -> None:
    """The large run lets go after a minute, and does not take the account again before it."""
    waiting, count = waits_elsewhere(large), itertools.count(1)
    got: list[bool] = []

    def wait(_: object) -> None:
        if next(count) >= 2 and not got:
            assert not next(waiting)

    large.stand_in.on_import(wait)

    (first,), _ = ticked(large)

    assert not first.is_closed
    assert is_account_wanted(large.services, "SNDBOX")
    large.clock.sleep(4)
    assert tick(large.services, 1).records[0].id == first.id
    large.clock.sleep(1)
    got.append(next(waiting))
    assert got == [True]
    assert not is_account_wanted(large.services, "SNDBOX")
    waiting.close()
    statuses: list[str] = []
    for _ in range(5):
        large.clock.sleep(10)
        statuses += [record.status for record in ticked(large)[0]]
    assert "successful" in statuses


def test_who_waited_and_died_holds_nobody_up(large: World) -> None:
    """A reservation is good for seconds."""
    with lock_account(large.services, "SNDBOX", "other.20260824T143300Z-0000"):
        assert not next(waits_elsewhere(large))
    assert is_account_wanted(large.services, "SNDBOX")
    large.clock.sleep(8)
    assert not is_account_wanted(large.services, "SNDBOX")
    with lock_account(large.services, "SNDBOX", "other.20260824T143300Z-0000"):
        pass


@pytest.mark.parametrize("content", [b"", b"{}", b'{"run":"x","until":"2026-08-24T15:33:05Z"}'])
def test_a_garbled_reservation_is_none(large: World, content: bytes) -> None:
    """Nor is one of a clock that was wrong."""
    name = state.account_wanted("SNDBOX")
    far = {"run": ANOTHER_RUN, "until": (large.clock.now() + timedelta(days=1)).isoformat()}
    for written in (content, json.dumps(far).encode()):
        large.services.state.write(name, written)
        assert not is_account_wanted(large.services, "SNDBOX")
        assert next(waits_elsewhere(large))
        assert not list(large.services.state.list(name))


@pytest.mark.parametrize("queue", [False, True])
def test_a_paused_run_cuts_nobody(large: World, *, queue: bool) -> None:
    """It waits for somebody who lifts the pause, maybe for days, and not for the account."""
    another = example_documents()["connections/sandbox.json"] | {"id": "second", "paused": True}
    another |= {"account": {"id": "SNDBOX", "name": "Sandbox"}}
    large.services.state.write("connections/second.json", json.dumps(another).encode())
    large.services.state.write("exports/other.json", json.dumps(other_export("second")).encode())
    start(large.services, "other", ON_DEMAND)
    tick(large.services, 1)  # the run knows now that it is paused
    if queue:
        large.add_queue()
    segments = CountingStore(large.services.segment_store)
    large.services = with_segments(large.services, segments)

    tick(large.services, 600)
    if queue:
        work(large.services, large.queue)

    assert [what for what, _ in segments.calls].count("stream") <= 2
