"""A world with a queue, in the hands of tests of workers."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from sandbox.people import People
from sandbox.sample import example_documents
from shared.errors import StorageUnavailable
from shared.runs.queue.marker import Marker, read_marker
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from shared.runs.work.tick import tick
from shared.runs.work.worker import work_on
from tests.support.world import MONDAY, World, a_world

ACCOUNT = "SNDBOX"
ON_DEMAND = Request("on_demand", "tester")


class Died(BaseException):
    """The worker's process was killed."""


class Away:
    """A queue that can't be reached."""

    def send(self, text: str, delay: float = 0) -> None:
        raise StorageUnavailable("away")

    def waiting(self) -> int:
        raise StorageUnavailable("away")

    def poisoned(self) -> int:
        raise StorageUnavailable("away")


@contextmanager
def a_queued_world(folder: Path) -> Iterator[World]:
    """An installation with a queue, whose timer has seen the first refresh."""
    with a_world(folder, keep_attributes=True) as world:
        world.add_queue()
        world.document("connections/sandbox.json", account={"id": ACCOUNT, "name": "Sandbox"})
        world.segment(People(1))
        tick(world.services, 240)
        yield world


def refresh(world: World, people: People, hours: int = 1) -> None:
    """A refresh that the timer finds."""
    world.segment(people, MONDAY + timedelta(hours=hours))
    tick(world.services, 240)


def marker(world: World, account: str = ACCOUNT) -> Marker | None:
    return read_marker(world.services.state, account, world.clock.now())[0]


def records(world: World, export: str = "vip") -> list[RunRecord]:
    """Of closed runs, in the order of time."""
    store = world.services.state
    names = (blob.name for blob in store.list(f"runs/{export}/"))
    found = [
        RunRecord.model_validate_json(store.read(name).content) for name in names if name.endswith(".json")
    ]
    return sorted(found, key=lambda record: record.created_at)


def posts(world: World) -> int:
    return sum(request.method == "POST" for request in world.stand_in.requests)


def deliver_text(world: World, text: str) -> None:
    work_on(world.services, world.queue, text, 480)


def other_export(world: World) -> None:
    document = example_documents()["exports/vip.json"] | {"id": "other", "schedule": {"active": False}}
    world.services.state.write("exports/other.json", json.dumps(document).encode())
