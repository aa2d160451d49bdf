"""The do-not-send list: it only grows, and is read whole or not at all."""

from hashlib import blake2b
from pathlib import Path

import pytest

from shared import state
from shared.adapters.storage import open_store
from shared.adapters.storage.store import Store
from shared.errors import Changed, NewerVersion, PermanentError
from shared.ledger import DigestKey, ErasedUnreadable, add_erased, read_erased
from shared.ledger.erased import LONGEST
from shared.profiles.digests import PERSON
from tests.support.stores import ActingStore

KEY, OTHER = DigestKey("ab12", b"1" * 32), DigestKey("cd34", b"2" * 32)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"file:{tmp_path}")


def person(number: int) -> bytes:
    return number.to_bytes(PERSON)


def people(store: Store) -> tuple[bytes, ...]:
    erased = read_erased(store)
    assert erased is not None
    return erased.people


def test_nobody_was_ever_erased(store: Store) -> None:
    """There is no list then."""
    assert read_erased(store) is None


def test_it_grows_at_its_end(store: Store) -> None:
    """Who is on it keeps the place; nobody is on it twice; nothing is written for nobody new."""
    add_erased(store, KEY, [person(7), person(3), person(7)])
    etag = store.stat(state.ERASED).etag
    add_erased(store, KEY, [person(3)])
    assert store.stat(state.ERASED).etag == etag

    add_erased(store, KEY, [person(1), person(3), person(9)])

    assert people(store) == tuple(map(person, (7, 3, 1, 9)))


def test_another_key_adds_nobody(store: Store) -> None:
    """The digests of two keys on one list would be nobody's."""
    add_erased(store, KEY, [person(1)])
    with pytest.raises(ErasedUnreadable):
        add_erased(store, OTHER, [person(2)])
    assert people(store) == (person(1),)


def test_two_commands_at_once_lose_nobody(store: Store) -> None:
    """Whichever writes second reads again, also where the list is new to both."""
    waiting = [[person(2)], [person(3)]]

    def meanwhile(what: str, _: str) -> None:
        if what == "write" and waiting:
            add_erased(store, KEY, waiting.pop())

    add_erased(ActingStore(store, meanwhile), KEY, [person(1)])

    assert sorted(people(store)) == [person(1), person(2), person(3)]


def test_who_always_comes_second_is_told(store: Store) -> None:
    """It ends, and nobody is taken for erased."""
    others = iter(range(10, 100))

    def meanwhile(what: str, _: str) -> None:
        if what == "write":
            add_erased(store, KEY, [person(next(others))])

    with pytest.raises(Changed):
        add_erased(ActingStore(store, meanwhile), KEY, [person(1)])
    assert person(1) not in people(store)


def test_a_list_with_any_other_byte_is_unreadable(store: Store) -> None:
    """At whatever place one was changed, or the file cut."""
    add_erased(store, KEY, [person(1), person(2)])
    content = store.read(state.ERASED).content
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1
        for broken in (bytes(changed), content[:place]):
            store.write(state.ERASED, broken)
            with pytest.raises(ErasedUnreadable):
                read_erased(store)


def test_a_list_of_a_newer_version_is_left_alone(store: Store) -> None:
    """It may mean more than this code can read."""
    content = b'{"version":2,"key":"ab12"}\n'
    store.write(state.ERASED, content + blake2b(content, digest_size=16).digest())
    with pytest.raises(NewerVersion):
        read_erased(store)


def test_a_full_list_stays_readable(store: Store) -> None:
    """More than it can hold are not added."""
    add_erased(store, KEY, [person(1)])
    header = read_first_line(store)
    content = header + bytes(LONGEST // PERSON * PERSON - 10 * PERSON)
    store.write(state.ERASED, content + blake2b(content, digest_size=16).digest())

    with pytest.raises(PermanentError) as error:
        add_erased(store, KEY, map(person, range(1, 20)))

    assert error.value.code == "erased_full"
    assert len(people(store)) == LONGEST // PERSON - 10


def read_first_line(store: Store) -> bytes:
    return store.read(state.ERASED).content.splitlines(keepends=True)[0]
