"""A soak: an hour of refreshes by a made clock, with workers killed at random and messages doubled.

Every list must hold its segment in the end, and nobody may have been sent more often than deaths explain.
"""

import json
import random
import resource
import tempfile
from collections import Counter
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bench.ground import Ground
from bench.output import show
from sandbox.klaviyo import SCOPES
from sandbox.sample import example_documents, write_segment
from shared import state
from shared.adapters.storage.store import Store
from shared.runs.work.tick import tick
from shared.runs.work.worker import work_on
from shared.services import Services
from tests.support.refreshes import emails, rows
from tests.support.stores import WatchedStore, with_state
from tests.support.world import World, a_world

ACCOUNTS, EXPORTS, SEGMENTS, MINUTES = 50, 200, 20, 60
PEOPLE = 40
# Of those in a segment, so many leave and come with each refresh, and so many segments have one in a minute.
CHANGED, REFRESHED = 2, 3
KILLED, DOUBLED = 0.1, 0.1
# Calls of the store, one of which a killed worker does not survive.
LONGEST_LIFE = 60
# Minutes in which what the last deaths have left is done.
AFTERWARDS = 30
COLUMNS = ("minute", "refreshes", "messages", "doubled", "killed", "profiles sent", "of them again", "MB")


class Killed(BaseException):
    """The worker's process died."""


class Mortal(WatchedStore):
    """Dies at its n-th call."""

    def __init__(self, store: Store, life: int) -> None:
        super().__init__(store)
        self._life = life

    def called(self, what: str, name: str) -> None:  # noqa: ARG002 - whatever it is
        self._life -= 1
        if self._life <= 0:
            raise Killed


class Soak:
    """An installation, what is done to it, and what it came to."""

    def __init__(self, world: World) -> None:
        world.add_queue()
        self.world = world
        self.random = random.Random(7)  # noqa: S311 - no secret
        self.first = dict.fromkeys(range(SEGMENTS), 0)
        self.refreshes = Counter[int]()
        self.counts = Counter[str]()

    def lay_out(self) -> None:
        world, example = self.world, example_documents()
        for account in range(ACCOUNTS):
            exports = range(account, EXPORTS, ACCOUNTS)
            lists = {f"L{number}": f"List {number}" for number in exports}
            world.stand_in.add_account(f"ACC{account}", "A", keys={f"pk_{account}": SCOPES}, lists=lists)
            connection: dict[str, object] = {"id": f"c{account}", "secret_name": f"key-{account}"}
            self._write(f"connections/c{account}.json", example["connections/sandbox.json"] | connection)
            for number in exports:
                export: dict[str, object] = {
                    "id": f"e{number}",
                    "connection": f"c{account}",
                    "list_id": f"L{number}",
                }
                export |= {"segments": [f"S{number % SEGMENTS}"], "sync": {"mode": "mirror"}}
                self._write(f"exports/e{number}.json", example["exports/vip.json"] | export)
        world.document("exports/vip.json", schedule={"active": False})
        world.secrets({f"key-{account}": f"pk_{account}" for account in range(ACCOUNTS)})

    def _write(self, name: str, document: dict[str, object]) -> None:
        self.world.services.state.write(name, json.dumps(document).encode())

    def refresh(self, segment: int) -> None:
        """The segment's next snapshot."""
        self.first[segment] += CHANGED if self.refreshes[segment] else 0
        self.refreshes[segment] += 1
        world, name = self.world, f"S{segment}"
        write_segment(
            world.services.segment_store, name, rows(*self.people(segment)), refreshed=world.clock.now()
        )

    def people(self, segment: int) -> range:
        first = segment * 10_000 + self.first[segment]
        return range(first, first + PEOPLE)

    def minute(self, *, kills: bool) -> None:
        """A tick, and all that can be received in the minute after it."""
        world, queue = self.world, self.world.queue
        tick(world.services, 240)
        ends = world.clock.now() + timedelta(minutes=1)
        while (message_at := queue.next_at()) is not None and message_at < ends:
            world.clock.sleep(max(0.0, (message_at - world.clock.now()).total_seconds()))
            if kills and self.random.random() < DOUBLED:
                self.counts["doubled"] += 1
                queue.send(self.random.choice(queue.messages).text, self.random.choice([0, 5, 60]))
            services = world.services
            if kills and self.random.random() < KILLED:
                services = with_state(services, Mortal(services.state, self.random.randint(1, LONGEST_LIFE)))
            try:
                queue.deliver(partial(self._work, services))
            except Killed:
                self.counts["killed"] += 1
        world.clock.sleep(max(0.0, (ends - world.clock.now()).total_seconds()))

    def figures(self) -> tuple[int, ...]:
        shown = ("messages", "doubled", "killed")
        return self.refreshes.total(), *(self.counts[each] for each in shown)

    def _work(self, services: Services, text: str) -> None:
        self.counts["messages"] += 1
        work_on(services, self.world.queue, text, 480)

    def check(self) -> None:
        """Raises AssertionError where a list is not its segment, or a run is left over."""
        wrong = [
            number
            for number in range(EXPORTS)
            if {member.email for member in self.world.stand_in.members(f"L{number}")}
            != emails(*self.people(number % SEGMENTS))
        ]
        left = [blob.name for blob in self.world.services.state.list(state.WORK)]
        if wrong or left or self.world.queue.messages or self.world.queue.poison:
            raise AssertionError(f"lists that are wrong: {wrong}; accounts left over: {left}")


def sent_by(body: Any) -> list[tuple[str, str]]:
    """List and address of each profile of a post."""
    attributes, relationships = body["data"]["attributes"], body["data"]["relationships"]
    (of,) = relationships["lists"]["data"]
    return [(of["id"], each["attributes"]["email"]) for each in attributes["profiles"]["data"]]


def memory() -> float:
    """MB that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def main(ground: Ground) -> None:  # noqa: ARG001 - a made world has its own
    told = []
    sends = Counter[tuple[str, str]]()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, a_world(Path(folder)) as world:
        soak = Soak(world)
        soak.lay_out()
        world.stand_in.on_import(lambda body: sends.update(sent_by(body)))
        for segment in range(SEGMENTS):
            soak.refresh(segment)
        soak.minute(kills=False)
        for segment in range(SEGMENTS):  # what was there at first sight is the baseline
            soak.refresh(segment)
        for minute in range(1, MINUTES + 1):
            for segment in soak.random.sample(range(SEGMENTS), REFRESHED):
                soak.refresh(segment)
            soak.minute(kills=True)
            if minute % 10 == 0:
                twice = sends.total() - len(sends)
                told.append((minute, *soak.figures(), sends.total(), twice, f"{memory():.0f}"))
        for _ in range(AFTERWARDS):
            soak.minute(kills=False)
        soak.check()
    if twice > soak.counts["killed"] * PEOPLE:
        raise AssertionError(f"{twice} profiles went twice")
    show(f"A soak: {EXPORTS} exports to {ACCOUNTS} accounts", COLUMNS, told)
