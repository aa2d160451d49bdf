"""What a tick finds to do: which exports, for which account, and not before when."""

import json
from datetime import timedelta
from typing import Any

import pytest

from sandbox.people import People
from sandbox.sample import example_documents
from shared import state
from shared.errors import StorageUnavailable
from shared.runs.heads.head import Head, create_head, read_head
from shared.runs.heads.index import Retry
from shared.runs.run import OpenRun
from shared.runs.states import State, Wait
from shared.runs.work.find import NEVER, Work, find_work
from tests.support.open_runs import a_pinned_run, a_run
from tests.support.stores import CountingStore, WatchedStore, with_segments
from tests.support.world import MONDAY, SEGMENT, World

LATER = MONDAY + timedelta(minutes=30)


def head(world: World, open_run: OpenRun | None = None, **changes: Any) -> None:
    """Writes the head of vip, whose segment was exported in its first version."""
    members: dict[str, Any] = {"export": "vip", "exported": {SEGMENT: version(world)}, "scheduled_at": MONDAY}
    store = world.services.state
    store.delete(state.head("vip"))
    create_head(store, Head.model_validate(members | {"open": open_run} | changes))


def version(world: World) -> str:
    return world.services.segments.versions([SEGMENT])[SEGMENT]


def account(world: World, account_id: str | None) -> None:
    pinned = {"id": account_id, "name": "One"} if account_id else None
    world.document("connections/sandbox.json", account=pinned)


def find(world: World) -> Work | None:
    """What there is to do; for one export at most."""
    found = find_work(world.services)
    assert len(found) <= 1
    return found[0] if found else None


@pytest.fixture
def due(world: World) -> World:
    """An installation whose only export is due."""
    world.segment(People(1))
    head(world)
    world.segment(People(2), LATER)
    return world


def test_an_export_that_is_due_is_work_for_its_account(due: World) -> None:
    """Until the account is known, for its connection; with what the timer has seen."""
    account(due, None)
    work = find(due)
    assert work is not None
    assert (work.export, work.account, work.run, work.not_before) == ("vip", "sandbox", None, NEVER)
    assert work.request is not None
    assert work.request.versions == {SEGMENT: version(due)}
    assert work.request.seen == read_head(due.services.state, "vip")[0].entry()
    account(due, "SNDBOX")
    work = find(due)
    assert work is not None
    assert work.account == "SNDBOX"


def test_what_is_not_active_is_not_due(due: World) -> None:
    """Whatever is there, and no segment is looked for."""
    due.document("exports/vip.json", schedule={"active": False})
    segments = CountingStore(due.services.segment_store)
    services = with_segments(due.services, segments)
    assert find_work(services) == []
    assert segments.calls == []


def test_an_inactive_export_gets_its_baseline_all_the_same(world: World) -> None:
    """What is there when it is first seen needs no run when it is activated."""
    world.segment(People(1))
    world.document("exports/vip.json", schedule={"active": False})
    assert find(world) is None
    assert read_head(world.services.state, "vip")[0].exported == {SEGMENT: version(world)}


class Away(WatchedStore):
    def called(self, what: str, name: str) -> None:
        raise StorageUnavailable("away")


@pytest.mark.parametrize("seen", [True, False])
def test_without_segments_nothing_is_due_and_nothing_is_a_baseline(
    due: World, seen: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """What can't be seen may be new; that is no error of the export."""
    if not seen:
        due.services.state.delete(state.head("vip"))
    away = Away(due.services.segment_store)
    services = with_segments(due.services, away)

    assert find_work(services) == []

    assert len(list(due.services.state.list(state.HEADS))) == seen
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_an_open_run_is_work_whatever_is_due(due: World) -> None:
    """Once, for the account of its plan, behind what was advanced before it."""
    run = a_pinned_run(
        {SEGMENT: version(due)}, wait=Wait(until=LATER + timedelta(hours=1), reason="throttled")
    )
    run.advanced_at = MONDAY
    head(due, run, exported={SEGMENT: "1"})
    work = find(due)
    assert work is not None
    assert (work.account, work.run, work.request) == ("SNDBOX", run.record.id, None)
    assert (work.advanced_at, work.not_before) == (MONDAY, LATER + timedelta(hours=1))


@pytest.mark.parametrize(("known", "expected"), [(None, "sandbox"), ("ACC", "ACC")])
def test_a_run_without_a_plan_is_work_for_its_connection(
    due: World, known: str | None, expected: str
) -> None:
    """Or for the account that this has; where the document is gone, for nobody else's."""
    account(due, known)
    head(due, a_run(State.OPENED))
    work = find(due)
    assert work is not None
    assert (work.account, work.advanced_at, work.not_before) == (expected, NEVER, NEVER)

    due.services.state.delete(state.export("vip"))
    work = find(due)
    assert work is not None
    assert work.account == "vip"


@pytest.mark.parametrize(
    ("wait", "held"),
    [
        (None, False),
        (Wait(until=LATER + timedelta(hours=1), reason="throttled"), True),
        (Wait(until=LATER + timedelta(hours=1), reason="paused"), False),
        (Wait(until=LATER + timedelta(days=1), reason="throttled"), False),
    ],
)
def test_a_wait_holds_a_run_back(due: World, wait: Wait | None, held: bool) -> None:
    """Not one for the end of a pause, nor one that can't be believed."""
    head(due, a_pinned_run({SEGMENT: version(due)}, wait=wait))
    work = find(due)
    assert work is not None
    assert (work.not_before == NEVER) is not held


def test_a_wait_holds_no_run_back_that_a_newer_snapshot_ends(due: World) -> None:
    """Even where the export is not active."""
    wait = Wait(until=LATER + timedelta(hours=1), reason="throttled")
    head(due, a_pinned_run({SEGMENT: version(due)}, wait=wait))
    due.document("exports/vip.json", schedule={"active": False})
    due.segment(People(3), LATER + timedelta(minutes=10))
    work = find(due)
    assert work is not None
    assert work.not_before == NEVER


def test_a_retry_without_a_cause_for_people_is_due(due: World) -> None:
    """At its time; one that waits for people is looked at."""
    retry = Retry(versions={SEGMENT: version(due)}, attempts=1, not_before=MONDAY)
    due.services.state.delete(state.head("vip"))
    members = {"export": "vip", "exported": {SEGMENT: "1"}, "scheduled_at": MONDAY}
    create_head(due.services.state, Head.model_validate(members | {"retry": retry}))
    assert find(due) is not None


def test_exports_of_one_file_are_not_the_timer_s(due: World) -> None:
    """Only the command has the file."""
    name = "send-0123456789abcdef"
    record = a_run(State.OPENED).record.model_copy(
        update={"id": f"{name}.20260824T143300Z-0000", "export": name}
    )
    create_head(due.services.state, Head(export=name, scheduled_at=MONDAY, open=OpenRun(record=record)))
    document = example_documents()["exports/vip.json"] | {"id": name, "schedule": {"active": False}}
    due.services.state.write(state.export(name), json.dumps(document).encode())
    work = find(due)
    assert work is not None
    assert work.export == "vip"
