"""An account whose worker is busy for long: nobody who waits is forgotten, and nothing is sent for ever."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.people import People
from sandbox.sample import example_documents, write_segment
from shared import state
from shared.errors import StorageUnavailable
from shared.runs.advance import start
from shared.runs.queue.marker import LONGEST_METADATA, Marker, read_marker, read_markers, write_marker
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from shared.runs.work.tick import tick
from shared.runs.work.worker import work_on
from shared.services import Services
from tests.support.queue import work
from tests.support.small_batches import small_batches
from tests.support.stores import ActingStore, with_state
from tests.support.world import MONDAY, World, a_world

ACCOUNT = "SNDBOX"
ON_DEMAND = Request("on_demand", "tester")
# Seconds within which somebody who waits has the account: a minute's turn, and what is on its way then.
SOON = 150


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An installation with a queue, and another export of the account."""
    with a_world(tmp_path) as world:
        world.add_queue()
        world.document("connections/sandbox.json", account={"id": ACCOUNT, "name": "Sandbox"})
        world.segment(People(1))
        export(world, "other")
        tick(world.services, 240)
        yield world


def export(world: World, name: str, **changes: Any) -> None:
    document = example_documents()["exports/vip.json"] | {"id": name, "segments": ["Other"]} | changes
    write_segment(world.services.segment_store, "Other", People(1), refreshed=MONDAY - timedelta(1))
    world.services.state.write(f"exports/{name}.json", json.dumps(document).encode())


def closed(world: World, name: str) -> list[RunRecord]:
    store = world.services.state
    found = (blob.name for blob in store.list(f"runs/{name}/") if state.run_of_record(blob.name))
    return [RunRecord.model_validate_json(store.read(record).content) for record in found]


def busy(world: World, act: Callable[[], object]) -> None:
    """A run of vip that takes more than five minutes, near whose beginning something happens."""
    world.segment(small_batches(40), MONDAY + timedelta(hours=1), partitions=1)
    tick(world.services, 240)
    began, once = world.clock.monotonic(), iter([act])

    def come(_: object) -> None:
        world.clock.sleep(8)
        if world.clock.monotonic() - began > 40:
            for each in once:
                each()

    world.stand_in.on_import(come)


def drive(world: World, services: Services) -> None:
    """The timer each minute, whatever a worker does meanwhile, until both exports' runs are closed."""
    next_tick = [world.clock.monotonic() + 60]

    def called(what: str, name: str) -> None:
        if world.clock.monotonic() >= next_tick[0]:
            next_tick[0] = world.clock.monotonic() + 60
            tick(world.services, 240)

    ticking = with_state(services, ActingStore(services.state, called))
    for _ in range(600):
        if closed(world, "vip") and closed(world, "other"):
            return
        work(ticking, world.queue)
        world.clock.sleep(5)
        called("", "")
    raise AssertionError("the runs are still open")


def waited(world: World, since: float) -> float:
    """Seconds until other's run was closed."""
    (record,) = closed(world, "other")
    assert record.status == "successful"
    assert [record.status for record in closed(world, "vip")] == ["successful"]
    assert record.finished_at is not None
    now = world.clock.now()
    return world.clock.monotonic() - (now - record.finished_at).total_seconds() - since


def test_who_asks_has_the_account_soon(world: World) -> None:
    """A start over HTTP while a worker sends a large run of the account."""
    when: list[float] = []

    def ask() -> None:
        start(world.services, "other", ON_DEMAND)
        when.append(world.clock.monotonic())

    busy(world, ask)
    drive(world, world.services)
    assert waited(world, when[0]) <= SOON


def test_a_call_that_was_lost_is_found_by_the_timer(world: World) -> None:
    """The process died between opening the run and asking, though the account is taken."""
    when: list[float] = []

    def called(what: str, name: str) -> None:
        if what == "write" and name == state.work(ACCOUNT):
            raise StorageUnavailable("away")

    broken = with_state(world.services, ActingStore(world.services.state, called))

    def ask() -> None:
        start(broken, "other", ON_DEMAND)
        when.append(world.clock.monotonic())

    busy(world, ask)
    drive(world, world.services)
    assert waited(world, when[0]) <= SOON + 60


def test_what_fails_once_is_tried_again(world: World) -> None:
    """Its turn ended by a failure; it stays in the marker."""
    start(world.services, "other", ON_DEMAND)
    when, once = world.clock.monotonic(), iter([1])

    def called(what: str, name: str) -> None:
        if what == "acquire" and name == state.head("other"):
            for _ in once:
                raise StorageUnavailable("away")

    busy(world, lambda: None)
    drive(world, with_state(world.services, ActingStore(world.services.state, called)))
    assert waited(world, when) <= SOON + 60


def test_a_clock_that_was_ahead_sends_no_message_for_ever(world: World) -> None:
    """A marker with a far time is written anew, also where its run was closed by somebody else."""
    start(world.services, "other", ON_DEMAND)
    marker, etag = read_marker(world.services.state, ACCOUNT, world.clock.now())
    assert marker is not None
    far = world.clock.now() + timedelta(days=30)
    write_marker(
        world.services.state, marker.model_copy(update={"due": far, "exports": {"other": far}}), etag
    )
    world.queue.messages.clear()
    world.queue.sent = 0
    for _ in range(10):
        tick(world.services, 240)
        work(world.services, world.queue)
        world.clock.sleep(60)
    assert [record.status for record in closed(world, "other")] == ["successful"]
    assert (world.queue.sent, world.queue.messages) == (1, [])


def test_a_message_of_a_newer_clock_is_dropped(world: World) -> None:
    """One that newer code sent far in the future goes round no more."""
    world.queue.send(json.dumps({"version": 2, "sent_at": "2095-01-01T00:00:00Z"}))
    assert work(world.services, world.queue) == 1
    assert world.queue.messages == []


def test_a_marker_that_is_too_long_is_written_anew(world: World) -> None:
    """Nobody can read it, and all that it said is found again."""
    world.services.state.write(state.work(ACCOUNT), b" " * (1024 * 1024 + 1))
    start(world.services, "other", ON_DEMAND)
    assert work(world.services, world.queue) == 1
    assert [record.status for record in closed(world, "other")] == ["successful"]


def test_an_account_that_is_none_fails_its_run(world: World) -> None:
    """What somebody wrote into the connection's document may be anything."""
    world.document("connections/sandbox.json", account={"id": "../NO ACCOUNT", "name": "?"})
    start(world.services, "other", ON_DEMAND)
    work(world.services, world.queue)
    (record,) = closed(world, "other")
    assert record.error is not None
    assert record.error.code == "wrong_account"
    assert list(world.services.state.list(state.WORK)) == []


def test_a_connection_whose_account_is_not_known_yet(world: World) -> None:
    """What was asked for under its name goes on under the account's, by one message at a time."""
    world.document("connections/sandbox.json")
    world.stand_in.job_seconds = 1000
    start(world.services, "other", ON_DEMAND)
    for _ in range(60):
        tick(world.services, 240)
        work(world.services, world.queue)
        world.clock.sleep(60)
    assert [record.status for record in closed(world, "other")] == ["successful"]
    assert list(world.services.state.list(state.WORK)) == []
    assert world.queue.messages == []
    assert world.queue.sent <= 15


def test_a_killed_worker_is_replaced_soon_after_a_long_wait(world: World) -> None:
    """However often its message was sent again before it was taken."""
    start(world.services, "other", ON_DEMAND)
    held = world.queue.messages.pop()
    for _ in range(31):
        world.clock.sleep(60)
        tick(world.services, 240)
    world.queue.messages.clear()

    def die(what: str, name: str) -> None:
        if what == "acquire" and name == state.head("other"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work_on(
            with_state(world.services, ActingStore(world.services.state, die)), world.queue, held.text, 480
        )
    start(world.services, "vip", ON_DEMAND)  # what is asked for meanwhile goes along
    world.clock.sleep(60)
    tick(world.services, 240)
    work(world.services, world.queue)
    assert [record.status for record in closed(world, "other")] == ["successful"]
    assert [record.status for record in closed(world, "vip")] == ["successful"]


def test_a_worker_whose_clock_was_ahead_is_replaced_soon(world: World) -> None:
    """It took the account in the future, and died: that nobody has its lock is enough."""
    start(world.services, "other", ON_DEMAND)
    marker, etag = read_marker(world.services.state, ACCOUNT, world.clock.now())
    assert marker is not None
    write_marker(world.services.state, marker.taken(world.clock.now() + timedelta(minutes=50)), etag)
    world.queue.messages.clear()
    tick(world.services, 240)
    assert work(world.services, world.queue) == 1
    assert [record.status for record in closed(world, "other")] == ["successful"]


def test_a_message_that_a_clock_ahead_sent_is_sent_again_in_time(world: World) -> None:
    """It was lost, and its marker says that it is only sent in a quarter of an hour."""
    start(world.services, "other", ON_DEMAND)
    marker, etag = read_marker(world.services.state, ACCOUNT, world.clock.now())
    assert marker is not None
    ahead = world.clock.now() + timedelta(minutes=15)
    write_marker(world.services.state, marker.model_copy(update={"sent_at": ahead}), etag)
    world.queue.messages.clear()
    world.clock.sleep(120)
    tick(world.services, 240)
    assert work(world.services, world.queue) == 1


def test_a_marker_of_many_exports_is_read_itself(world: World) -> None:
    """A listing shows no more than 8 KB of it; one of few exports is in the listing."""
    now = world.clock.now()
    for exports in (3, 500):
        marker = Marker.of(ACCOUNT, {f"export-{number}": now for number in range(exports)}, now)
        world.services.state.delete(state.work(ACCOUNT))
        write_marker(world.services.state, marker, None)
        assert list(read_markers(world.services.state, now)) == [marker]
        assert len(json.dumps(dict(world.services.state.stat(state.work(ACCOUNT)).metadata))) < 8000
    assert len(marker.model_dump_json()) > LONGEST_METADATA


def test_what_a_marker_covers() -> None:
    """A run that a worker has in hand, or gets a message for in time."""
    now = MONDAY
    marker = Marker.of(ACCOUNT, {"vip": now + timedelta(minutes=5)}, now)
    before, after = "vip.20260824T143200Z-0000", "vip.20260824T143500Z-0000"
    assert marker.covers("vip", before, now + timedelta(minutes=5))
    assert not marker.covers("vip", before, now)
    assert not marker.covers("other", before, now + timedelta(hours=1))
    taken = marker.taken(now)
    assert taken.covers("vip", before, now)
    assert not taken.covers("vip", after, now)
    assert not taken.covers("other", "other.20260824T143200Z-0000", now)
    asked = taken.asked_for({"vip": now}, now)
    assert asked is not None
    assert asked.covers("vip", after, now)


@pytest.mark.parametrize("looks", [True, False])
def test_a_worker_that_was_taken_for_dead_leaves_the_marker_alone(world: World, *, looks: bool) -> None:
    """Another message holds by then: whether it notices while it works, or at its end."""
    start(world.services, "other", ON_DEMAND)
    (message,) = world.queue.messages
    replaced: list[Marker] = []

    def replace_it(_: object) -> None:
        now = world.clock.now()
        marker, etag = read_marker(world.services.state, ACCOUNT, now)
        assert marker is not None
        replaced.append(Marker.of(ACCOUNT, marker.exports, now))
        write_marker(world.services.state, replaced[0], etag)
        if looks:
            world.clock.sleep(100)

    world.stand_in.on_import(replace_it)
    work_on(world.services, world.queue, message.text, 480)

    assert read_marker(world.services.state, ACCOUNT, world.clock.now())[0] == replaced[0]
