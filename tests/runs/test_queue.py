"""The queue of work: whatever becomes of its messages, each run goes on, and none twice at once."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.people import People
from sandbox.sample import example_documents, write_segment
from shared import state
from shared.adapters.clock import Deadline
from shared.runs.advance import cancel, run, start
from shared.runs.queue.asking import ask_again
from shared.runs.work.tick import tick
from shared.runs.work.worker import work_on
from tests.support.queue import work
from tests.support.queued import (
    ACCOUNT,
    ON_DEMAND,
    Away,
    Died,
    a_queued_world,
    deliver_text,
    marker,
    other_export,
    posts,
    records,
    refresh,
)
from tests.support.small_batches import UnusualPeople
from tests.support.stores import ActingStore, CountingStore, WatchedStore, with_state
from tests.support.telemetry import Metrics
from tests.support.world import MONDAY, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with a_queued_world(tmp_path) as world:
        yield world


def test_the_timer_asks_and_a_worker_works(world: World) -> None:
    """One message for what is due, and nothing of it is left."""
    refresh(world, People(5))
    assert posts(world) == 0
    assert len(world.queue.messages) == 1

    assert work(world.services, world.queue) == 1

    assert [record.status for record in records(world)] == ["successful"]
    assert world.members() == People(5).expected.emails
    assert (world.queue.messages, marker(world)) == ([], None)
    tick(world.services, 240)
    assert world.queue.messages == []


def test_a_worker_says_what_became_of_each_message(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Whose it was and how it ended: hosts are watched by their logs."""
    caplog.set_level(logging.INFO, "shared.runs.work.worker")
    refresh(world, People(5))
    text = world.queue.messages[0].text
    work(world.services, world.queue)
    deliver_text(world, text)
    deliver_text(world, "{}")
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.INFO]
    account = f"a message of the account {ACCOUNT}"
    assert said == [f"{account}: worked", f"{account}: stale", "a message of the queue: unreadable"]


def test_with_nothing_to_do_nothing_is_sent(world: World) -> None:
    """And a second tick asks no second time for what is on its way."""
    assert world.queue.sent == 0
    refresh(world, People(5))
    world.clock.sleep(60)
    tick(world.services, 240)
    assert world.queue.sent == 1


def test_what_waits_comes_back_by_a_new_message(world: World) -> None:
    """At its time, however long: nothing fails, and no worker is kept by it."""
    refresh(world, People(5))
    world.stand_in.job_seconds = 100_000
    work(world.services, world.queue)
    before = world.clock.monotonic()
    for _ in range(20):
        (message,) = world.queue.messages
        assert message.deliveries == 0
        world.clock.sleep(max(0.0, (message.visible_at - world.clock.now()).total_seconds()))
        assert work(world.services, world.queue) == 1
    assert world.clock.monotonic() - before >= 3600
    world.stand_in.job_seconds = 0
    assert not records(world)
    assert world.queue.poison == []


def test_a_doubled_message_does_no_harm(world: World) -> None:
    """Whether it comes while a worker has the account, or afterwards."""
    refresh(world, People(5))
    (message,) = world.queue.messages
    text = message.text
    world.stand_in.on_import(lambda _: deliver_text(world, text))

    work(world.services, world.queue)
    deliver_text(world, text)

    assert [record.status for record in records(world)] == ["successful"]
    assert posts(world) == 1
    assert (world.queue.messages, marker(world)) == ([], None)


def test_a_late_message_means_nothing(world: World) -> None:
    """One of an earlier turn, though the account has another one by now: it costs one look."""
    refresh(world, People(5))
    world.stand_in.job_seconds = 100
    first = world.queue.messages[0].text
    work(world.services, world.queue)
    held = marker(world)
    store = CountingStore(world.services.state)

    work_on(with_state(world.services, store), world.queue, first, 480)

    assert store.calls == [("read", state.work(ACCOUNT))]
    assert held is not None
    assert marker(world) == held
    assert len(world.queue.messages) == 1


def test_messages_in_another_order_do_no_harm(world: World) -> None:
    """What is asked for sooner has a new message, and the later one means nothing, whichever comes first."""
    refresh(world, People(5))
    world.stand_in.job_seconds = 100
    work(world.services, world.queue)
    (later,) = world.queue.messages
    refresh(world, People(6), 2)
    (sooner,) = (message for message in world.queue.messages if message is not later)

    deliver_text(world, later.text)
    assert len(records(world)) == 0
    work(world.services, world.queue)
    for _ in range(5):
        world.clock.sleep(300)
        tick(world.services, 240)
        work(world.services, world.queue)

    assert sooner not in world.queue.messages
    assert [record.status for record in records(world)] == ["completed_with_warnings", "successful"]
    assert world.members() >= People(6).expected.emails


def died_in_a_post(world: World) -> None:
    """A worker that was killed when Klaviyo had accepted a post of its."""
    refresh(world, UnusualPeople(1_250))

    def called(what: str, name: str) -> None:
        if what == "write" and name.startswith("heads/") and posts(world):
            raise Died

    services = with_state(world.services, ActingStore(world.services.state, called))
    with pytest.raises(Died):
        work(services, world.queue)


def test_a_killed_worker_s_account_goes_on_at_the_timer_s_next_look(world: World) -> None:
    """A minute later, though its message is hidden for ten; which means nothing when it comes back."""
    died_in_a_post(world)
    world.clock.sleep(61)
    tick(world.services, 240)

    work(world.services, world.queue)

    assert [record.status for record in records(world)] == ["successful"]
    assert world.members() == UnusualPeople(1_250).expected.emails
    sent = posts(world)
    world.clock.sleep(600)
    assert work(world.services, world.queue) == 1
    assert posts(world) == sent
    assert (world.queue.messages, marker(world)) == ([], None)


def test_a_killed_worker_s_account_goes_on_without_the_timer(world: World) -> None:
    """When its message comes back, after ten minutes."""
    died_in_a_post(world)
    assert work(world.services, world.queue) == 0
    world.clock.sleep(600)

    work(world.services, world.queue)

    assert [record.status for record in records(world)] == ["successful"]
    assert (world.queue.messages, marker(world)) == ([], None)


def test_a_worker_that_is_slow_is_not_taken_for_dead(world: World) -> None:
    """Its lock is held, so nobody else gets its account, however often the timer looks."""
    refresh(world, People(5))
    sent = world.queue.sent

    def hours_later(_: object) -> None:
        world.clock.sleep(20)
        for _ in range(10):
            world.clock.ahead += timedelta(minutes=10)
            tick(world.services, 240)

    world.stand_in.on_import(hours_later)
    work(world.services, world.queue)

    assert [record.status for record in records(world)] == ["successful"]
    assert world.queue.sent == sent


def test_a_run_that_kills_its_workers_ends(world: World) -> None:
    """By its own count of attempts, whatever the queue does."""
    refresh(world, People(5))

    def called(what: str, name: str) -> None:
        if name.startswith("locks/account-"):
            raise Died

    services = with_state(world.services, ActingStore(world.services.state, called))
    for _ in range(5):
        with pytest.raises(Died):
            work(services, world.queue)
        world.clock.sleep(3600)
        tick(world.services, 240)

    work(world.services, world.queue)

    (record,) = records(world)
    assert record.error is not None
    assert (record.status, record.error.code) == ("failed", "no_progress")


def test_what_is_asked_for_while_a_worker_works_is_not_lost(world: World) -> None:
    """Another export of the account is started right then: the same worker does it, without a message."""
    other_export(world)
    refresh(world, People(5))

    once = iter(["other"])

    def start_once(_: object) -> None:
        for export in once:
            start(world.services, export, ON_DEMAND)

    world.stand_in.on_import(start_once)

    assert work(world.services, world.queue) == 1

    assert [record.status for record in records(world) + records(world, "other")] == ["successful"] * 2
    assert (world.queue.messages, marker(world)) == ([], None)


def test_what_is_asked_for_at_a_worker_s_last_moment_is_not_lost(world: World) -> None:
    """Between its last look and the end of its lock: the new message waits for that end."""
    other_export(world)
    refresh(world, People(5))

    class Releasing(WatchedStore):
        def delete(self, name: str, *, if_match: str | None = None) -> None:
            super().delete(name, if_match=if_match)
            if name == state.work(ACCOUNT):
                start(world.services, "other", ON_DEMAND)
                work(world.services, world.queue)  # finds the lock held

    work(with_state(world.services, Releasing(world.services.state)), world.queue)
    assert records(world, "other") == []
    world.clock.sleep(5)

    work(world.services, world.queue)

    assert [record.status for record in records(world, "other")] == ["successful"]
    assert (world.queue.messages, marker(world)) == ([], None)


@pytest.mark.parametrize("wait", [0, 20])
def test_what_http_leaves_open_has_a_worker(world: World, wait: int) -> None:
    """A start that waits for nothing, and one whose time is over."""
    if wait:
        world.stand_in.job_seconds = 100
        run(world.services, "vip", ON_DEMAND, Deadline(world.clock, wait))
    else:
        start(world.services, "vip", ON_DEMAND)
    assert len(world.queue.messages) == 1
    for _ in range(20):
        world.clock.sleep(20)
        work(world.services, world.queue)

    assert [record.status for record in records(world)] == ["successful"]


def test_a_canceled_run_that_is_still_counted_has_a_worker(world: World) -> None:
    """As soon as there is something to do, and not only when it would have gone on."""
    record = start(world.services, "vip", ON_DEMAND)
    world.stand_in.job_seconds = 100
    world.stand_in.on_import(lambda _: None)
    work(world.services, world.queue)
    cancel(world.services, record, Deadline(world.clock, 1))
    for _ in range(20):
        world.clock.sleep(20)
        work(world.services, world.queue)
    assert [record.warning_codes() for record in records(world)] == [{"cancel_too_late"}]


def test_a_paused_run_is_the_timer_s(world: World) -> None:
    """One look a minute, and no message that chases the next."""
    world.document("connections/sandbox.json", paused=True)
    refresh(world, People(5))
    assert work(world.services, world.queue) == 1
    world.clock.sleep(5)
    assert work(world.services, world.queue) == 0
    tick(world.services, 240)
    assert work(world.services, world.queue) == 1
    world.document("connections/sandbox.json")
    tick(world.services, 240)

    work(world.services, world.queue)

    assert [record.status for record in records(world)] == ["successful"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "7",
        "null",
        "{}",
        '{"version":1}',
        '{"version":"x"}',
        "[" * 100_000,
        '{"version":1,"kind":"work","id":"x","account":"../heads/vip.json","sent_at":"2026-08-24T14:33:00Z"}',
        '{"version":1,"kind":"dance","id":"x","sent_at":"2026-08-24T14:33:00Z"}',
        '{"version":0,"kind":"find","id":"x","sent_at":"2026-08-24T14:33:00Z"}',
        "\x00",
        "\ud83d",
    ],
)
def test_rubbish_is_dropped(world: World, text: str, caplog: pytest.LogCaptureFixture) -> None:
    """With a warning that shows nothing of it: it is not delivered again."""
    world.queue.send(text)
    assert work(world.services, world.queue) == 1
    assert (world.queue.messages, world.queue.poison) == ([], [])
    assert "not ours" in caplog.text


def newer(text: str) -> str:
    return json.dumps(json.loads(text) | {"version": 2, "kind": "something new"})


def test_a_newer_message_is_left_to_newer_code(world: World) -> None:
    """Put back as it is, once a minute, and dropped after two hours: then the newer code is gone."""
    refresh(world, People(5))
    world.queue.messages[0].text = newer(world.queue.messages[0].text)
    text = world.queue.messages[0].text
    times = 0
    while world.queue.messages:
        assert work(world.services, world.queue) == 1
        assert [message.text for message in world.queue.messages] in ([text], [])
        world.clock.sleep(60)
        times += 1
    assert times == 2 * 60 + 1
    assert (posts(world), world.queue.poison) == (0, [])


def newer_marker(world: World, **changes: object) -> str:
    """Newer code has written the account's marker; its ETag."""
    name = state.work(ACCOUNT)
    content = json.loads(world.services.state.read(name).content) | {"version": 2, "exports": "elsewhere"}
    content |= changes
    return world.services.state.write(name, json.dumps(content).encode(), metadata={"glance": "{}"})


@pytest.mark.parametrize("what", ["due", "taken_at"])
def test_a_newer_marker_is_left_to_newer_code(world: World, what: str) -> None:
    """Neither the timer nor a worker touches it, and its message stays, until 15 minutes after it was due, or
    was taken."""
    refresh(world, People(5))
    etag = newer_marker(world, **{what: (world.clock.now() + timedelta(minutes=30)).isoformat()})
    for _ in range(44):
        world.clock.sleep(60)
        tick(world.services, 240)
        work(world.services, world.queue)
    assert world.services.state.stat(state.work(ACCOUNT)).etag == etag
    assert (posts(world), len(world.queue.messages), world.queue.poison) == (0, 1, [])
    world.clock.sleep(60)
    tick(world.services, 240)
    work(world.services, world.queue)
    assert [record.status for record in records(world)] == ["successful"]


def test_a_rollback_costs_an_account_a_quarter_of_an_hour(world: World) -> None:
    """Newer code wrote its marker, and was gone."""
    refresh(world, People(5))
    newer_marker(world)
    for _ in range(16):
        world.clock.sleep(60)
        tick(world.services, 240)
        work(world.services, world.queue)
    assert [record.status for record in records(world)] == ["successful"]


@pytest.mark.parametrize("content", [b"", b"{", b"null", b'{"version":1}', b'{"version":"x"}'])
def test_a_garbled_marker_is_written_anew(world: World, content: bytes) -> None:
    """All that it said is found again."""
    refresh(world, People(5))
    world.services.state.write(state.work(ACCOUNT), content)
    tick(world.services, 240)
    work(world.services, world.queue)
    assert [record.status for record in records(world)] == ["successful"]
    assert (world.queue.messages, marker(world)) == ([], None)


def test_a_wrong_clock_holds_no_account_up(world: World) -> None:
    """A marker whose times are far ahead was written by a clock that was wrong."""
    world.clock.ahead = timedelta(days=400)
    refresh(world, People(5))
    world.queue.messages.clear()
    world.clock.ahead = timedelta()
    tick(world.services, 240)
    work(world.services, world.queue)
    assert [record.status for record in records(world)] == ["successful"]


def test_how_long_accounts_wait_is_told(world: World, metrics: Metrics) -> None:
    """At each tick, and only of those whose message nobody has taken though it is due."""
    refresh(world, People(5))
    metrics.told()
    world.clock.sleep(100)
    tick(world.services, 240)
    assert metrics.told()["segment_export.account.wait"] == {(ACCOUNT,): 100}
    work(world.services, world.queue)
    metrics.told()
    tick(world.services, 240)
    assert "segment_export.account.wait" not in metrics.told()


def test_an_account_that_a_worker_has_does_not_wait(world: World, metrics: Metrics) -> None:
    """However long it takes."""
    refresh(world, People(5))
    metrics.told()

    def an_hour_later(_: object) -> None:
        world.clock.ahead += timedelta(hours=1)
        tick(world.services, 240)

    world.stand_in.on_import(an_hour_later)
    work(world.services, world.queue)

    assert metrics.told()["segment_export.account.wait"] == {(ACCOUNT,): 0}


def test_asking_for_what_is_on_its_way_writes_nothing(world: World) -> None:
    """Neither a marker nor a message."""
    refresh(world, People(5))
    etag = world.services.state.stat(state.work(ACCOUNT)).etag
    start(world.services, "vip", ON_DEMAND)
    ask_again(world.services, world.queue, ACCOUNT)
    assert world.services.state.stat(state.work(ACCOUNT)).etag == etag
    assert world.queue.sent == 1


def test_a_start_needs_no_queue(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Where its message can't be sent, the run is open, and the timer's."""
    away = replace(world.services, queue=Away())
    assert start(away, "vip", ON_DEMAND).status == "queued"
    assert "export vip is left to the timer: storage_unavailable" in caplog.text


def test_what_comes_due_beside_a_waiting_message_goes_with_it(world: World) -> None:
    """Another export of the account: no second message, and one worker does both."""
    refresh(world, People(5))
    document = example_documents()["exports/vip.json"] | {"id": "other", "segments": ["Other"]}
    world.services.state.write("exports/other.json", json.dumps(document).encode())
    write_segment(world.services.segment_store, "Other", People(1), refreshed=MONDAY)
    tick(world.services, 240)
    write_segment(world.services.segment_store, "Other", People(3), refreshed=MONDAY + timedelta(hours=2))
    tick(world.services, 240)
    held = marker(world)
    assert held is not None
    assert held.exports.keys() == {"other", "vip"}
    assert work(world.services, world.queue) == 1
    assert [record.status for record in records(world) + records(world, "other")] == ["successful"] * 2
