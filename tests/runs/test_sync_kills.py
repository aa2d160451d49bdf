"""A mirroring run whose holder dies, anywhere: nobody is lost, wrongly removed or forgotten."""

import json
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from sandbox.klaviyo import StandIn
from sandbox.people import Row, email
from sandbox.sample import FOLDER, example_documents, write_segment
from shared import state
from shared.adapters.storage.store import Store
from shared.ledger import read_key, read_ledger
from shared.profiles import Digests
from shared.runs.advance import run
from shared.runs.heads.head import read_head
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from shared.runs.steps import leavers
from shared.runs.views.history import read_run
from shared.services import Services
from tests.support.azurite import Azurite
from tests.support.dying import Died
from tests.support.refreshes import row, rows
from tests.support.stores import WatchedStore, with_state
from tests.support.world import World, a_world

BEFORE = rows(*range(8))
# 0 to 2 have left, in two chunks; 3 has changed, 8 and 9 are new.
AFTER = [row(3, FirstName="Ada"), *rows(4, 5, 6, 7, 8, 9)]
LEFT, STAYED, NEW = range(3), range(3, 8), range(8, 10)


class Doomed(WatchedStore):
    """Kills its process at one moment: before a change of the state, or after a call to Klaviyo.

    Between two of these moments nothing changes that outlives a process.
    """

    def __init__(self, store: Store, stand_in: StandIn, nth: int) -> None:
        super().__init__(store)
        self._stand_in = stand_in
        self._calls = len(stand_in.requests)
        self._nth = nth
        self._moments = count(1)
        self.is_over = False

    def called(self, what: str, name: str) -> None:
        calls = len(self._stand_in.requests)
        is_moment = what in ("write", "delete") or calls > self._calls
        self._calls = calls
        if self.is_over or (is_moment and next(self._moments) == self._nth):
            self.is_over = True
            raise Died


class Mirror:
    """An export of its own, with a segment and a list of its own."""

    def __init__(self, world: World, number: int, name: str) -> None:
        self.world = world
        self.id = f"{name}-{number}"
        account = world.stand_in.accounts["SNDBOX"]
        self.list = world.stand_in.add_list(account, self.id)
        document = example_documents()["exports/vip.json"] | {
            "id": self.id,
            "segments": [self.id],
            "list_id": self.list.id,
            "sync": {"mode": "mirror", "max_removal_share": 1},
        }
        world.services.state.write(state.export(self.id), json.dumps(document).encode())
        self.refresh(BEFORE)
        self.run()

    def refresh(self, people: list[Row]) -> None:
        self.world.clock.sleep(3_600)
        write_segment(
            self.world.services.segment_store, self.id, people, refreshed=self.world.clock.now(), partitions=1
        )

    def run(self, services: Services | None = None) -> RunRecord:
        return run(
            services or self.world.services, self.id, Request("command", "tester"), self.world.deadline()
        )

    def dies(self, nth: int) -> bool:
        """Whether the run's holder died at the n-th moment: there may be fewer."""
        store = Doomed(self.world.services.state, self.world.stand_in, nth)
        with suppress(Died):
            self.run(with_state(self.world.services, store))
        return store.is_over

    def joined(self) -> dict[str, float]:
        """The members of the list, with the times of their joining."""
        members = self.world.stand_in.members(self.list.id)
        return {member.email or "": self.list.members.joined(member.number) for member in members}

    def removed(self) -> int:
        """The profiles that the records say were removed."""
        names = (blob.name for blob in self.world.services.state.list(state.runs(self.id)))
        ids = filter(None, map(state.run_of_record, names))
        return sum(read_run(self.world.services.state, run_id).counts.removed for run_id in ids)

    def assert_known(self, *indexes: int) -> None:
        """These people are on the ledger."""
        services = self.world.services
        head, _ = read_head(services.state, self.id)
        key = read_key(services.vault)
        assert head.ledger is not None
        assert key is not None
        people, digests = read_ledger(services.state, head.ledger).people, Digests(key.key)
        assert [index for index in indexes if people.find(digests.person(email(index))) < 0] == []

    def end(self) -> None:
        """The next one does not have to look past this one's files."""
        self.world.services.state.delete(state.export(self.id))
        store = self.world.services.segment_store
        for blob in store.list(f"{FOLDER}/{self.id}/"):
            store.delete(blob.name)


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Two people fill a chunk; stores in folders, where a test asks for no others."""
    monkeypatch.setattr(leavers, "MOST_REMOVED", 2)
    urls: dict[str, Any] = {}
    if getattr(request, "param", "") == "azurite":
        azurite: Azurite = request.getfixturevalue("azurite")
        urls = {"segments_url": azurite.container(), "state_url": azurite.container()}
    with a_world(tmp_path, **urls, limits=False) as world:
        yield world


def moments(world: World) -> Iterator[int]:
    """All of them in a folder; in Azurite, where each takes longer, one of eleven."""
    is_folder = world.services.settings.state_url.startswith("file:")
    return count(1, 1 if is_folder else 11)


@pytest.mark.parametrize("world", ["folder", "azurite"], indirect=True)
def test_killed_at_any_moment_and_resumed(world: World) -> None:
    """The next holder ends the run as if nothing had happened, and nobody is sent again afterwards."""
    for nth in moments(world):
        mirror = Mirror(world, nth, "ended")
        before = mirror.joined()
        mirror.refresh(AFTER)
        is_dead = mirror.dies(nth)

        mirror.run()

        after = mirror.joined()
        assert after.keys() == {email(index) for index in (*STAYED, *NEW)}
        assert all(after[email(index)] == before[email(index)] for index in STAYED)
        assert mirror.removed() == len(LEFT)
        mirror.assert_known(*STAYED, *NEW)
        assert mirror.run().counts.unchanged == len(AFTER), nth
        mirror.refresh([*BEFORE, *rows(*NEW)])
        mirror.run()
        assert mirror.joined().keys() == {email(index) for index in range(10)}
        mirror.end()
        if not is_dead:
            break
    assert nth > 22, nth


def test_killed_at_any_moment_and_then_everybody_comes_back(world: World) -> None:
    """Whoever may have been taken off the list is sent again, and nobody is forgotten."""
    for nth in moments(world):
        mirror = Mirror(world, nth, "returned")
        before = mirror.joined()
        mirror.refresh(AFTER)
        is_dead = mirror.dies(nth)
        mirror.refresh([*BEFORE, *rows(*NEW)])

        mirror.run()

        after = mirror.joined()
        assert after.keys() == {email(index) for index in range(10)}
        assert all(after[email(index)] == before[email(index)] for index in STAYED)
        mirror.assert_known(*range(10))
        mirror.end()
        if not is_dead:
            break
    assert nth > 22, nth


def test_killed_at_any_moment_where_nobody_leaves(world: World) -> None:
    """What Klaviyo has confirmed by then is not sent again."""
    for nth in moments(world):
        mirror = Mirror(world, nth, "stayed")
        mirror.refresh([*BEFORE, *rows(*NEW)])
        is_dead = mirror.dies(nth)

        mirror.run()

        assert mirror.joined().keys() == {email(index) for index in range(10)}
        assert mirror.run().counts.unchanged == 10, nth
        mirror.end()
        if not is_dead:
            break
    assert nth > 11, nth
