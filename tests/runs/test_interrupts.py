"""What people do to a run while it goes: cancel it, pause it, change its key."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from sandbox.klaviyo import SCOPES, Fault, JobPlan
from sandbox.people import People
from shared.adapters.clock import Deadline
from shared.runs.advance import advance, run, start
from shared.runs.cancelling import cancel
from shared.runs.permits import request_cancel
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from tests.support.world import World


def posts(world: World) -> int:
    return [request.method for request in world.stand_in.requests].count("POST")


def opened(world: World) -> RunRecord:
    return start(world.services, "vip", Request("on_demand", "tester"))


def test_cancelled_before_the_first_post(world: World) -> None:
    """Nothing is sent, and the run is closed at once, since nobody holds it."""
    world.segment(People(10))

    record = cancel(world.services, opened(world), world.deadline())

    assert (record.status, record.phase, record.error) == ("canceled", "closed", None)
    assert posts(world) == 0
    assert [blob.name for blob in world.services.state.list("runs/vip/")] == [f"runs/vip/{record.id}.json"]


def test_cancelled_between_the_posts(world: World) -> None:
    """Whoever holds the run sees it before the next post; what was accepted is confirmed and counted."""
    world.segment(People(55_000))
    record = opened(world)
    # Only two posts at a time get through, and in the first somebody cancels.
    world.stand_in.faults.add(
        [Fault("error", method="POST", nth=nth, status=429, retry_after=5) for nth in range(3, 9)]
    )
    world.stand_in.on_import(lambda _: request_cancel(world.services.state, record.id))

    closed = advance(world.services, record, world.deadline())

    assert closed.status == "canceled"
    assert 0 < closed.counts.sent < 55_000
    assert closed.counts.imported == closed.counts.sent == len(world.members())


def test_cancelled_after_the_last_post(world: World) -> None:
    """When nothing is left to send, the run ends with its real status and says that it was too late."""
    world.segment(People(10))
    world.stand_in.plans.append(JobPlan(seconds=100))
    record = advance(world.services, opened(world), Deadline(world.clock, 1))
    assert record.phase == "confirming"

    cancel(world.services, record, world.deadline())
    closed = world.run()

    assert closed.id == record.id
    assert closed.status == "completed_with_warnings"
    assert closed.warning_codes() == {"cancel_too_late"}
    assert closed.counts.imported == 10


def test_a_cancelled_snapshot_is_not_sent_by_the_timer(world: World) -> None:
    """Who cancelled a run does not see it begin again a minute later."""
    from shared.runs.tick import tick

    assert tick(world.services, 240) == []
    world.segment(People(10))
    world.stand_in.faults.add([Fault("error", method="POST", status=429, retry_after=1000)])
    (record,) = tick(world.services, 240)

    cancel(world.services, record, world.deadline())

    world.clock.sleep(5000)
    assert tick(world.services, 240) == []


def test_a_key_that_is_changed_between_two_runs(world: World) -> None:
    """Each run reads the key anew."""
    world.segment(People(10))
    world.run()
    world.stand_in.accounts["SNDBOX"].keys = {"pk_new": SCOPES}
    world.secrets({"klaviyo-sandbox": "pk_new"})

    assert world.run().status == "successful"


def rotate(world: World, *, in_the_vault: bool) -> Callable[[object], None]:
    """Withdraws the old key at the second import, and puts the new one into the vault, or not."""
    seen = []

    def at_import(body: object) -> None:
        seen.append(body)
        if len(seen) == 2:
            world.stand_in.accounts["SNDBOX"].keys = {"pk_new": SCOPES}
            if in_the_vault:
                world.secrets({"klaviyo-sandbox": "pk_new"})

    return at_import


def test_a_key_that_is_changed_during_a_run(world: World) -> None:
    """A 401 leads to one fresh read of the vault, and the run goes on with the new key."""
    world.segment(People(125_000), partitions=1)
    world.stand_in.on_import(rotate(world, in_the_vault=True))

    record = world.run()

    assert record.status == "successful"
    assert world.members() == People(125_000).expected.emails


def test_a_key_that_is_withdrawn_during_a_run(world: World) -> None:
    """Where the vault has no other, the run fails and says what to do; what went before stands."""
    world.segment(People(125_000), partitions=1)
    world.stand_in.on_import(rotate(world, in_the_vault=False))

    record = world.run()

    assert record.status == "failed"
    assert record.error is not None
    assert record.error.code == "invalid_key"
    assert 0 < record.counts.sent < 125_000
    assert record.counts.unconfirmed == record.counts.sent


@pytest.mark.parametrize("by", ["setting", "connection"])
def test_paused_exports_post_nothing(world: World, by: str) -> None:
    """A pause stops before the next post, is no failure, and ends when somebody ends it."""
    world.segment(People(10))
    services = world.services
    if by == "setting":
        services = replace(services, settings=replace(services.settings, exports_paused=True))
    else:
        world.document("connections/sandbox.json", paused=True)
    request = Request("command", "tester")

    waiting = run(services, "vip", request, Deadline(world.clock, 10))

    assert not waiting.is_closed
    assert posts(world) == 0
    head = json.loads(services.state.read("heads/vip.json").content)
    assert head["open"]["waiting_for"] == "paused"

    world.document("connections/sandbox.json")
    world.clock.sleep(60)
    assert world.run().status == "successful"


def test_a_pause_in_the_middle(world: World) -> None:
    """A run that is paused while it sends goes on where it was, with nobody twice."""
    world.segment(People(55_000))
    world.stand_in.faults.add(
        [Fault("error", method="POST", nth=nth, status=429, retry_after=5) for nth in range(3, 9)]
    )
    world.stand_in.on_import(lambda _: world.document("connections/sandbox.json", paused=True))
    waiting = run(world.services, "vip", Request("command", "tester"), Deadline(world.clock, 30))
    assert 0 < waiting.counts.sent < 55_000
    world.stand_in._observers.clear()

    world.document("connections/sandbox.json")
    world.clock.sleep(60)
    record = world.run()

    assert record.id == waiting.id
    assert record.counts.imported == 55_000
    assert len(world.stand_in.accounts["SNDBOX"].jobs) == 6
