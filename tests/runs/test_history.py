"""The runs of an export, as they are listed."""

import logging

import pytest

from sandbox.people import People
from shared.adapters.clock import Deadline
from shared.errors import InvalidDocument
from shared.runs.advance import run
from shared.runs.cancelling import cancel
from shared.runs.history import list_runs
from shared.runs.parts import record_name
from shared.runs.starting import Request
from tests.support.world import World


def ids(world: World) -> list[str]:
    return [record.id for record in list_runs(world.services.state, "vip", "", 20)[0]]


def test_runs_of_one_second_are_listed_newest_first(world: World) -> None:
    """The made clock stands still, and the order is the runs' own all the same."""
    world.segment(People(1))
    made = [world.run().id for _ in range(5)]

    assert ids(world) == made[::-1]


def test_one_broken_record_hides_no_other(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """What can't be read is logged, what is no record is passed over."""
    world.segment(People(1))
    first, second, third = (world.run().id for _ in range(3))
    world.services.state.write(record_name("vip", second), b"{")
    world.services.state.write("runs/vip/notes.json", b"{}")

    with caplog.at_level(logging.WARNING):
        assert ids(world) == [third, first]

    assert record_name("vip", second) in caplog.text


def test_a_broken_record_of_the_open_run_says_so(world: World) -> None:
    """Whoever goes on with a run whose record somebody broke hears what to mend."""
    world.segment(People(1))
    world.stand_in.job_seconds = 100
    record = run(world.services, "vip", Request("on_demand", "tester"), Deadline(world.clock, 1))
    world.services.state.write(record_name("vip", record.id), b"{")

    with pytest.raises(InvalidDocument, match="is no record of a run"):
        cancel(world.services, record, world.deadline())
