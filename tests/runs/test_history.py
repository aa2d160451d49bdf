"""The runs of an export, as they are listed."""

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest

from sandbox.people import People
from shared import state
from shared.adapters.clock import Deadline
from shared.runs.advance import run
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from shared.runs.views.history import list_runs
from tests.support.world import World


def ids(world: World) -> list[str]:
    return [record.id for record in list_runs(world.services.state, "vip", "", 20, world.clock.now())[0]]


def test_runs_of_one_second_are_listed_newest_first(world: World) -> None:
    """The made clock stands still, and the order is the runs' own all the same."""
    world.segment(People(1))
    made = [world.run().id for _ in range(5)]

    assert ids(world) == made[::-1]


def test_one_broken_record_hides_no_other(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """What can't be read is logged, what is no record is passed over."""
    world.segment(People(1))
    first, second, third = (world.run().id for _ in range(3))
    world.services.state.write(state.record(second), b"{")
    world.services.state.write("runs/vip/notes.json", b"{}")

    with caplog.at_level(logging.WARNING):
        assert ids(world) == [third, first]

    assert state.record(second) in caplog.text


def changed(name: str, value: object) -> Callable[[dict[str, Any]], bytes]:
    """A record with another value at `name`, which may be a path."""

    def change(record: dict[str, Any]) -> bytes:
        *path, last = name.split(".")
        place = record
        for step in path:
            place = place[step]
        place[last] = value
        return json.dumps(record).encode()

    return change


BROKEN: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "not JSON": lambda _: b"{",
    "nothing": lambda _: b"",
    "not UTF-8": lambda _: b'{"id": "\xff"}',
    "a lone surrogate": lambda record: json.dumps(record).replace("tester", "\\ud800").encode(),
    "of another shape": lambda _: b"[]",
    "deep": lambda _: b"[" * 100_000,
    "huge": lambda record: json.dumps(record).encode() + b" " * 33_000_000,
    "a huge number": changed("counts.imported", 10**30),
    "beyond 64 bits": changed("counts.rows", 2**64),
    "negative": changed("counts.failed", -1),
    "infinite": changed("counts.sent", float("inf")),
    "a number of another type": changed("counts.sent", {"n": 1}),
    "a huge number of a reason": changed("rejected_by_reason", {"invalid": 10**30}),
    "a status that is to come": changed("status", "paused"),
    "a version that is to come": changed("version", 2),
    "another run's": changed("id", "vip.20200101T000000Z-0000"),
    "another export's": changed("export", "other"),
    "no time": changed("created_at", "soon"),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_one_record_hides_no_other_whatever_is_wrong_with_it(
    world: World, broken: Callable[[dict[str, Any]], bytes]
) -> None:
    """The list shows the others, as JSON too, and the way to the next page."""
    world.segment(People(1))
    first, second, third = (world.run().id for _ in range(3))
    store = world.services.state
    record = json.loads(store.read(state.record(second)).content)
    store.write(state.record(second), broken(record))

    records, following = list_runs(store, "vip", "", 2, world.clock.now())

    assert ([each.id for each in records], following) == ([third], second)
    assert [each.id for each in list_runs(store, "vip", second, 2, world.clock.now())[0]] == [first]
    assert ids(world) == [third, first]
    assert orjson.dumps([each.model_dump(mode="json") for each in records])


def test_a_record_that_knows_more_is_shown(world: World) -> None:
    """Members of a later version are passed over."""
    world.segment(People(1))
    run_id = world.run().id
    store = world.services.state
    record = json.loads(store.read(state.record(run_id)).content) | {"later": {"more": 1}}
    store.write(state.record(run_id), json.dumps(record).encode())

    assert ids(world) == [run_id]


@pytest.mark.parametrize("number", [-1, -(10**30), 2**63, 10**30])
def test_what_is_written_can_be_read_again(world: World, number: int) -> None:
    """Whatever a count came to be, the record that it stands in is one."""
    world.segment(People(1))
    record = world.run()
    record.counts.imported = number
    record.rejected_by_reason = {"invalid": number}

    again = RunRecord.model_validate_json(record.content())

    assert 0 <= again.counts.imported == again.rejected_by_reason["invalid"] < 2**53
    assert orjson.dumps(record.model_dump(mode="json"))


def test_a_broken_record_of_the_open_run_is_written_again(world: World) -> None:
    """Whatever lies where its record belongs holds no run open: the head has what it takes to write it."""
    world.segment(People(1))
    world.stand_in.job_seconds = 100
    record = run(world.services, "vip", Request("on_demand", "tester"), Deadline(world.clock, 1))
    world.services.state.write(state.record(record.id), b"{")
    world.clock.sleep(200)

    closed = world.run()

    assert (closed.id, closed.status, closed.counts.imported) == (record.id, "successful", 1)
    assert ids(world) == [record.id]


@pytest.mark.parametrize("days", [1, 2, 40, 400])
def test_a_run_of_a_clock_that_was_ahead_is_listed(world: World, days: int) -> None:
    """Its id is the greatest for a while, and it is listed first until then."""
    world.segment(People(1))
    before = world.run().id
    world.clock.ahead = timedelta(days=days)
    ahead = world.run().id
    world.clock.ahead = timedelta()
    world.clock.sleep(60)

    after = world.run().id

    assert ids(world) == [ahead, after, before]
