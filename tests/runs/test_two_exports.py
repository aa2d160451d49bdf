"""Two exports into one list: who is wanted by one of them stays, and who is wanted by neither leaves."""

import json
from typing import Any

import pytest

from sandbox.klaviyo import SCOPES, Fault, JobPlan
from sandbox.people import Row, email
from sandbox.sample import example_documents, write_segment
from shared import state
from shared.adapters.storage.store import Store
from shared.errors import StorageUnavailable
from shared.runs.advance import run
from shared.runs.removal import ANY_NUMBER
from shared.runs.starting import Request
from tests.support.refreshes import another_export, briefly, codes, emails, refresh, rows, run_with, sent
from tests.support.stores import WatchedStore, with_state
from tests.support.world import LIST, World

MIRROR = {"mode": "mirror"}


@pytest.fixture
def world(world: World) -> World:
    """The exports vip and gold mirror their segments to the same list."""
    world.document("exports/vip.json", sync=MIRROR)
    document(world, "gold")
    return world


def document(world: World, name: str, **changes: Any) -> None:
    """Another export into the list, over a segment of its own."""
    another_export(world, name, **{"segments": [name], "sync": MIRROR} | changes)


def refreshed(world: World, name: str, people: list[Row]) -> None:
    """The next refresh of such an export's segment."""
    world.clock.sleep(3_600)
    write_segment(world.services.segment_store, name, people, refreshed=world.clock.now())


def both_sent(world: World, vip: tuple[int, ...], gold: tuple[int, ...]) -> None:
    world.segment(rows(*vip))
    refreshed(world, "gold", rows(*gold))
    assert world.run().status == world.run("gold").status == "successful"
    assert world.members() == emails(*vip, *gold)


def test_who_is_in_both_stays_until_both_have_lost_them(world: World) -> None:
    """And is removed by the second one."""
    both_sent(world, (0, 1, 2), (2, 3, 4))

    refresh(world, rows(0, 1))
    first = world.run()
    assert (first.counts.removed, codes(first)) == (0, {"kept_for_another": 1})
    assert world.members() == emails(0, 1, 2, 3, 4)

    refreshed(world, "gold", rows(3, 4))
    second = world.run("gold")
    assert (second.counts.removed, codes(second)) == (1, {})
    assert world.members() == emails(0, 1, 3, 4)
    refresh(world, rows(0, 1))
    assert (world.run().counts.removed, codes(world.run())) == (0, {})


def test_who_is_lost_by_both_at_once_is_removed_once(world: World) -> None:
    """They don't keep a person for each other for ever."""
    both_sent(world, (0, 1, 2), (2, 3, 4))
    refresh(world, rows(0, 1))
    refreshed(world, "gold", rows(3, 4))

    waiting = briefly(world, "vip")
    assert not waiting.is_closed
    assert world.run("gold").counts.removed == 0
    world.clock.sleep(120)
    record = world.run()

    assert (record.id, record.counts.removed) == (waiting.id, 1)
    assert world.members() == emails(0, 1, 3, 4)


def test_who_comes_back_after_the_other_export_removed_them_is_sent_again(world: World) -> None:
    """Though the export's own ledger has them as they were."""
    both_sent(world, (0, 1, 2), (2, 3, 4))
    refresh(world, rows(0, 1))
    assert codes(world.run()) == {"kept_for_another": 1}
    refreshed(world, "gold", rows(3, 4))
    assert world.run("gold").counts.removed == 1

    refresh(world, rows(0, 1, 2))
    record = world.run()

    assert sent(record) == (0, 0, 1, 2)
    assert world.members() == emails(0, 1, 2, 3, 4)


def joined_at(world: World, index: int) -> float:
    account = world.stand_in.accounts["SNDBOX"]
    return account.lists[LIST].members.joined(world.stand_in.profile(email(index)).number)


def test_who_moves_from_one_segment_to_the_other_never_leaves_the_list(world: World) -> None:
    """Though the export that loses them runs first: flows would mail them twice."""
    both_sent(world, (0, 1, 2), (3, 4))
    before = joined_at(world, 2)
    refresh(world, rows(0, 1))
    refreshed(world, "gold", rows(2, 3, 4))

    assert not briefly(world, "vip").is_closed
    assert sent(world.run("gold")) == (1, 0, 1, 2)
    world.clock.sleep(120)
    record = world.run()

    assert (record.counts.removed, codes(record)) == (0, {"kept_for_another": 1})
    assert joined_at(world, 2) == before


def test_the_wait_for_another_export_ends(world: World) -> None:
    """An hour after the first attempt the person is removed, whatever the other one does."""
    both_sent(world, (0, 1, 2), (3, 4))
    refresh(world, rows(0, 1))
    refreshed(world, "gold", rows(2, 3, 4))
    waiting = briefly(world, "vip")

    record = run(world.services, "vip", Request("command", "tester"), world.deadline(4_000))

    assert (record.id, record.counts.removed) == (waiting.id, 1)
    assert world.run("gold").counts.sent == 1
    assert world.members() == emails(0, 1, 2, 3, 4)


def test_a_person_of_three_exports_stays_for_the_third(world: World) -> None:
    """Each of them takes its own people off, and nobody else's."""
    document(world, "silver")
    both_sent(world, (0, 1, 9), (2, 3, 9))
    refreshed(world, "silver", rows(4, 5, 9))
    assert world.run("silver").status == "successful"

    refresh(world, rows(0))
    assert (world.run().counts.removed, world.members()) == (1, emails(0, 2, 3, 4, 5, 9))
    refreshed(world, "gold", rows(2))
    assert (world.run("gold").counts.removed, world.members()) == (1, emails(0, 2, 4, 5, 9))
    refreshed(world, "silver", rows(4))
    assert (world.run("silver").counts.removed, world.members()) == (2, emails(0, 2, 4))


@pytest.mark.parametrize("list_id", [LIST, "Another"])
def test_a_document_that_cannot_be_read_holds_all_removals(world: World, list_id: str) -> None:
    """It may be of any list."""
    both_sent(world, (0, 1, 2), (3, 4))
    document(world, "gold", list_id=list_id, match={"phone": "Telephone"})
    refresh(world, rows(0, 1))

    record = run_with(world, confirmed=ANY_NUMBER)

    assert (record.counts.removed, codes(record)) == (0, {"removals_held": 1})
    document(world, "gold")
    assert world.run().counts.removed == 1


def test_an_export_that_sends_without_a_ledger_holds_all_removals(world: World) -> None:
    """Nobody knows whom it wants, until a run of it has a ledger again."""
    both_sent(world, (0, 1, 2), (2, 3, 4))
    (ledger,) = world.services.state.list("ledgers/gold/")
    world.services.state.delete(ledger.name)
    refresh(world, rows(0, 1))
    assert codes(run_with(world, confirmed=ANY_NUMBER)) == {"removals_held": 1}

    assert codes(world.run("gold")) == {"ledger_lost": 1}
    assert codes(world.run()) == {"kept_for_another": 1}
    assert world.members() == emails(0, 1, 2, 3, 4)


@pytest.mark.parametrize("is_closed", [False, True])
def test_an_export_that_sends_while_there_is_no_key_holds_all_removals(world: World, is_closed: bool) -> None:
    """From its first post on, also while its run is open."""
    document(world, "gold", sync={"mode": "add"})
    world.segment(rows(0, 1, 2))
    world.run()
    kept = world.services.settings.secrets_file.read_text()
    world.secrets({"klaviyo-sandbox": "pk_sandbox"})
    refreshed(world, "gold", rows(2, 3, 4))
    world.stand_in.plans.append(JobPlan(seconds=0 if is_closed else 7_200))
    assert briefly(world, "gold").is_closed == is_closed
    world.secrets(json.loads(kept))
    refresh(world, rows(0, 1))

    record = run_with(world, confirmed=ANY_NUMBER)

    assert (record.counts.removed, codes(record)) == (0, {"removals_held": 1})


@pytest.mark.parametrize("is_closed", [False, True])
def test_an_export_that_has_sent_with_another_key_holds_all_removals(world: World, is_closed: bool) -> None:
    """From its first post on, also while its run is open."""
    refreshed(world, "gold", rows(2, 3, 4))
    world.stand_in.plans.append(JobPlan(seconds=0 if is_closed else 7_200))
    assert briefly(world, "gold").is_closed == is_closed
    world.secrets({"klaviyo-sandbox": "pk_sandbox", "digest-key": "0123456789abcdef" * 2})
    world.segment(rows(0, 1, 2))
    assert world.run().status == "successful"
    refresh(world, rows(0, 1))

    record = run_with(world, confirmed=ANY_NUMBER)

    assert (record.counts.removed, codes(record)) == (0, {"removals_held": 1})


def test_an_export_that_an_earlier_version_ran_holds_all_removals(world: World) -> None:
    """It has sent, and kept no ledger of whom."""
    both_sent(world, (0, 1, 2), (2, 3, 4))
    head = json.loads(world.services.state.read("heads/gold.json").content)
    for name in ("ledger", "posted", "rows", "has_sent", "removals_since"):
        del head[name]
    world.services.state.write("heads/gold.json", json.dumps(head).encode())
    refresh(world, rows(0, 1))

    assert codes(run_with(world, confirmed=ANY_NUMBER)) == {"removals_held": 1}
    assert world.members() == emails(0, 1, 2, 3, 4)


class AwayOnce(WatchedStore):
    """A store that can't be reached when a blob is read for the first time."""

    def __init__(self, store: Store, name: str) -> None:
        super().__init__(store)
        self._name = name
        self._is_away = True

    def called(self, what: str, name: str) -> None:
        if self._is_away and (what, name) == ("read", self._name):
            self._is_away = False
            raise StorageUnavailable("The storage is away.")


class ClosingStore(WatchedStore):
    """A store in which another process ends a run of gold, right before what it has posted is listed."""

    def __init__(self, world: World) -> None:
        super().__init__(world.services.state)
        self._world = world
        self._is_open = True

    def called(self, what: str, name: str) -> None:
        if self._is_open and what == "list" and name.startswith("runs/gold/") and name.endswith(".parts/"):
            self._is_open = False
            assert self._world.run("gold").is_closed


def test_an_export_whose_run_ends_at_that_moment_is_looked_at_again(world: World) -> None:
    """Its parts are gone then, and its ledger was not there before."""
    document(world, "gold", sync={"mode": "add"})
    world.segment(rows(0, 1, 2))
    world.run()
    refreshed(world, "gold", rows(2, 3, 4))
    world.stand_in.plans.append(JobPlan(seconds=600))
    assert not briefly(world, "gold").is_closed
    world.clock.sleep(600)
    refresh(world, rows(0, 1))

    record = run(
        with_state(world.services, ClosingStore(world)),
        "vip",
        Request("command", "tester"),
        world.deadline(),
    )

    assert (record.counts.removed, codes(record)) == (0, {"kept_for_another": 1})


def test_a_store_that_is_away_for_a_moment_holds_nothing(world: World) -> None:
    """The run waits until it can tell whom the other export wants."""
    both_sent(world, (0, 1, 2), (3, 4))
    refresh(world, rows(0, 1))
    away = AwayOnce(world.services.state, "heads/gold.json")

    record = run(with_state(world.services, away), "vip", Request("command", "tester"), world.deadline())

    assert (record.status, record.counts.removed) == ("successful", 1)


def test_an_export_of_another_account_does_not_matter(world: World) -> None:
    """Though its list has the same id."""
    world.stand_in.add_account("SECOND", "Second", keys={"pk_second": SCOPES}, lists={"Second": "VIP"})
    world.document("exports/vip.json", sync=MIRROR)
    second = example_documents()["connections/sandbox.json"] | {"id": "second", "secret_name": "second"}
    world.services.state.write(state.connection("second"), json.dumps(second).encode())
    world.secrets({"klaviyo-sandbox": "pk_sandbox", "second": "pk_second"})
    account = world.stand_in.accounts["SECOND"]
    account.lists[LIST] = account.lists.pop("Second")
    document(world, "gold", connection="second")
    world.segment(rows(0, 1, 2))
    refreshed(world, "gold", rows(2, 3, 4))
    assert world.run().status == world.run("gold").status == "successful"

    refresh(world, rows(0, 1))
    record = world.run()

    assert (record.counts.removed, codes(record)) == (1, {})
    assert world.members() == emails(0, 1)
    assert len(account.lists[LIST].members) == 3


def test_who_was_sent_by_another_export_since_a_removal_began_stays(world: World) -> None:
    """Decided right before each removal: what an earlier attempt had decided does not count."""
    both_sent(world, (0, 1, 2, 3), (4, 5))
    refresh(world, rows(0, 1))
    world.stand_in.faults.add([Fault("error", method="DELETE", status=429, retry_after=3_000)])
    waiting = world.run()
    assert not waiting.is_closed
    world.clock.sleep(3_000)
    refreshed(world, "gold", rows(2, 4, 5))
    assert world.run("gold").counts.sent == 1

    record = world.run()

    assert (record.id, record.counts.removed, codes(record)) == (waiting.id, 1, {"kept_for_another": 1})
    assert world.members() == emails(0, 1, 2, 4, 5)
