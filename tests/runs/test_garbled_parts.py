"""Parts of an open run that somebody garbled: the run closes, and its counts come from the rows."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from sandbox.klaviyo import ImportFailure, JobPlan
from sandbox.people import People, email
from shared import state
from shared.adapters.clock import Deadline
from shared.adapters.storage.store import Store
from shared.errors import StorageUnavailable
from shared.runs.advance import advance, cancel, start
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from tests.support.stores import WatchedStore
from tests.support.world import World

PEOPLE = People(200, dirt=True)

GARBLED: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _: b"",
    "not UTF-8": lambda _: b"\xff\xfe",
    "not numbers": lambda _: b"a,b,c,d,e\n",
    "other columns": lambda _: b"0,1\n",
    "huge numbers": lambda _: b"0,999999999999999999999999,x,y,z\n",
    "ages of rows": lambda _: b"0,1,99999999999\n",
    "a partition that is none": lambda _: b"77,1,EMail,invalid,check\n",
    "an open quote": lambda content: b'0,1,"' + content,
    "cut short": lambda content: content[: len(content) // 2],
    "too long": lambda content: content + b"\n" * (65 * 1024 * 1024),
}


@pytest.fixture
def waiting(world: World) -> RunRecord:
    """An open run with refused rows, whose jobs Klaviyo still works on, and which fail for somebody."""
    world.segment(PEOPLE)
    world.stand_in.failures = {address: ImportFailure() for address in sorted(PEOPLE.expected.emails)[:20]}
    world.stand_in.job_seconds = 100
    record = start(world.services, "vip", Request("on_demand", "tester"))
    record = advance(world.services, record, Deadline(world.clock, 1))
    assert (record.phase, record.counts.rejected) == ("confirming", PEOPLE.expected.rejected)
    return record


def parts(store: Store, record: RunRecord, end: str) -> list[str]:
    return [blob.name for blob in store.list(state.parts(record.id)) if blob.name.endswith(end)]


def assert_closed_truthfully(world: World, record: RunRecord, closed: RunRecord) -> None:
    """The counts are those of the rows and the jobs, and the file and the warning have all refused rows."""
    refused = PEOPLE.expected.rejected + 20
    assert (closed.id, closed.status) == (record.id, "completed_with_warnings")
    assert closed.counts.rejected == PEOPLE.expected.rejected == sum(closed.rejected_by_reason.values())
    assert (closed.counts.failed, closed.counts.imported) == (20, len(PEOPLE.expected.emails) - 20)
    warnings = {warning.code: warning.count for warning in closed.warnings}
    placed = [line for line in world.rejected(closed) if not line.startswith(",,")]
    assert warnings["refused_rows_incomplete"] == refused - len(placed) > 0


@pytest.mark.parametrize("garble", GARBLED.values(), ids=GARBLED)
@pytest.mark.parametrize("end", [".rejected", ".places"])
def test_a_garbled_part_costs_places_only(
    world: World, waiting: RunRecord, end: str, garble: Callable[[bytes], bytes]
) -> None:
    """The run closes, and a warning counts the places that are missing."""
    store = world.services.state
    for name in parts(store, waiting, end):
        store.write(name, garble(store.read(name).content))
    world.clock.sleep(200)

    assert_closed_truthfully(world, waiting, world.run())


@pytest.mark.parametrize("end", [".rejected", ".places"])
def test_a_missing_part_costs_places_only(world: World, waiting: RunRecord, end: str) -> None:
    """As a garbled one."""
    for name in parts(world.services.state, waiting, end):
        world.services.state.delete(name)
    world.clock.sleep(200)

    assert_closed_truthfully(world, waiting, world.run())


@pytest.mark.parametrize("garble", [*GARBLED.values(), None], ids=[*GARBLED, "missing"])
def test_a_garbled_part_of_people_costs_the_ledger(
    world: World, waiting: RunRecord, garble: Callable[[bytes], bytes] | None
) -> None:
    """The run says so, and the next one sends everybody: else somebody could be forgotten."""
    store = world.services.state
    (name,) = parts(store, waiting, state.PEOPLE)
    if garble is None:
        store.delete(name)
    else:
        store.write(name, garble(store.read(name).content))
    world.clock.sleep(200)
    world.stand_in.failures = {}

    closed = world.run()

    assert (closed.id, closed.counts.imported) == (waiting.id, len(PEOPLE.expected.emails) - 20)
    assert "ledger_lost" in closed.warning_codes()
    assert world.run().counts.sent == len(PEOPLE.expected.emails)


class PartsAway(WatchedStore):
    """A store that can't read a run's parts."""

    def called(self, what: str, name: str) -> None:
        if what == "read" and ".parts/" in name:
            raise StorageUnavailable("not now")


def test_parts_that_stay_away_hold_nothing_open_for_good(world: World, waiting: RunRecord) -> None:
    """They are waited for a few times, since they may come back; then the run closes without them."""
    world.clock.sleep(200)
    services = replace(world.services, state=PartsAway(world.services.state))

    closed = advance(services, waiting, world.deadline())

    assert closed.is_closed
    assert closed.counts.rejected == PEOPLE.expected.rejected


def test_a_canceled_run_closes_over_garbled_parts(world: World) -> None:
    """Cancelling always can."""
    world.segment(PEOPLE)
    world.stand_in.plans.append(JobPlan(seconds=10))
    record = start(world.services, "vip", Request("on_demand", "tester"))
    world.document("connections/sandbox.json", paused=True)
    record = advance(world.services, record, Deadline(world.clock, 1))
    store = world.services.state
    for name in parts(store, record, ".rejected"):
        store.write(name, b"\xff")

    closed = cancel(world.services, record, world.deadline())

    assert (closed.status, closed.counts.rejected) == ("canceled", record.counts.rejected)
    warnings = {warning.code: warning.count for warning in closed.warnings}
    assert warnings["refused_rows_incomplete"] == record.counts.rejected > 0
    assert email(1) not in world.members()
