"""What a tick says it did: the runs it moved on or handed out, what is left, and that it ticked at all."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.klaviyo import Fault
from sandbox.people import People
from shared import state
from shared.errors import Denied
from shared.runs.work.tick import last_tick, tick
from tests.support.queue import work
from tests.support.queued import Away
from tests.support.stores import ActingStore, with_state
from tests.support.world import MONDAY, World, a_world


@pytest.fixture
def due(tmp_path: Path) -> Iterator[World]:
    """An installation that the timer knows, and whose export is due."""
    with a_world(tmp_path) as world:
        world.segment(People(1))
        tick(world.services, 240)
        world.segment(People(5), MONDAY + timedelta(hours=1))
        yield world


def throttled(world: World, seconds: int) -> None:
    world.stand_in.faults.add([Fault("error", method="POST", status=429, retry_after=seconds)])


def test_a_run_that_ends_leaves_nothing(due: World) -> None:
    done = tick(due.services, 240)

    assert [(record.export, record.status) for record in done.records] == [("vip", "successful")]
    assert (done.handed_out, done.left, done.due_at(due.clock.now())) == ([], [], None)


def test_a_run_that_waits_is_left_until_it_can_go_on(due: World) -> None:
    """Here until the end of the pause that Klaviyo asked for."""
    throttled(due, 600)
    before = due.clock.now()

    done = tick(due.services, 240)

    assert [record.status for record in done.records] == ["running"]
    assert [work.run for work in done.left] == [done.records[0].id]
    due_at = done.due_at(due.clock.now())
    assert due_at is not None
    assert timedelta(minutes=9) < due_at - before < timedelta(minutes=11)


def test_a_run_that_is_paused_is_due_at_no_time(due: World) -> None:
    """It is left all the same: somebody has to lift the pause."""
    due.document("connections/sandbox.json", paused=True)
    tick(due.services, 240)

    done = tick(due.services, 240)

    assert [work.paused for work in done.left] == [True]
    assert done.due_at(due.clock.now()) is None


@pytest.mark.parametrize("with_queue", [False, True])
def test_what_is_not_reached_in_time_is_left(due: World, *, with_queue: bool) -> None:
    """No run is opened when the time is over; the next tick finds the export still due."""
    if with_queue:
        due.add_queue()

    done = tick(due.services, 0)

    assert (done.records, done.handed_out) == ([], [])
    assert [(work.export, work.run) for work in done.left] == [("vip", None)]
    assert done.due_at(due.clock.now()) == due.clock.now()
    assert len(tick(due.services, 240).left) == (1 if with_queue else 0)


def test_what_is_handed_out(due: World) -> None:
    """With the run's status, and once: then a worker is on its way."""
    due.add_queue()

    first, second = tick(due.services, 240), tick(due.services, 240)

    [handed] = first.handed_out
    assert (handed.export, handed.account, handed.status) == ("vip", "sandbox", "queued")
    assert [work.run for work in first.left] == [work.run for work in second.left] == [handed.run]
    assert second.handed_out == []
    work(due.services, due.queue)
    assert tick(due.services, 240).left == []


def test_the_status_of_a_run_that_is_handed_out_again(due: World) -> None:
    """As the listing of the heads has it."""
    due.add_queue()
    throttled(due, 600)
    tick(due.services, 240)
    work(due.services, due.queue)
    due.clock.sleep(3600)
    due.services = replace(due.services, queue=None)
    due.add_queue()
    for blob in list(due.services.state.list(state.WORK)):
        due.services.state.delete(blob.name)

    assert [handed.status for handed in tick(due.services, 240).handed_out] == ["running"]


def test_nothing_is_handed_out_where_the_queue_is_away(due: World) -> None:
    """The run is open, and left."""
    done = tick(replace(due.services, queue=Away()), 240)

    assert done.handed_out == []
    assert [work.export for work in done.left] == ["vip"]


@pytest.mark.parametrize("with_queue", [False, True])
def test_a_tick_is_noted(tmp_path: Path, *, with_queue: bool) -> None:
    """By the store's clock; in a state on which no timer works, none is."""
    with a_world(tmp_path) as world:
        if with_queue:
            world.add_queue()
        assert last_tick(world.services) is None
        before = world.services.state.now()
        tick(world.services, 240)
        noted = last_tick(world.services)
        assert noted is not None
        assert before - timedelta(seconds=1) <= noted <= world.services.state.now()


def test_a_tick_that_can_not_be_noted_does_its_work(due: World, caplog: pytest.LogCaptureFixture) -> None:
    """It says so, and the next one tries again."""
    refused = 0

    def refuse(what: str, name: str) -> None:
        nonlocal refused
        if (what, name) == ("write", state.TICK):
            refused += 1
            raise Denied("no")

    services = replace(with_state(due.services, ActingStore(due.services.state, refuse)), looks={})
    assert [record.status for record in tick(services, 240).records] == ["successful"]
    tick(services, 240)

    assert refused == 2
    assert "the tick was not recorded: denied" in caplog.text
