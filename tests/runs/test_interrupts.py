"""What people do to a run while it goes: cancel it, pause it, change its key."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from sandbox.klaviyo import SCOPES, Fault, JobPlan
from sandbox.people import People
from shared.adapters.clock import Deadline
from shared.adapters.vault import Vault
from shared.errors import Denied
from shared.ledger.key import SECRET_NAME
from shared.runs.advance import advance, cancel, run, start
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from shared.runs.steps.permit import request_cancel
from shared.runs.work.tick import tick
from tests.support.small_batches import UnusualPeople, unusual
from tests.support.stores import CountingStore
from tests.support.world import World


class Keys(Vault):
    """Tells one key after the other, and the last one for good; and has a digest key."""

    is_writable = False

    def __init__(self, *keys: str) -> None:
        self._keys = list(keys)

    def secret(self, name: str) -> str:
        if name == SECRET_NAME:
            return "0123456789abcdef0123456789abcdef"
        return self._keys.pop(0) if len(self._keys) > 1 else self._keys[0]

    def write(self, name: str, key: str) -> None:
        raise Denied(name)

    def replace(self, name: str, key: str) -> None:
        raise Denied(name)

    def remove(self, name: str) -> None:
        raise Denied(name)


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
    world.segment(UnusualPeople(2_750))
    record = opened(world)
    # Only two posts at a time get through, and in the first somebody cancels.
    world.stand_in.faults.add(
        [Fault("error", method="POST", nth=nth, status=429, retry_after=5) for nth in range(3, 9)]
    )
    world.stand_in.on_import(lambda _: request_cancel(world.services.state, record.id))

    closed = advance(world.services, record, world.deadline())

    assert closed.status == "canceled"
    assert 0 < closed.counts.sent < 2_750
    assert closed.counts.imported == closed.counts.sent == len(world.members())


def test_a_cancelled_run_lists_whom_it_had_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of our own checks and such as a 400 had named: as many as the counts say, each on file."""
    monkeypatch.setattr("shared.runs.steps.send.IN_FLIGHT", 1)  # nothing is posted beside the first batch
    world.segment(UnusualPeople(1_500, dirt=True))
    world.stand_in.refused_emails = {unusual(100)}
    record = opened(world)

    def cancel_at_the_second(body: object) -> None:
        if posts(world):
            request_cancel(world.services.state, record.id)

    world.stand_in.on_import(cancel_at_the_second)

    closed = advance(world.services, record, world.deadline())

    assert closed.status == "canceled"
    assert closed.counts.rejected > 0
    assert len(world.rejected(closed)) == closed.counts.rejected == sum(closed.rejected_by_reason.values())


def test_cancelled_during_the_last_post(world: World) -> None:
    """What nobody could stop any more ends as what it is, and says that the cancel came too late."""
    world.segment(People(10))
    record = opened(world)
    world.stand_in.on_import(lambda _: request_cancel(world.services.state, record.id))

    closed = advance(world.services, record, world.deadline())

    assert (closed.status, closed.warning_codes()) == ("completed_with_warnings", {"cancel_too_late"})
    cancel(world.services, record, world.deadline())
    assert [blob.name for blob in world.services.state.list("runs/vip/")] == [f"runs/vip/{record.id}.json"]


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
    assert tick(world.services, 240).records == []
    world.segment(People(10))
    world.stand_in.faults.add([Fault("error", method="POST", status=429, retry_after=1000)])
    (record,) = tick(world.services, 240).records

    cancel(world.services, record, world.deadline())

    world.clock.sleep(5000)
    assert tick(world.services, 240).records == []


def test_a_key_that_is_changed_between_two_runs(world: World) -> None:
    """Each run reads the key anew."""
    world.segment(People(10))
    world.run()
    world.stand_in.accounts["SNDBOX"].keys = {"pk_new": SCOPES}
    world.replace_key("pk_new")
    world.segment(People(20), refreshed=world.clock.now())

    record = world.run()

    assert (record.status, record.counts.sent) == ("successful", 10)


def rotate(world: World, *, in_the_vault: bool) -> Callable[[object], None]:
    """Withdraws the old key at the second import, and puts the new one into the vault, or not."""
    seen = []

    def at_import(body: object) -> None:
        seen.append(body)
        if len(seen) == 2:
            world.stand_in.accounts["SNDBOX"].keys = {"pk_new": SCOPES}
            if in_the_vault:
                world.replace_key("pk_new")

    return at_import


def test_a_key_that_is_changed_during_a_run(world: World) -> None:
    """A 401 leads to one fresh read of the vault, and the run goes on with the new key."""
    world.segment(UnusualPeople(6_250), partitions=1)
    world.stand_in.on_import(rotate(world, in_the_vault=True))

    record = world.run()

    assert record.status == "successful"
    assert world.members() == UnusualPeople(6_250).expected.emails


def test_a_key_that_is_changed_while_a_run_begins(world: World) -> None:
    """The vault may have told the old key a moment ago: it is asked once more."""
    world.segment(People(10))
    world.stand_in.accounts["SNDBOX"].keys = {"pk_new": SCOPES}
    services = replace(world.services, vault=Keys("pk_old", "pk_new"))

    assert run(services, "vip", Request("command", "tester"), world.deadline()).status == "successful"


def test_a_run_does_not_change_its_account(world: World) -> None:
    """Whatever the connection and the key become meanwhile, the rest goes to no other company."""
    world.segment(UnusualPeople(2_750))
    # Not all eight posts go at once.
    world.stand_in.faults.add(
        [Fault("error", method="POST", nth=nth, status=429, retry_after=5) for nth in range(3, 9)]
    )
    world.stand_in.add_account("OTHER1", "Other", keys={"pk_other": SCOPES}, lists={"Y6nRLr": "VIP"})

    def pause(_: object) -> None:
        world.document("connections/sandbox.json", paused=True)

    world.stand_in.on_import(pause)
    assert not world.run().is_closed
    world.stand_in._observers.clear()
    world.document("connections/sandbox.json")
    world.replace_key("pk_other")
    world.clock.sleep(60)

    record = world.run()

    assert record.error is not None
    assert (record.status, record.error.code) == ("failed", "wrong_account")
    assert not world.stand_in.accounts["OTHER1"].profiles


def test_a_key_that_is_withdrawn_during_a_run(world: World) -> None:
    """Where the vault has no other, the run fails and says what to do; what went before stands."""
    world.segment(UnusualPeople(6_250), partitions=1)
    world.stand_in.on_import(rotate(world, in_the_vault=False))

    record = world.run()

    assert record.status == "failed"
    assert record.error is not None
    assert record.error.code == "invalid_key"
    assert 0 < record.counts.sent < 6_250
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
    assert head["open"]["wait"]["reason"] == "paused"

    world.document("connections/sandbox.json")
    assert world.run().status == "successful"


def test_a_pause_in_the_middle(world: World) -> None:
    """A run that is paused while it sends goes on where it was, with nobody twice."""
    world.segment(UnusualPeople(2_750))
    world.stand_in.faults.add(
        [Fault("error", method="POST", nth=nth, status=429, retry_after=5) for nth in range(3, 9)]
    )
    world.stand_in.on_import(lambda _: world.document("connections/sandbox.json", paused=True))
    waiting = run(world.services, "vip", Request("command", "tester"), Deadline(world.clock, 30))
    assert 0 < waiting.counts.sent < 2_750
    world.stand_in._observers.clear()

    world.document("connections/sandbox.json")
    world.clock.sleep(60)
    record = world.run()

    assert record.id == waiting.id
    assert record.counts.imported == 2_750
    assert len(world.stand_in.accounts["SNDBOX"].jobs) == 6


@pytest.mark.parametrize("by", ["setting", "connection"])
def test_a_pause_that_is_lifted_is_noticed_within_seconds(world: World, by: str) -> None:
    """Whatever time the run was to wait until: the next tick sends, and so does a command that waits."""
    world.segment(People(10))
    paused, services = world.services, world.services
    if by == "setting":
        paused = replace(services, settings=replace(services.settings, exports_paused=True))
    else:
        world.document("connections/sandbox.json", paused=True)
    record = start(paused, "vip", Request("on_demand", "tester"))
    before = world.clock.monotonic()
    assert [each.status for each in tick(paused, 30).records] == ["running"]
    head = json.loads(services.state.read("heads/vip.json").content)
    head["open"]["wait"]["until"] = "2026-08-24T16:20:00Z"  # as versions wrote it that looked once a minute
    services.state.write("heads/vip.json", json.dumps(head).encode())

    world.document("connections/sandbox.json")

    assert [(each.id, each.status) for each in tick(services, 30).records] == [(record.id, "successful")]
    assert world.clock.monotonic() - before <= 40


def test_a_paused_run_that_is_looked_at_writes_nothing(world: World) -> None:
    """However often somebody looks whether the pause is over."""
    world.segment(People(10))
    world.document("connections/sandbox.json", paused=True)
    start(world.services, "vip", Request("on_demand", "tester"))
    tick(world.services, 30)
    store = CountingStore(world.services.state)

    tick(replace(world.services, state=store), 30)

    assert {what for what, _ in store.calls} == {"list", "stat", "read", "acquire"}
    assert posts(world) == 0
