"""Event Grid's messages: a refresh is exported soon, and a storm of events is one look."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.people import People
from sandbox.sample import FOLDER
from shared import state
from shared.errors import StorageUnavailable
from shared.runs.queue.messages import FindMessage, Refreshed, WorkMessage, read_message
from shared.runs.queue.refreshed import note_refresh
from shared.runs.work.tick import tick
from shared.runs.work.worker import work_on
from shared.services import Services
from shared.settings import Settings
from tests.support.queue import work
from tests.support.queued import Away, Died
from tests.support.stores import ActingStore, CountingStore, with_state
from tests.support.world import MONDAY, World, a_world

MODEL = f"{FOLDER}/model.json"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An installation with a queue, whose timer has seen the first refresh."""
    with a_world(tmp_path) as world:
        world.add_queue()
        settings = replace(world.services.settings, segments_url="https://a.blob.core.windows.net/segments")
        world.services = replace(world.services, settings=settings)
        world.segment(People(1))
        tick(world.services, 240)
        yield world


def event(name: str = MODEL, container: str = "segments", **changes: Any) -> dict[str, Any]:
    """As Event Grid writes it to a storage queue."""
    return {
        "topic": "/subscriptions/0/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a",
        "subject": f"/blobServices/default/containers/{container}/blobs/{name}",
        "eventType": "Microsoft.Storage.BlobCreated",
        "id": "831e1650-001e-001b-66ab-eeb76e069631",
        "data": {"api": "PutBlockList", "contentLength": 1, "blobType": "BlockBlob"},
        "dataVersion": "",
        "metadataVersion": "1",
        "eventTime": "2026-08-24T14:33:00.0000000Z",
    } | changes


def cloud_event() -> dict[str, Any]:
    """As it writes it where the subscription asks for CloudEvents 1.0."""
    subject = event()["subject"]
    return {
        "specversion": "1.0",
        "type": "Microsoft.Storage.BlobCreated",
        "source": "/",
        "id": "1",
        "subject": subject,
    }


@pytest.mark.parametrize("content", [event(), [event()], cloud_event()])
def test_a_refresh_is_exported_seconds_later(world: World, content: Any) -> None:
    """Without a tick: the event, the look, the work."""
    world.segment(People(5), MONDAY + timedelta(hours=1))
    world.queue.send(json.dumps(content))
    assert work(world.services, world.queue) == 1
    world.clock.sleep(3)

    assert work(world.services, world.queue) == 2

    assert world.members() == People(5).expected.emails
    assert world.queue.messages == []


def test_a_storm_is_one_look(world: World) -> None:
    """A thousand events cost one read each, and one look at everything."""
    world.segment(People(5), MONDAY + timedelta(hours=1))
    store = CountingStore(world.services.state)
    services = with_state(world.services, store)
    for _ in range(1000):
        world.queue.send(json.dumps(event()))
    assert work(services, world.queue) == 1000
    assert len(store.calls) == 1000 + 1
    world.clock.sleep(3)

    assert work(services, world.queue) == 2

    assert [what for what, name in store.calls if name == state.HEADS] == ["list"]
    assert world.members() == People(5).expected.emails


def test_an_event_that_comes_while_somebody_looks_is_not_lost(world: World) -> None:
    """What the look may have missed has a look of its own."""
    world.queue.send(json.dumps(event()))
    work(world.services, world.queue)
    world.clock.sleep(3)

    def called(what: str, name: str) -> None:
        if (what, name) == ("list", state.HEADS) and world.members() == set() and world.queue.sent == 2:
            work_on(world.services, world.queue, json.dumps(event()), 480)

    work(with_state(world.services, ActingStore(world.services.state, called)), world.queue)
    assert world.queue.sent == 3
    world.segment(People(5), MONDAY + timedelta(hours=1))
    world.clock.sleep(3)

    work(world.services, world.queue)

    assert world.members() == People(5).expected.emails


def test_a_look_whose_message_is_lost_is_asked_for_again(world: World) -> None:
    """By the first event after two minutes; the timer looks in between anyway."""
    text = json.dumps(event())
    work_on(world.services, world.queue, text, 480)
    world.queue.messages.clear()
    world.clock.sleep(119)
    work_on(world.services, world.queue, text, 480)
    assert world.queue.messages == []
    world.clock.sleep(1)
    work_on(world.services, world.queue, text, 480)
    assert len(world.queue.messages) == 1


def test_a_doubled_look_is_one(world: World) -> None:
    """The second message means nothing."""
    work_on(world.services, world.queue, json.dumps(event()), 480)
    (look,) = world.queue.messages
    store = CountingStore(world.services.state)
    services = with_state(world.services, store)
    for _ in range(3):
        work_on(services, world.queue, look.text, 480)
    assert [name for what, name in store.calls if what == "list"].count(state.HEADS) == 1


def test_a_late_look_leaves_the_next_one_alone(world: World) -> None:
    """Its mark belongs to another message by now."""
    text = json.dumps(event())
    work_on(world.services, world.queue, text, 480)
    late = world.queue.messages.pop().text
    world.clock.sleep(120)
    work_on(world.services, world.queue, text, 480)
    etag = world.services.state.stat(state.REFRESHED).etag

    work_on(world.services, world.queue, late, 480)

    assert world.services.state.stat(state.REFRESHED).etag == etag


def test_an_event_that_nobody_could_pass_on_comes_again(world: World) -> None:
    """The host delivers what has failed once more, and then the message is sent."""

    with pytest.raises(StorageUnavailable):
        work_on(world.services, Away(), json.dumps(event()), 480)
    world.clock.sleep(120)
    work_on(world.services, world.queue, json.dumps(event()), 480)
    assert len(world.queue.messages) == 1


def until_exported(world: World, services: Services) -> None:
    """A refresh, its event, and what becomes of it in 15 minutes; two messages meet other services."""
    world.segment(People(5), MONDAY + timedelta(hours=1))
    world.queue.send(json.dumps(event()))
    for _ in range(2):
        with suppress(Died):
            world.queue.deliver(lambda text: work_on(services, services.queue or world.queue, text, 480))
        world.clock.sleep(3)
    for _ in range(90):
        work(world.services, world.queue)
        world.clock.sleep(10)
    assert world.members() == People(5).expected.emails
    assert world.queue.messages == []


def test_an_event_whose_look_is_refused_once(world: World) -> None:
    """By the queue: its mark is taken back, and it is noted when it comes again."""
    until_exported(world, replace(world.services, queue=Away()))


@pytest.mark.parametrize("error", [StorageUnavailable("away"), Died()])
@pytest.mark.parametrize(
    ("what", "where"),
    [("list", state.HEADS), ("list", state.WORK), ("write", state.REFRESHED), ("delete", state.REFRESHED)],
)
def test_a_look_that_comes_to_nothing_begins_again(
    world: World, what: str, where: str, error: BaseException
) -> None:
    """Whether a store is away for a moment, or the process dies in it."""
    once = iter([error])

    def called(call: str, name: str) -> None:
        if (call, name) == (what, where):
            for each in once:
                raise each

    until_exported(world, with_state(world.services, ActingStore(world.services.state, called)))


@pytest.mark.parametrize(
    "content",
    [
        event(f"{FOLDER}/part-0.csv"),
        event("model.json/elsewhere"),
        event(container="others"),
        event(subject="/blobServices/default/containers/segments"),
        event(subject="/fileServices/default/containers/segments/blobs/model.json"),
        event(subject=7),
        event(eventType="Microsoft.Storage.BlobDeleted"),
        event(eventType=None),
        [event(), event()],
        {"subject": None},
    ],
)
def test_other_events_are_dropped(world: World, content: Any) -> None:
    """Of other blobs and containers, and what is no event at all."""
    store = CountingStore(world.services.state)
    work_on(with_state(world.services, store), world.queue, json.dumps(content), 480)
    assert (store.calls, world.queue.messages) == ([], [])


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        ("https://account.blob.core.windows.net/segments", True),
        ("https://account.blob.core.windows.net/segments/CustomerInsights", False),
        ("https://account.blob.core.windows.net/others", False),
        ("file:/segments", False),
        (f"https://account.blob.core.windows.net/segments/{FOLDER}", True),
        (f"https://account.blob.core.windows.net/segments/{FOLDER[:-1]}", False),
    ],
)
def test_only_where_segments_lie(world: World, url: str, *, ours: bool) -> None:
    """In the container of SEGMENTS_URL, and under its prefix."""
    services = replace(world.services, settings=Settings(segments_url=url))
    outcome = note_refresh(services, world.queue, Refreshed("segments", MODEL))
    assert outcome == ("noted" if ours else "not_ours")


@pytest.mark.parametrize("content", [b"", b"{", b'{"version":1}', b" " * (64 * 1024 + 1)])
def test_a_garbled_mark_is_written_anew(world: World, content: bytes) -> None:
    """It says nothing that matters for long."""
    world.services.state.write(state.REFRESHED, content)
    work_on(world.services, world.queue, json.dumps(event()), 480)
    assert len(world.queue.messages) == 1


def test_a_newer_mark_is_left_alone(world: World) -> None:
    """Newer code looks, and what it has noted is enough; for 15 minutes, then that code is gone."""
    mark = {"version": 2, "sent_at": world.clock.now().isoformat()}
    etag = world.services.state.write(state.REFRESHED, json.dumps(mark).encode())
    work_on(world.services, world.queue, json.dumps(event()), 480)
    assert world.services.state.stat(state.REFRESHED).etag == etag
    assert world.queue.messages == []
    world.clock.sleep(15 * 60)
    work_on(world.services, world.queue, json.dumps(event()), 480)
    world.clock.sleep(3)
    assert work(world.services, world.queue) == 1
    assert world.queue.messages == []


def test_our_messages_are_read_as_they_were_written() -> None:
    """With what newer code of the same version may add."""
    now = MONDAY
    for message in (WorkMessage(id="a", account="b", sent_at=now), FindMessage(id="a", sent_at=now)):
        assert read_message(message.model_dump_json()) == message
        assert read_message(json.dumps(json.loads(message.model_dump_json()) | {"more": 1})) == message
