"""A whole installation on this machine: stores, secrets, a stand-in Klaviyo, and a clock to turn."""

import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.klaviyo import StandIn, app
from sandbox.people import People, Row
from sandbox.sample import example_documents, write_segment
from sandbox.serving import serving
from shared.adapters.clock import Deadline
from shared.runs.advance import run
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from shared.services import Services, process_services
from shared.settings import Settings
from tests.support.queue import MadeQueue

SEGMENT = "HighValueSegment"
LIST = "Y6nRLr"
MONDAY = datetime(2026, 8, 24, 14, 33, tzinfo=UTC)


class MadeClock:
    """A clock that stands still but for who sleeps; for all threads. Its wall clock may be wrong."""

    def __init__(self, start: datetime = MONDAY + timedelta(hours=1)) -> None:
        self._start = start
        self._seconds = 0.0
        self._lock = threading.Lock()
        self.ahead = timedelta()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._seconds) + self.ahead

    def monotonic(self) -> float:
        return self._seconds

    def epoch(self) -> float:
        """The right time, by which Klaviyo goes, in seconds."""
        return (self._start + timedelta(seconds=self._seconds)).timestamp()

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._seconds += seconds

    def sleep_until(self, until: float) -> None:
        """Until the monotonic clock is there, if it is not yet."""
        with self._lock:
            self._seconds = max(self._seconds, until)


class SlowClock:
    """A made clock, whose sleepers take a moment for each second: other threads get on meanwhile, and sleep
    beside each other, not one after the other."""

    def __init__(self, clock: MadeClock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        until = self._clock.monotonic() + seconds
        time.sleep(seconds / 50)
        self._clock.sleep_until(until)


@dataclass
class World:
    """What a test works with; `services` are the real ones but for the clock."""

    services: Services
    stand_in: StandIn
    clock: MadeClock
    folder: Path

    @property
    def queue(self) -> MadeQueue:
        """The queue of a world that has one."""
        assert isinstance(self.services.queue, MadeQueue)
        return self.services.queue

    def add_queue(self) -> None:
        """From now on the timer hands the work to whoever delivers the queue's messages."""
        self.services = replace(self.services, queue=MadeQueue(self.clock))

    def segment(
        self, people: People | Sequence[Row], refreshed: datetime = MONDAY, partitions: int = 2
    ) -> None:
        """Lays a refresh of the example's segment out."""
        write_segment(
            self.services.segment_store, SEGMENT, people, refreshed=refreshed, partitions=partitions
        )

    def document(self, name: str, **changes: Any) -> None:
        """Writes a document of the example, with changes; None takes a member away."""
        document = example_documents()[name] | changes
        document = {key: value for key, value in document.items() if value is not None}
        self.services.state.write(name, json.dumps(document).encode())

    def secrets(self, secrets: dict[str, str]) -> None:
        path = self.services.settings.secrets_file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(secrets))
        path.chmod(0o600)

    def replace_key(self, key: str, name: str = "klaviyo-sandbox") -> None:
        """Puts another key into the secrets file, and leaves the other secrets as they are."""
        self.secrets(json.loads(self.services.settings.secrets_file.read_text()) | {name: key})

    def deadline(self, seconds: float = 1200) -> Deadline:
        return Deadline(self.clock, seconds, after_progress=True)

    def run(self, export: str = "vip", *, slowly: bool = False) -> RunRecord:
        """Runs an export as the command does; `slowly`, threads wait beside each other (SlowClock)."""
        deadline = Deadline(SlowClock(self.clock), 1200, after_progress=True) if slowly else self.deadline()
        return run(self.services, export, Request("command", "tester"), deadline)

    def rejected(self, record: RunRecord) -> list[str]:
        """The lines of a run's rejected file, with short names of partitions."""
        blob = self.services.state.read(f"runs/{record.export}/{record.id}.rejected.csv")
        header, *lines = blob.content.decode().splitlines()
        assert header == "partition,row,column,reason,stage"
        return [line.rpartition("/")[2] for line in lines]

    def members(self) -> set[str]:
        """The addresses on the example's list."""
        return {member.email or "" for member in self.stand_in.members(LIST)}


@contextmanager
def a_world(
    folder: Path,
    *,
    segments_url: str | None = None,
    state_url: str | None = None,
    **stand_in: Any,
) -> Iterator[World]:
    """An installation with the example's documents and no segment; stores in folders unless told.

    Its Klaviyo lives by the made clock too, unless another one is given.
    """
    clock = MadeClock()
    klaviyo = StandIn(**{"clock": clock.epoch, **stand_in})
    with serving(app(klaviyo)) as url:
        settings = Settings(
            segments_url=segments_url or f"file:{folder / 'segments'}",
            state_url=state_url or f"file:{folder / 'state'}",
            secrets_file=folder / "secrets.json",
            klaviyo_url=url,
        )
        with Services.from_settings(settings, clock) as services:
            world = World(services, klaviyo, clock, folder)
            for name in example_documents():
                world.document(name)
            world.secrets({"klaviyo-sandbox": "pk_sandbox"})
            yield world


@contextmanager
def a_world_of_this_process(folder: Path) -> Iterator[World]:
    """A world by the machine's clock, to which this process's settings lead."""
    with pytest.MonkeyPatch.context() as patch, a_world(folder, clock=time.time, limits=False) as world:
        for name, value in environment_of(world).items():
            patch.setenv(name, value)
        yield world
        process_services().klaviyo.close()  # the process's own live as long as it does


def environment_of(world: World) -> dict[str, str]:
    """The environment of a process that works in the same world."""
    settings = world.services.settings
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("KLAVIYO_")},
        "SEGMENTS_URL": settings.segments_url,
        "STATE_URL": settings.state_url,
        "SECRETS_FILE": str(settings.secrets_file),
        "KLAVIYO_URL": settings.klaviyo_url,
    }
