"""The file of a ledger: read as it was written, and never half."""

from pathlib import Path

import pytest

from shared.adapters.storage import open_store
from shared.adapters.storage.store import Store
from shared.errors import NewerVersion
from shared.ledger import Ledger, LedgerHeader, LedgerLost, People, Posted, read_ledger, updated, write_ledger
from shared.profiles.digests import CONTENT, PERSON

NAME = "ledgers/vip/vip.20261126T120000Z-0001.7"
HEADER = LedgerHeader(export="vip", account="SNDBOX", list="Y6nRLr", key="ab12", mapping="cd34")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"file:{tmp_path}")


def a_ledger(people: int) -> Ledger:
    entries = (number.to_bytes(PERSON) + bytes(CONTENT) for number in range(people))
    return Ledger(HEADER, updated(People(), [Posted(b"".join(entries), confirmed=True)]))


@pytest.mark.parametrize("people", [0, 1, 1_000, 200_000])
def test_a_ledger_is_read_as_it_was_written(store: Store, people: int) -> None:
    """With everybody, in at most 32 bytes for each, and again where it is written twice."""
    ledger = a_ledger(people)
    for _ in range(2):
        write_ledger(store, NAME, ledger)

    found = read_ledger(store, NAME)

    assert (found.header, found.people.entries) == (HEADER, ledger.people.entries)
    assert store.stat(NAME).size <= 32 * people + 300


def test_former_people_are_read_apart(store: Store) -> None:
    """They are on no list, and the header counts them."""
    people = a_ledger(5).people
    former = a_ledger(2).people
    write_ledger(store, NAME, Ledger(HEADER, people, former))

    found = read_ledger(store, NAME)

    assert (found.people.entries, found.former.entries) == (people.entries, former.entries)
    assert found.header.former == 2


def test_a_missing_ledger_is_lost(store: Store) -> None:
    """Nobody takes it for an empty one."""
    with pytest.raises(LedgerLost):
        read_ledger(store, NAME)


@pytest.mark.parametrize("people", [0, 5])
def test_a_ledger_with_any_other_byte_is_lost(store: Store, people: int) -> None:
    """At whatever place one was changed, or the file cut."""
    write_ledger(store, NAME, a_ledger(people))
    content = store.read(NAME).content
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1
        for broken in (bytes(changed), content[:place]):
            store.write(NAME, broken)
            with pytest.raises(LedgerLost):
                read_ledger(store, NAME)


def test_a_ledger_of_a_newer_version_is_left_alone(store: Store) -> None:
    """It may mean more than this code can read."""
    newer = HEADER.model_copy(update={"version": 2})
    write_ledger(store, NAME, Ledger(newer, People()))

    with pytest.raises(NewerVersion):
        read_ledger(store, NAME)
