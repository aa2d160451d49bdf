"""The timer: goes on with what is open, starts what is due, and stops nobody for another's sake."""

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sandbox.klaviyo import SCOPES, Fault, JobPlan
from sandbox.people import People
from sandbox.sample import FOLDER, example_documents, write_segment
from shared import state
from shared.adapters.clock import Deadline
from shared.errors import AlreadyRunning, Denied
from shared.runs.advance import advance, begin, start
from shared.runs.heads.head import Head, read_head
from shared.runs.lock.account import lock_account
from shared.runs.record import RunRecord
from shared.runs.run import OpenRun
from shared.runs.starting import Request
from shared.runs.views.history import find_run
from shared.runs.work.find import find_work
from shared.runs.work.tick import WAITING, tick
from tests.support.azurite import Azurite
from tests.support.open_runs import ANOTHER_RUN
from tests.support.queue import work
from tests.support.small_batches import UnusualPeople
from tests.support.stores import ActingStore, WatchedStore, counted, with_segments, with_state
from tests.support.world import MONDAY, SEGMENT, World, a_world


class RefusingStore(WatchedStore):
    """Says no to everything."""

    def called(self, what: str, name: str) -> None:
        raise Denied("no")


def later(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


@pytest.fixture(params=["timer", "queue"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """An installation whose timer does the work, and one whose timer hands it to workers."""
    with a_world(tmp_path, keep_attributes=True) as world:
        if request.param == "queue":
            world.add_queue()
        yield world


def tock(world: World, seconds: float = 240) -> list[RunRecord]:
    """A tick and the minute after it; the records of the runs that had a turn, as the last one left them."""
    if world.services.queue is None:
        return tick(world.services, seconds).records
    had_turns: dict[str, None] = {}

    def called(what: str, name: str) -> None:
        if what == "acquire" and name.startswith(state.HEADS):
            head, _ = read_head(world.services.state, state.id_of(name) or "")
            if head.open is not None:
                had_turns[head.open.record.id] = None

    services = with_state(world.services, ActingStore(world.services.state, called))
    tick(world.services, seconds)
    ends = world.clock.now() + timedelta(seconds=59)
    while (next_at := world.queue.next_at()) is not None and next_at <= ends:
        world.clock.sleep(max(0.0, (next_at - world.clock.now()).total_seconds()))
        work(services, world.queue, seconds)
    found = (find_run(world.services.state, run_id) for run_id in had_turns)
    return [each.record if isinstance(each, OpenRun) else each for each in found]


def seen(world: World, *people: People) -> None:
    """An installation whose timer knows the first refresh as the baseline, and meets those after it."""
    world.segment(People(1))
    assert tock(world) == []
    for number, refresh in enumerate(people, start=1):
        world.segment(refresh, later(number))


def export(world: World, export_id: str, **changes: Any) -> None:
    document = example_documents()["exports/vip.json"] | {"id": export_id} | changes
    world.services.state.write(f"exports/{export_id}.json", json.dumps(document).encode())


def head(world: World, export_id: str = "vip") -> Head:
    return read_head(world.services.state, export_id)[0]


def test_first_sight_runs_nothing_and_a_refresh_does(world: World) -> None:
    """What is there when an export is first seen is its baseline; the next snapshot is exported once."""
    seen(world)
    assert tock(world) == []
    world.segment(People(5), later(12))

    (record,) = tock(world)

    assert (record.status, record.trigger) == ("successful", "schedule")
    assert world.members() == People(5).expected.emails
    assert tock(world) == []


def test_a_first_refresh_after_first_sight_is_exported(world: World) -> None:
    """An export that was made before its segment: the segment's first snapshot is news."""
    assert tock(world) == []
    world.segment(People(5))

    assert [record.status for record in tock(world)] == ["successful"]


def test_one_broken_export_stops_no_other(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """A document that can't be read, a list that is gone, a head that is corrupt: the others run."""
    export(world, "gone", list_id="NoSuch")
    export(world, "corrupt")
    seen(world)
    world.services.state.write("exports/broken.json", b"{")
    world.services.state.write("heads/corrupt.json", b"{")
    world.segment(People(5), later(1))

    statuses = {record.export: record.status for record in tock(world)}

    assert statuses == {"vip": "successful", "gone": "failed"}
    logged = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert any("broken" in message for message in logged)
    assert any("heads/corrupt.json" in message for message in logged)


def test_failed_attempts_back_off_and_end(world: World) -> None:
    """After 5, 15 and 60 minutes, then hourly, eight times in all; a new snapshot begins anew."""
    seen(world, People(5))
    # A file that is no part of its segment fails each run; model.json is written last, as always.
    store = world.services.segment_store
    store.write(world.services.segments.newest(SEGMENT).partitions[0].name, b"no,such,columns\n")
    model = f"{FOLDER}/model.json"
    store.write(model, store.read(model).content)
    attempts = []
    for _ in range(12 * 60):
        attempts += [world.clock.now() for record in tock(world) if record.status == "failed"]
        world.clock.sleep(60)

    minutes = [(b - a).total_seconds() // 60 for a, b in pairwise(attempts)]
    assert minutes == [5, 15, 60, 60, 60, 60, 60]

    world.segment(People(6), later(3))
    assert [record.status for record in tock(world)] == ["successful"]
    assert head(world).retry is None


def test_what_people_must_mend_waits_for_them(world: World) -> None:
    """An unknown list is not tried again until somebody changes something; then soon."""
    seen(world, People(5))
    world.document("exports/vip.json", list_id="NoSuch")
    assert [record.status for record in tock(world)] == ["failed"]
    for _ in range(3 * 60):
        world.clock.sleep(60)
        assert tock(world) == []

    world.document("exports/vip.json")
    closed = []
    for _ in range(6):
        world.clock.sleep(60)
        closed += tock(world)

    assert [record.status for record in closed] == ["successful"]


@pytest.mark.parametrize("minutes", [1, 2, 2.5, 3, 4, 7, 30])
@pytest.mark.parametrize("second", [0, 17])
def test_what_is_fixed_is_noticed_within_five_minutes(world: World, minutes: float, second: int) -> None:
    """Whatever the schedule and the length of ticks; where ticks are rarer, at the next one."""
    world.clock.sleep(60 + second)
    seen(world, People(5))
    world.document("exports/vip.json", list_id="NoSuch")
    assert [record.status for record in tock(world)] == ["failed"]
    for _ in range(3):
        world.clock.sleep(minutes * 60)
        assert tock(world) == []

    world.document("exports/vip.json")
    fixed = world.clock.monotonic()
    statuses: list[str] = []
    while not statuses:
        world.clock.sleep(minutes * 60)
        statuses = [record.status for record in tock(world)]

    assert statuses == ["successful"]
    assert world.clock.monotonic() - fixed <= max(5, minutes) * 60


def test_too_many_profiles_wait_for_people(world: World) -> None:
    """A segment over its limit is not counted again and again: the limit, or the segment, has to change."""
    seen(world, People(5))
    world.document("exports/vip.json", limits={"max_profiles": 4})
    failed = []
    for _ in range(60):
        failed += tock(world)
        world.clock.sleep(60)

    assert [record.error.code for record in failed if record.error] == ["too_many_profiles"]


def test_a_new_key_ends_the_wait_too(world: World) -> None:
    """A run that failed for its key goes again when the vault has another one."""
    seen(world, People(5))
    world.secrets({"klaviyo-sandbox": "pk_wrong"})
    assert [record.status for record in tock(world)] == ["failed"]
    for _ in range(60):
        world.clock.sleep(60)
        assert tock(world) == []

    world.secrets({"klaviyo-sandbox": "pk_sandbox"})
    closed = []
    for _ in range(6):
        world.clock.sleep(60)
        closed += tock(world)

    assert [record.status for record in closed] == ["successful"]


def test_a_newer_snapshot_supersedes_an_open_run(world: World) -> None:
    """What would write older values over newer ones is ended, and the newer snapshot exported."""
    seen(world, UnusualPeople(1_250))
    world.stand_in.faults.add([Fault("error", method="POST", nth=2, status=429, retry_after=400)])
    (open_,) = tock(world)
    assert not open_.is_closed
    world.segment(People(10, start=90_000), later(2))

    (closed,) = tock(world)
    assert closed.status == "canceled"
    assert "superseded" in closed.warning_codes()
    assert closed.id == open_.id

    # The account is throttled all the same, whichever run it was that heard it.
    (waiting,) = tock(world)
    assert waiting.phase == "sending"
    world.clock.sleep(400)
    (last,) = tock(world)
    assert (last.id, last.status, last.counts.imported) == (waiting.id, "successful", 10)


def test_a_superseded_run_does_not_wait_for_its_jobs(world: World) -> None:
    """One look at what it had sent has to do, however long Klaviyo works: the newer snapshot is waiting."""
    seen(world, UnusualPeople(1_250))
    world.stand_in.plans.extend([JobPlan(seconds=10_000)] * 2)
    world.stand_in.faults.add([Fault("error", method="POST", nth=3, status=429, retry_after=600)])
    (begun,) = tock(world)
    assert not begun.is_closed
    world.segment(People(7), later(2))
    world.clock.sleep(600)

    (superseded,), (newer,) = tock(world), tock(world)

    assert (superseded.id, superseded.status) == (begun.id, "canceled")
    assert superseded.counts.unconfirmed == superseded.counts.sent > 0
    assert (newer.status, newer.counts.imported) == ("successful", 7)


def test_no_run_is_superseded_for_ever(world: World) -> None:
    """A segment that is refreshed faster than it can be sent gets there at the third time."""
    seen(world, People(5))
    statuses = []
    for number in range(3):
        world.stand_in.faults.add([Fault("error", method="POST", status=429, retry_after=300)])
        tock(world)
        world.segment(People(6 + number), later(2 + number))
        world.clock.sleep(300)
        statuses += [record.status for record in tock(world) if record.is_closed]

    assert statuses == ["canceled", "canceled", "successful"]


def test_what_confirms_is_closed_for_a_newer_snapshot(world: World) -> None:
    """A job that Klaviyo still works on is unconfirmed when the next snapshot is due."""
    seen(world, People(5))
    world.stand_in.plans.append(JobPlan(seconds=100_000))
    (open_,) = tock(world)
    assert open_.phase == "confirming"
    world.segment(People(6), later(2))

    closed = tock(world) + tock(world)

    assert [record.status for record in closed] == ["completed_with_warnings", "successful"]
    assert closed[0].counts.unconfirmed == 5


def test_confirming_holds_nothing(world: World) -> None:
    """While Klaviyo works nobody holds the export or the account."""
    seen(world, People(5))
    world.stand_in.plans.append(JobPlan(seconds=100_000))
    (open_,) = tock(world)

    world.services.state.acquire("heads/vip.json").release()
    world.services.state.acquire("locks/account-SNDBOX").release()
    assert not open_.is_closed


def test_runs_of_one_account_take_turns(world: World) -> None:
    """Both run in one tick; a pause that Klaviyo asks for is one for both, and left to a later tick."""
    export(world, "first", list_id="Y6nRLr")
    seen(world, People(5), People(6))
    records = {record.export: record.status for record in tock(world)}
    assert records == {"first": "successful", "vip": "successful"}

    world.segment(People(7), later(9))
    world.stand_in.faults.add([Fault("error", method="POST", status=429, retry_after=100)])
    # The other one may not even look for its list meanwhile.
    assert sorted(record.status for record in tock(world)) == ["queued", "running"]
    posts = [request.time for request in world.stand_in.requests if request.method == "POST"]
    assert tock(world) == tock(world)

    world.clock.sleep(100)
    assert {record.status for record in tock(world)} == {"successful"}
    assert len([request for request in world.stand_in.requests if request.method == "POST"]) == len(posts) + 2


def test_runs_that_were_only_opened_take_turns_too(world: World) -> None:
    """What nobody has begun yet queues up for its connection's account, and none finds it busy."""
    export(world, "first", list_id="Y6nRLr")
    seen(world, People(5))
    for export_id in ("first", "vip"):
        start(world.services, export_id, Request("on_demand", "tester"))
    world.stand_in.faults.add([Fault("slow", method="POST", seconds=0.3)])
    before = world.clock.monotonic()

    records = {record.export: record.status for record in tock(world)}

    assert records == {"first": "successful", "vip": "successful"}
    assert world.clock.monotonic() == before


def test_an_account_sends_from_one_place(world: World) -> None:
    """A run whose account is busy elsewhere waits its turn, and posts nothing before."""
    seen(world, People(5))
    with lock_account(world.services, "SNDBOX", ANOTHER_RUN):
        (waiting,) = tock(world)
        assert not waiting.is_closed
        assert "POST" not in [request.method for request in world.stand_in.requests]

    world.clock.sleep(10)
    assert [record.status for record in tock(world)] == ["successful"]


def test_accounts_do_not_wait_for_each_other(world: World) -> None:
    """An account that is throttled for long leaves the time to the others."""
    world.stand_in.add_account("OTHER1", "Other", keys={"pk_other": SCOPES}, lists={"OthVip": "VIP"})
    world.secrets({"klaviyo-sandbox": "pk_sandbox", "other": "pk_other"})
    connection = example_documents()["connections/sandbox.json"] | {"id": "other", "secret_name": "other"}
    world.services.state.write("connections/other.json", json.dumps(connection).encode())
    export(world, "other", connection="other", list_id="OthVip")
    seen(world, People(5))
    world.stand_in.faults.add([Fault("error", method="POST", status=429, retry_after=3600)])

    statuses = sorted(record.status for record in tock(world))

    assert statuses == ["running", "successful"]


def test_confirming_runs_keep_no_thread_from_others(world: World) -> None:
    """Four accounts whose jobs take long do not hold up a fifth, nor what comes due meanwhile."""
    names = [f"other{number}" for number in range(5)]
    for name in names:
        world.stand_in.add_account(name, name, keys={f"pk-{name}": SCOPES}, lists={name: "VIP"})
        connection = example_documents()["connections/sandbox.json"] | {"id": name, "secret_name": name}
        world.services.state.write(f"connections/{name}.json", json.dumps(connection).encode())
        export(world, name, connection=name, list_id=name)
    world.secrets({name: f"pk-{name}" for name in names})
    world.document("exports/vip.json", schedule={"active": False})
    seen(world, People(5))
    world.stand_in.job_seconds = 100_000
    before = world.clock.monotonic()

    records = tock(world)

    assert {record.phase for record in records} == {"confirming"}
    assert len(records) == 5
    posts = [request for request in world.stand_in.requests if request.method == "POST"]
    assert len(posts) == 5
    assert world.clock.monotonic() - before <= WAITING


def test_what_somebody_else_has_just_run_is_not_run_again(world: World) -> None:
    """Between the timer's look and its start lies time: it looks again before it opens a run."""
    seen(world, People(5))
    (found,) = find_work(world.services)
    assert found.request is not None
    assert world.run().status == "successful"

    with pytest.raises(AlreadyRunning):
        begin(world.services, "vip", found.request, world.deadline())

    assert len(world.stand_in.accounts["SNDBOX"].jobs) == 1


def test_another_segment_in_a_saved_export_runs_nothing(world: World) -> None:
    """What is new to the export begins with its present snapshot as the baseline."""
    seen(world)
    write_segment(world.services.segment_store, "Other", People(3), refreshed=later(1))
    world.document("exports/vip.json", segments=["Other"])
    assert tock(world) + tock(world) == []

    write_segment(world.services.segment_store, "Other", People(4), refreshed=later(2))
    (record,) = tock(world)
    assert (record.status, record.counts.imported) == ("successful", 4)


def test_a_newer_snapshot_that_is_not_due_lets_klaviyo_work(world: World) -> None:
    """An inactive export's open run is not given up for a snapshot that nobody is going to export."""
    world.document("exports/vip.json", schedule={"active": False})
    world.segment(People(5))
    world.stand_in.job_seconds = 300
    record = start(world.services, "vip", Request("on_demand", "tester"))
    assert not advance(world.services, record, Deadline(world.clock, 20)).is_closed
    world.segment(People(6), later(1))
    tock(world)

    world.clock.sleep(300)
    (closed,) = tock(world)
    assert (closed.id, closed.counts.imported, closed.counts.unconfirmed) == (record.id, 5, 0)


def test_segments_that_refuse_us_stop_no_open_run(world: World) -> None:
    """What is sent already is confirmed, whatever becomes of the segments' store."""
    seen(world, People(5))
    world.stand_in.job_seconds = 100
    (open_,) = tock(world)
    world.clock.sleep(200)
    store = RefusingStore(world.services.segment_store)
    world.services = with_segments(world.services, store)

    (closed,) = tock(world)

    assert (closed.id, closed.status) == (open_.id, "successful")


def test_two_ticks_at_once_do_no_harm(world: World) -> None:
    """A timer that fires twice runs nothing twice."""
    seen(world, UnusualPeople(600))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: tock(world), range(4)))
    tock(world)

    assert world.members() == UnusualPeople(600).expected.emails
    assert len(world.stand_in.accounts["SNDBOX"].jobs) == 2
    records = [blob for blob in world.services.state.list("runs/") if blob.name.endswith(".json")]
    assert len(records) == 1


def test_the_timer_ends_what_http_began(world: World) -> None:
    """A run that its first caller left open is closed by the next tick."""
    seen(world)
    world.stand_in.job_seconds = 100
    record = start(world.services, "vip", Request("on_demand", "tester"))
    record = advance(world.services, record, Deadline(world.clock, 20))
    assert not record.is_closed

    (waiting,) = tock(world)
    assert not waiting.is_closed
    world.clock.sleep(120)
    assert [(closed.id, closed.status) for closed in tock(world)] == [(record.id, "successful")]


def test_a_recurrence_runs_at_its_time(world: World) -> None:
    """A daily export runs once a day, refreshed or not, and a missed day once."""
    # Documents carry the real time at which they were written; at noon, all three days are still to come.
    noon = datetime.now(UTC).replace(hour=12, minute=0) + timedelta(days=1)
    world.clock.sleep((noon - world.clock.now()).total_seconds())
    world.document("exports/vip.json", schedule={"when": {"cron": "0 6 * * *", "timezone": "UTC"}})
    seen(world)
    runs = []
    for _ in range(3 * 24):
        runs += [record.created_at for record in tock(world)]
        world.clock.sleep(3600)
    assert len(runs) == 3
    assert {time.hour for time in runs} == {6}

    world.clock.sleep(5 * 24 * 3600)
    assert len(tock(world)) == 1
    assert tock(world) == []


def test_a_slice_sends_something_however_short(world: World) -> None:
    """Reading again what was sent can't eat a budget for ever: each slice gets one job further."""
    seen(world, UnusualPeople(1_250))
    slices = 0
    while not all(record.is_closed for record in tock(world, 0.001)):
        slices += 1
        world.clock.sleep(60)
        assert slices < 10

    assert world.members() >= UnusualPeople(1_250).expected.emails


def test_with_nothing_due_a_tick_costs_two_listings(tmp_path: Any, azurite: Azurite) -> None:
    """Forty exports, on Azurite: heads and exports are listed, each model.json read once, nothing written."""
    urls = {"segments_url": azurite.container(), "state_url": azurite.container()}
    with a_world(tmp_path, **urls) as world:
        for number in range(39):
            export(world, f"export-{number:03}", segments=[SEGMENT])
        world.segment(People(1))
        write_segment(world.services.segment_store, "Other", People(1), refreshed=MONDAY)
        services, state, segments = counted(world.services)
        tick(services, 240)
        tick(services, 240)
        state.calls.clear()
        segments.calls.clear()

        assert tick(services, 240).records == []

        assert sorted(state.calls) == [("list", "exports/"), ("list", "heads/")]
        assert [what for what, _ in segments.calls] == ["read"]
