"""Whatever one export holds, the tick serves the others, and says what is wrong."""

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from sandbox.people import People
from sandbox.sample import example_documents
from shared import state
from shared.runs.work.tick import tick
from tests.support.stores import WatchedStore, with_state
from tests.support.telemetry import Metrics
from tests.support.world import MONDAY, World

type Change = Callable[[dict[str, Any]], None]


def set_to(path: str, value: object) -> Change:
    """Changes the value at a path of a head."""

    def change(head: dict[str, Any]) -> None:
        *steps, last = path.split(".")
        for step in steps:
            head = head[step]
        head[last] = value

    return change


WRONG: dict[str, Change] = {
    "no offset": set_to("scheduled_at", "2026-08-24T15:33:00"),
    "the year 9999": set_to("scheduled_at", "9999-12-31T23:59:59+00:00"),
    "the year 1": set_to("scheduled_at", "0001-01-01T00:00:00+14:00"),
    "a nonsense id": set_to("open.record.id", "../../vip"),
    "the id of a day that is none": set_to("open.record.id", "other.20261399T990000Z-0000"),
    "an id of another export": set_to("open.record.id", "vip.20260824T153300Z-0000"),
    "another export's head": set_to("export", "vip"),
    "a wait without offset": set_to("open.wait", {"until": "2026-08-24T15:33:00", "reason": "throttled"}),
    "a wait of ages": set_to("open.wait", {"until": "9999-12-31T23:59:59-12:00", "reason": "throttled"}),
    "a state that is none": set_to("open.state", "sleeping"),
    "a state without its plan": set_to("open.plan", None),
    "a plan before its state": set_to("open.state", "pinning"),
    "a state of no open run": set_to("open.state", "closed"),
    "fewer refused rows than none": set_to("open.deliveries.checked", {"missing_email": -1}),
    "turns below zero": set_to("open.unfinished_turns", -1),
    "more profiles than a number holds": set_to("open.deliveries.sent_twice", 10**30),
    "attempts that are none": set_to("open.unfinished_turns", "many"),
    "a last run of no day": set_to(
        "last_attempt", {"run": "other.0", "status": "failed", "finished_at": "2026-08-24T15:33:00Z"}
    ),
}


@pytest.fixture
def two(world: World) -> World:
    """An installation with two exports that are due; `other` has an open run."""
    document = example_documents()["exports/vip.json"] | {"id": "other"}
    world.services.state.write("exports/other.json", json.dumps(document).encode())
    world.segment(People(1))
    assert tick(world.services, 240).records == []
    world.document("connections/sandbox.json", paused=True)
    world.segment(People(5), MONDAY + timedelta(hours=1))
    tick(world.services, 1)
    world.document("connections/sandbox.json")
    return world


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("shown", [True, False], ids=["in the metadata", "in the head only"])
def test_a_head_that_is_wrong_stops_no_other(
    two: World,
    metrics: Metrics,
    caplog: pytest.LogCaptureFixture,
    change: Change,
    shown: bool,
) -> None:
    """It parses as JSON, and says what can't be: told as an error, counted as behind, and the others run."""
    store, name = two.services.state, state.head("other")
    head = json.loads(store.read(name).content)
    change(head)
    metadata = dict(store.stat(name).metadata)
    if shown:
        metadata["glance"] = json.dumps({**json.loads(metadata["glance"]), **glance_of(head)})
    else:
        del metadata["glance"]
    store.write(name, json.dumps(head).encode(), metadata=metadata)
    metrics.told()

    with caplog.at_level(logging.ERROR):
        records = tick(two.services, 240).records

    assert [(record.export, record.status) for record in records] == [("vip", "successful")]
    assert any("other" in record.getMessage() for record in caplog.records)
    assert metrics.told()["segment_export.behind"]["other",] == 1


def glance_of(head: dict[str, Any]) -> dict[str, Any]:
    """What the listing shows of a head that is wrong."""
    wait = head["open"]["wait"] or {"until": None}
    return {
        "open": head["open"]["record"]["id"],
        "scheduled_at": head["scheduled_at"],
        "not_before": wait["until"],
    }


@pytest.mark.parametrize("broken", [b"{", b"[]", b"", b"\xff", b'{"id": "other"}', b"[" * 100_000])
def test_a_document_that_is_wrong_stops_no_other(
    two: World, metrics: Metrics, caplog: pytest.LogCaptureFixture, broken: bytes
) -> None:
    """Its open run continues by its plan; the document is told as an error, and counted as behind."""
    two.services.state.write("exports/other.json", broken)
    metrics.told()

    with caplog.at_level(logging.ERROR):
        records = tick(two.services, 240).records

    assert {record.export: record.status for record in records} == {
        "vip": "successful",
        "other": "successful",
    }
    assert any("other" in record.getMessage() for record in caplog.records)
    assert metrics.told()["segment_export.behind"]["other",] == 1


class BuggyStore(WatchedStore):
    """A store in which a bug lies: any call for a name of one export raises what nobody foresaw."""

    def __init__(self, store: Any, what: str, name: str) -> None:
        super().__init__(store)
        self._call = (what, name)

    def called(self, what: str, name: str) -> None:
        if (what, name) == self._call:
            raise ZeroDivisionError


BUGS = [
    ("read", "heads/other.json"),
    ("write", "heads/other.json"),
    ("acquire", "heads/other.json"),
    ("read", "exports/other.json"),
    ("stat", "exports/other.json"),
]


@pytest.mark.parametrize(("what", "name"), BUGS)
def test_a_bug_in_one_export_stops_no_other(
    two: World, caplog: pytest.LogCaptureFixture, what: str, name: str
) -> None:
    """The last line of defence: what nobody foresaw is logged with its place, and the other export runs."""
    store = BuggyStore(two.services.state, what, name)
    services = with_state(two.services, store)

    with caplog.at_level(logging.ERROR):
        records = tick(services, 240).records

    assert ("vip", "successful") in [(record.export, record.status) for record in records]
    if (what, name) != ("stat", "exports/other.json"):
        assert any("ZeroDivisionError" in record.getMessage() for record in caplog.records)
