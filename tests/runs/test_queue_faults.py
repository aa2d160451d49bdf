"""A queue or a store that is away, and workers that die at the worst moment: nobody waits for long."""

import itertools
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.people import People
from shared import state
from shared.adapters.storage.store import Store
from shared.errors import StorageUnavailable
from shared.runs.advance import start
from shared.runs.work.tick import tick
from shared.runs.work.worker import work_on
from tests.support.queue import work
from tests.support.queued import (
    ACCOUNT,
    ON_DEMAND,
    Away,
    Died,
    a_queued_world,
    marker,
    other_export,
    posts,
    records,
    refresh,
)
from tests.support.stores import ActingStore, WatchedStore, with_state
from tests.support.telemetry import Metrics
from tests.support.world import MONDAY, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with a_queued_world(tmp_path) as world:
        yield world


class Deaf(WatchedStore):
    """A store that does what it is asked, but whose answer to the nth change is lost."""

    def __init__(self, store: Store, nth: int) -> None:
        super().__init__(store)
        self._changes, self._nth = itertools.count(1), nth
        self.lost: list[str] = []

    def write(self, name: str, content: bytes | Iterable[bytes], **options: Any) -> str:
        etag = super().write(name, content, **options)
        self._answer(f"write {name}")
        return etag

    def delete(self, name: str, *, if_match: str | None = None) -> None:
        super().delete(name, if_match=if_match)
        self._answer(f"delete {name}")

    def _answer(self, what: str) -> None:
        if next(self._changes) == self._nth:
            self.lost.append(what)
            raise StorageUnavailable("away")


def test_no_answer_that_is_lost_is_a_worker_s_end(tmp_path: Path) -> None:
    """Whichever change of the store was made without the worker knowing: likewise."""
    for nth in itertools.count(1):
        with a_queued_world(tmp_path / f"{nth}") as world:
            refresh(world, People(5))
            world.stand_in.job_seconds = 3
            store = Deaf(world.services.state, nth)
            work(with_state(world.services, store), world.queue)
            if not store.lost:
                break
            for _ in range(12):
                world.clock.sleep(60)
                work(world.services, world.queue)
            assert [record.status for record in records(world)] == ["successful"], store.lost
            assert world.queue.messages == []
    assert nth > 5


def test_poison_stops_no_account(world: World, metrics: Metrics) -> None:
    """The host gives a message up at the fifth failure; the timer sends it again, and tells of the poison."""
    refresh(world, People(5))

    def bug(what: str, name: str) -> None:
        if what == "read" and name == state.work(ACCOUNT):
            raise ZeroDivisionError

    broken = with_state(world.services, ActingStore(world.services.state, bug))
    for _ in range(5):
        assert work(broken, world.queue) == 1
        world.clock.sleep(70)
    assert (len(world.queue.poison), world.queue.messages) == (1, [])
    world.clock.sleep(60)
    metrics.told()
    tick(world.services, 240)
    assert metrics.told()["segment_export.messages.poisoned"][()] == 1

    work(world.services, world.queue)

    assert [record.status for record in records(world)] == ["successful"]


def test_a_store_that_is_away_makes_no_poison(
    world: World, metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    """However long: its message is sent once more each time, and nobody has to clear anything."""
    refresh(world, People(5))
    metrics.told()

    def away(what: str, name: str) -> None:
        raise StorageUnavailable("away")

    broken = with_state(world.services, ActingStore(world.services.state, away))
    for _ in range(60):
        assert work(broken, world.queue) == 1
        assert len(world.queue.messages) == 1
        world.clock.sleep(30)

    work(world.services, world.queue)

    assert [record.status for record in records(world)] == ["successful"]
    assert world.queue.poison == []
    assert metrics.told()["segment_export.messages"][("away",)] == 60
    assert "a message is retried: storage_unavailable" in caplog.text


@pytest.mark.parametrize("error", [StorageUnavailable("away"), Died()])
def test_no_call_of_the_store_is_a_worker_s_end(tmp_path: Path, error: BaseException) -> None:
    """Whichever of a worker's calls fails or kills it: without the timer, its run ends within 12 minutes."""
    for nth in itertools.count(1):
        with a_queued_world(tmp_path / f"{nth}") as world:
            refresh(world, People(5))
            world.stand_in.job_seconds = 3
            calls = itertools.count(1)
            struck: list[str] = []

            def called(
                what: str, name: str, calls: Iterator[int] = calls, struck: list[str] = struck
            ) -> None:
                if next(calls) == nth:  # noqa: B023 - of this round
                    struck.append(f"{what} {name}")
                    raise error

            broken = with_state(world.services, ActingStore(world.services.state, called))
            with suppress(Died):
                world.queue.deliver(lambda text: work_on(broken, world.queue, text, 480))  # noqa: B023
            if not struck:
                break
            for _ in range(12):
                world.clock.sleep(60)
                work(world.services, world.queue)
            assert [record.status for record in records(world)] == ["successful"], struck
            assert posts(world) <= 2, struck
    assert nth > 30


def test_a_lost_message_is_sent_again(world: World) -> None:
    """After two minutes, then after four, then every eight: a queue may also just be long."""
    refresh(world, People(5))
    world.queue.messages.clear()
    sent = []
    for minute in range(1, 40):
        world.clock.sleep(60)
        before = world.queue.sent
        tick(world.services, 240)
        sent += [minute] * (world.queue.sent - before)
    assert sent == [2, 6, 14, 22, 30, 38]

    work(world.services, world.queue)

    assert [record.status for record in records(world)] == ["successful"]
    assert posts(world) == 1
    assert (world.queue.messages, marker(world)) == ([], None)


def test_a_queue_that_is_away_costs_nothing_but_time(world: World, metrics: Metrics) -> None:
    """Runs are opened, callers get their answer, the timer has its heartbeat; then the messages are sent."""
    away = replace(world.services, queue=Away())
    world.segment(People(5), MONDAY + timedelta(hours=1))
    metrics.told()
    assert tick(away, 240).records == []
    assert metrics.told()["segment_export.ticks"][()] == 1
    other_export(world)
    assert start(away, "other", ON_DEMAND).status == "queued"

    world.clock.sleep(121)
    tick(world.services, 240)
    work(world.services, world.queue)
    tick(world.services, 240)
    work(world.services, world.queue)

    assert [record.status for record in records(world) + records(world, "other")] == ["successful"] * 2


def test_a_worker_that_dies_before_its_last_message_is_sent(world: World) -> None:
    """The marker has another message by then: the old one, when it comes back, sends that. No timer."""
    refresh(world, People(5))
    world.stand_in.job_seconds = 100

    class Dying(Away):
        def send(self, text: str, delay: float = 0) -> None:
            raise Died

    with pytest.raises(Died):
        world.queue.deliver(lambda text: work_on(world.services, Dying(), text, 480))
    for _ in range(20):
        world.clock.sleep(60)
        work(world.services, world.queue)

    assert [record.status for record in records(world)] == ["successful"]
    assert (world.queue.messages, marker(world)) == ([], None)


def test_a_worker_whose_last_message_is_refused_needs_no_timer(world: World) -> None:
    """The host delivers its old message once more, since it has failed."""
    refresh(world, People(5))
    world.stand_in.job_seconds = 3
    world.queue.deliver(lambda text: work_on(world.services, Away(), text, 480))
    world.clock.sleep(70)
    work(world.services, world.queue)
    assert [record.status for record in records(world)] == ["successful"]


@pytest.mark.parametrize("nth", range(1, 6))
def test_a_head_that_can_t_be_read_once_is_not_forgotten(world: World, nth: int) -> None:
    """Whenever in a worker's time it happens: its run is open, and somebody continues with it."""
    other_export(world)
    refresh(world, People(5))
    once = iter([1])

    def start_once(_: object) -> None:
        for _ in once:
            start(world.services, "other", ON_DEMAND)

    world.stand_in.on_import(start_once)
    looks = itertools.count(1)

    def away(what: str, name: str) -> None:
        if what == "stat" and name.startswith(state.HEADS) and next(looks) == nth:
            raise StorageUnavailable("away")

    broken = with_state(world.services, ActingStore(world.services.state, away))
    for _ in range(10):
        work(broken, world.queue)
        world.clock.sleep(60)

    assert [record.status for record in records(world) + records(world, "other")] == ["successful"] * 2


@pytest.mark.parametrize("minutes", [3, 35, 130])
def test_a_queue_that_is_back_has_each_message_at_once(
    world: World, minutes: int, caplog: pytest.LogCaptureFixture
) -> None:
    """However long it was away: what it has refused was never sent, which each tick says."""
    away = replace(world.services, queue=Away())
    world.segment(People(5), MONDAY + timedelta(hours=1))
    for _ in range(minutes):
        caplog.clear()
        tick(away, 240)
        assert f"account {ACCOUNT}: storage_unavailable" in caplog.text
        world.clock.sleep(60)

    tick(world.services, 240)

    assert work(world.services, world.queue) == 1
    assert [record.status for record in records(world)] == ["successful"]


def test_a_start_sends_what_was_refused(world: World) -> None:
    """A person does not wait for the timer's next look."""
    start(replace(world.services, queue=Away()), "vip", ON_DEMAND)
    start(world.services, "vip", ON_DEMAND)
    assert len(world.queue.messages) == 1


def test_a_start_sends_what_may_be_lost(world: World) -> None:
    """The same message once more, so that a queue that is only long loses no place in it."""
    refresh(world, People(5))
    (lost,) = world.queue.messages
    world.queue.messages.clear()
    world.clock.sleep(120)
    start(world.services, "vip", ON_DEMAND)
    assert json.loads(world.queue.messages[0].text)["id"] == json.loads(lost.text)["id"]
    start(world.services, "vip", ON_DEMAND)
    assert len(world.queue.messages) == 1


def test_a_worker_whose_last_message_is_refused_leaves_it_to_the_timer(world: World) -> None:
    """At its next look, when what is left can go on, and not minutes later."""
    refresh(world, People(5))
    world.stand_in.job_seconds = 3
    world.queue.deliver(lambda text: work_on(world.services, Away(), text, 480))
    world.clock.sleep(10)
    world.queue.messages.clear()
    tick(world.services, 240)
    assert work(world.services, world.queue) == 1
    assert [record.status for record in records(world)] == ["successful"]
