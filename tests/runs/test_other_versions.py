"""Heads of the version before, and of a newer one."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from sandbox.klaviyo import Fault, JobPlan
from sandbox.people import People
from shared import state
from shared.adapters.clock import Deadline
from shared.errors import NewerVersion
from shared.runs.advance import advance, run, start
from shared.runs.heads.head import read_head
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from shared.runs.work.tick import tick
from tests.support.small_batches import UnusualPeople
from tests.support.telemetry import Metrics
from tests.support.world import MONDAY, World

ON_DEMAND = Request("on_demand", "tester")


def before_version_2(head: dict[str, Any]) -> dict[str, Any]:
    """A head as the first version wrote it, of what the second has written."""
    opened = head["open"]
    wait, cut = opened["wait"] or {}, opened["cut"] or {}
    cause = cut.get("cause")
    ending = "canceled" if cause == "superseded" else cause
    run = {
        **{name: opened[name] for name in ("record", "plan", "limit", "looks", "advanced_at")},
        **opened["deliveries"],
        "ending": ending,
        "error": cut.get("error"),
        "take_ups": opened["unfinished_turns"],
        "last_look": cause == "superseded",
        "not_before": wait.get("until"),
        "waiting_for": wait.get("reason"),
    }
    return head | {"version": 1, "open": run}


def written_before(world: World) -> None:
    """The head of vip becomes one of the first version, in content and metadata."""
    store, name = world.services.state, state.head("vip")
    head = before_version_2(json.loads(store.read(name).content))
    metadata = {key: value for key, value in store.stat(name).metadata.items() if key != "version"}
    store.write(name, json.dumps(head).encode(), metadata=metadata)


def opened(world: World) -> RunRecord:
    return start(world.services, "vip", ON_DEMAND)


def sending(world: World) -> RunRecord:
    world.stand_in.faults.add([Fault("error", method="POST", nth=3, status=429, retry_after=60)])
    return advance(world.services, opened(world), Deadline(world.clock, 30))


def confirming(world: World) -> RunRecord:
    world.stand_in.plans.extend([JobPlan(seconds=60)] * 3)
    return advance(world.services, opened(world), Deadline(world.clock, 1))


def failed(world: World) -> RunRecord:
    world.stand_in.faults.add([Fault("error", method="POST", nth=3, status=409)])
    world.stand_in.plans.extend([JobPlan(seconds=60)] * 3)
    return advance(world.services, opened(world), Deadline(world.clock, 1))


LEFT: list[tuple[Callable[[World], RunRecord], str, str]] = [
    (opened, "opened", "successful"),
    (sending, "sending", "successful"),
    (confirming, "confirming", "successful"),
    (failed, "confirming", "failed"),
]


@pytest.mark.parametrize(("leave", "state_then", "status"), LEFT)
def test_a_run_that_the_version_before_opened_is_finished(
    world: World, leave: Callable[[World], RunRecord], state_then: str, status: str
) -> None:
    """In whatever state it was left: nobody is lost, nobody goes twice, and the counts add up."""
    world.segment(UnusualPeople(1_500))
    record = leave(world)
    before = read_head(world.services.state, "vip")[0]
    written_before(world)

    head = read_head(world.services.state, "vip")[0]
    assert before.open is not None
    before.open.rows = {}  # which the first version did not count
    assert head == before
    assert head.open is not None
    assert head.open.state == state_then
    world.clock.sleep(100)
    closed = world.run()

    assert (closed.id, closed.status) == (record.id, status)
    assert closed.counts.imported == closed.counts.sent == len(world.members())
    assert "sent_twice" not in closed.warning_codes()
    assert status == "failed" or closed.counts.imported == 1_500


def test_the_timer_reads_a_listing_of_the_version_before(world: World) -> None:
    """Its metadata too: the run continues at the next tick."""
    world.segment(UnusualPeople(1_500))
    record = sending(world)
    written_before(world)
    world.clock.sleep(100)

    assert [(closed.id, closed.status) for closed in tick(world.services, 240).records] == [
        (record.id, "successful")
    ]


@pytest.fixture
def newer(world: World) -> bytes:
    """A head of a version that is to come, with an open run in a state that this one doesn't know."""
    world.segment(People(5))
    opened(world)
    store, name = world.services.state, state.head("vip")
    head = json.loads(store.read(name).content)
    head |= {"version": 4}
    head["open"] = {"anything": "else"}
    content = json.dumps(head).encode()
    store.write(name, content, metadata={"status": "running", "version": "4", "glance": "{}"})
    return content


def test_the_timer_leaves_a_newer_head_alone(
    world: World, newer: bytes, metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    """It is neither failed, nor behind, nor written; the newer code does its work."""
    world.segment(People(6), MONDAY + timedelta(minutes=30))
    metrics.told()

    assert tick(world.services, 240).records == []

    assert world.services.state.read(state.head("vip")).content == newer
    assert "segment_export.behind" not in metrics.told()
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_caller_hears_of_a_newer_head(world: World, newer: bytes) -> None:
    """By command and over HTTP: a code of its own, and nothing is written."""
    with pytest.raises(NewerVersion, match="A newer version of segment-export wrote"):
        start(world.services, "vip", ON_DEMAND)
    with pytest.raises(NewerVersion, match="A newer version of segment-export wrote"):
        run(world.services, "vip", ON_DEMAND, world.deadline())

    assert world.services.state.read(state.head("vip")).content == newer
