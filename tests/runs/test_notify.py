"""A run that failed or holds removals is reported to the operator's webhook, once it is closed."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import override

import pytest

from sandbox.people import People
from shared.adapters.vault import FileVault
from shared.errors import NotFound
from shared.runs.advance import advance, cancel, start
from shared.runs.heads.head import read_head
from shared.runs.notify import notification
from shared.runs.record import ErrorRecord, RunRecord, Status
from shared.runs.starting import Request
from shared.runs.steps.close import read_record
from shared.runs.work.tick import tick
from tests.support.dying import Died, dying
from tests.support.refreshes import refresh, rows
from tests.support.telemetry import Metrics
from tests.support.vault import KeyVaultServer
from tests.support.webhook import KEY, SECRET, TOKEN, Message, Receiver, notify_of, receiving
from tests.support.world import MONDAY, World


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def world(world: World, receiver: Receiver) -> World:
    """An installation that notifies the receiver, with a key."""
    notify_of(world, f"{receiver.address} {KEY}")
    world.segment(People(30, dirt=True))
    return world


def fails(world: World) -> None:
    """The export's list is not there."""
    world.document("exports/vip.json", list_id="Nowher", display_name="VIPs")


def only(receiver: Receiver) -> Message:
    [message] = receiver.messages
    return message


def test_a_failed_run_is_reported(world: World, receiver: Receiver, metrics: Metrics) -> None:
    """With its ids, its error, its counts and its times; signed; and counted."""
    fails(world)

    record = world.run()

    message = only(receiver)
    assert message.is_signed_with(KEY)
    assert abs(int(message.headers["webhook-timestamp"]) - world.clock.now().timestamp()) < 1
    assert record.error is not None
    finished = record.model_dump(mode="json")["finished_at"]
    assert message.content == {
        "type": "run.failed",
        "timestamp": finished,
        "data": {
            "id": record.id,
            "export": {"id": "vip", "display_name": "VIPs"},
            "status": "failed",
            "trigger": "command",
            "error": {"code": "unknown_list", "message": record.error.message},
            "warnings": [],
            "counts": record.counts.model_dump(),
            "started_at": None,
            "finished_at": finished,
        },
    }
    assert metrics.told()["segment_export.notifications"] == {("vip", "sent"): 1}


def test_held_removals_are_reported(world: World, receiver: Receiver) -> None:
    """Each run that holds them says so; the run that they are confirmed for does not."""
    world.document("exports/vip.json", sync={"mode": "mirror"})
    world.segment(rows(*range(20)))
    world.run()
    refresh(world, rows(*range(10)))

    record = world.run()

    content = only(receiver).content
    assert (content["type"], content["data"]["status"]) == ("run.removals_held", "completed_with_warnings")
    assert content["data"]["id"] == record.id
    assert content["data"]["warnings"] == [{"code": "removals_held", "count": 10}]
    assert content["data"]["error"] is None


def closed(status: Status, *warnings: str) -> RunRecord:
    record = RunRecord(
        id="vip.20260824T143300Z-0000",
        export="vip",
        trigger="schedule",
        requested_by="someone",
        status=status,
        phase="closed",
        created_at=MONDAY,
        finished_at=MONDAY,
    )
    for code in warnings:
        record.warn(code, 7)
    if status == "failed":
        record.error = ErrorRecord(code="denied", message="No.")
    return record


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (closed("failed"), "run_failed"),
        (closed("failed", "removals_held", "unconfirmed"), "run_failed"),
        (closed("completed_with_warnings", "strangers", "removals_held"), "run_removals_held"),
        (closed("completed_with_warnings", "strangers"), None),
        (closed("completed_with_warnings"), None),
        (closed("successful"), None),
        (closed("canceled", "superseded"), None),
        (closed("canceled", "removals_held"), None),
    ],
)
def test_what_is_reported(record: RunRecord, kind: str | None) -> None:
    """One notification of a run at most, under an id that is always the same and has no dot."""
    message = notification(record, None)
    assert (message and message.id) == (kind and f"vip_20260824T143300Z-0000_{kind}")
    assert message == notification(record, None)
    assert message is None or b"someone" not in message.body


def test_nothing_is_sent_of_other_runs(world: World, receiver: Receiver) -> None:
    """Not of one that only has warnings, nor of one that somebody canceled."""
    assert world.run().status == "completed_with_warnings"
    record = start(world.services, "vip", Request("on_demand", "tester"))
    assert cancel(world.services, record, world.deadline()).status == "canceled"
    assert receiver.messages == []


def by_the_timer(world: World) -> None:
    tick(world.services, 240)
    refresh(world, rows(1, 2))
    tick(world.services, 240)


def on_demand(world: World) -> None:
    """As POST /api/exports/vip/runs does: it is opened, and the timer continues."""
    start(world.services, "vip", Request("on_demand", "tester"))
    tick(world.services, 240)


def by_command(world: World) -> None:
    world.run()


@pytest.mark.parametrize("call", [by_the_timer, on_demand, by_command])
def test_every_caller_notifies(world: World, receiver: Receiver, call: Callable[[World], None]) -> None:
    """Whoever ends the run."""
    fails(world)
    call(world)
    assert only(receiver).content["type"] == "run.failed"


def test_the_run_is_closed_before_the_request(world: World, receiver: Receiver) -> None:
    """Whoever is notified finds the record, and a head without an open run: nothing waits for the answer."""
    fails(world)
    seen: list[tuple[RunRecord, bool]] = []

    def look() -> None:
        run_id = receiver.messages[-1].content["data"]["id"]
        record = read_record(world.services.state, "vip", run_id)
        seen.append((record, read_head(world.services.state, "vip")[0].open is None))

    receiver.meanwhile = look
    receiver.answer(500)

    record = world.run()

    assert seen == [(record, True)] * 2


@pytest.mark.parametrize(
    ("answers", "outcome", "requests"),
    [([500, 429, 204], "sent", 3), ([500] * 4, "webhook_unavailable", 3), ([404], "webhook_refused", 1)],
)
def test_whatever_becomes_of_it_the_run_stays_closed(
    world: World,
    receiver: Receiver,
    metrics: Metrics,
    caplog: pytest.LogCaptureFixture,
    answers: list[int],
    outcome: str,
    requests: int,
) -> None:
    """Three tries, each with the same id; a failure is a line and a number, and no next holder repeats it."""
    fails(world)
    receiver.answer(*answers)

    record = world.run()
    world.clock.sleep(3_600)

    assert (record.status, record.is_closed) == ("failed", True)
    assert advance(world.services, record, world.deadline()) == record
    assert len(receiver.messages) == requests
    assert len({message.headers["webhook-id"] for message in receiver.messages}) == 1
    assert all(message.is_signed_with(KEY) for message in receiver.messages)
    assert metrics.told()["segment_export.notifications"] == {("vip", outcome): 1}
    lines = [line.getMessage() for line in caplog.records if line.name == "shared.runs.notify"]
    assert [outcome in line and record.id in line for line in lines] == ([] if outcome == "sent" else [True])


def test_who_dies_before_the_head_is_cleared_leaves_it_to_the_next(world: World, receiver: Receiver) -> None:
    """It is sent by whoever clears the head, and once."""
    fails(world)
    record = start(world.services, "vip", Request("on_demand", "tester"))
    with pytest.raises(Died):
        advance(dying(world.services, lambda what, _: what == "delete"), record, world.deadline())
    assert receiver.messages == []
    world.clock.sleep(60)

    written = advance(world.services, record, world.deadline())

    assert written.status == "failed"
    assert only(receiver).content["data"]["id"] == record.id
    advance(world.services, written, world.deadline())
    assert len(receiver.messages) == 1


class Watched(FileVault):
    """Keeps the names of the secrets that somebody asked for."""

    asked: list[str]

    @override
    def secret(self, name: str) -> str:
        self.asked.append(name)
        return super().secret(name)


def test_without_the_setting_nothing_happens(world: World, receiver: Receiver, metrics: Metrics) -> None:
    """The vault is not even asked, nor where there is nothing to report."""
    vault = Watched(world.services.settings.secrets_file)
    vault.asked = []
    world.services = replace(world.services, vault=vault)
    assert world.run().status == "completed_with_warnings"
    fails(world)
    settings = replace(world.services.settings, notify_secret=None)
    world.services = replace(world.services, settings=settings)

    assert world.run().status == "failed"

    assert SECRET not in vault.asked
    assert receiver.messages == []
    assert "segment_export.notifications" not in metrics.told()


@pytest.mark.parametrize(
    ("value", "code"), [(None, "not_found"), (TOKEN, "invalid_settings"), ("\x00", "invalid_settings")]
)
def test_a_secret_that_is_no_address(
    world: World, metrics: Metrics, caplog: pytest.LogCaptureFixture, value: str | None, code: str
) -> None:
    """The run ends as it would; a line has the code and the secret's name, and nothing of its value."""
    fails(world)
    world.secrets({"klaviyo-sandbox": "pk_sandbox"} | ({} if value is None else {SECRET: value}))

    assert world.run().status == "failed"

    assert metrics.told()["segment_export.notifications"] == {("vip", code): 1}
    [line] = [line for line in caplog.records if line.name == "shared.runs.notify"]
    assert line.levelno == logging.WARNING
    assert code in line.getMessage()
    assert SECRET in line.getMessage()
    assert TOKEN not in caplog.text


def test_the_address_comes_from_the_key_vault(
    world: World, receiver: Receiver, key_vault: KeyVaultServer, metrics: Metrics
) -> None:
    """As an API key does; one that the vault refuses is a code."""
    fails(world)
    world.services = replace(world.services, vault=key_vault.vault())
    key_vault.secrets |= {"klaviyo-sandbox": "pk_sandbox", SECRET: f"{receiver.address} {KEY}"}
    world.run()
    assert only(receiver).is_signed_with(KEY)

    key_vault.refused[SECRET] = "ForbiddenByRbac"
    world.run()
    assert len(receiver.messages) == 1
    assert metrics.told()["segment_export.notifications"] == {("vip", "sent"): 1, ("vip", "denied"): 1}


def test_what_nobody_foresaw_does_not_fail_the_run(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, metrics: Metrics
) -> None:
    """An environment whose proxy httpx does not know, for instance: its type is logged, and no more."""
    fails(world)
    monkeypatch.setenv("http_proxy", f"gopher://{TOKEN}")
    monkeypatch.setenv("no_proxy", "")

    assert world.run().is_closed

    assert metrics.told()["segment_export.notifications"] == {("vip", "internal_error"): 1}
    [line] = [line.getMessage() for line in caplog.records if line.name == "shared.runs.notify"]
    assert line.startswith("unexpected ValueError at ")
    assert TOKEN not in caplog.text


def test_a_run_that_failed_before_its_export_was_read_has_no_name(world: World, receiver: Receiver) -> None:
    """The document is gone by then: the notification is sent all the same."""
    record = start(world.services, "vip", Request("on_demand", "tester"))
    world.services.state.delete("exports/vip.json")
    with pytest.raises(NotFound):
        world.services.catalog.export("vip")

    tick(world.services, 240)

    content = only(receiver).content
    assert content["data"]["export"] == {"id": "vip", "display_name": ""}
    assert content["data"]["id"] == record.id


def test_a_turn_without_time_sends_it_once(world: World, receiver: Receiver) -> None:
    """A run that ends with its time is reported too, and is not repeated beyond it."""
    fails(world)
    receiver.answer(500, 500, 500)
    began = world.clock.now()

    record = start(world.services, "vip", Request("on_demand", "tester"))
    tick(world.services, 1)

    assert read_record(world.services.state, "vip", record.id).status == "failed"
    assert len(receiver.messages) == 1
    assert world.clock.now() - began < timedelta(seconds=5)
