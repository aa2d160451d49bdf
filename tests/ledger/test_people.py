"""People packed into bytes: who is there is found, and nobody else."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ledger import People
from shared.ledger.people import ENTRY, IMPORTED, LEFT, NEVER, OFF, VOID, WIDTH
from shared.profiles.digests import CONTENT, PERSON

# Few bytes that differ: many share a beginning, and an entry looks like the end of one and the next.
PERSONS = st.binary(min_size=3, max_size=3).map(lambda tail: tail[:2] + bytes(PERSON - 3) + tail[2:])
CONTENTS = st.binary(min_size=CONTENT, max_size=CONTENT)
# No flags, and nobody was subscribed.
REST = bytes(WIDTH - ENTRY)


def packed(contents: dict[bytes, bytes]) -> People:
    return People(b"".join(person + content + REST for person, content in sorted(contents.items())))


@given(st.dictionaries(PERSONS, CONTENTS, max_size=60), st.lists(PERSONS, max_size=20))
def test_everybody_is_found_with_what_was_sent(contents: dict[bytes, bytes], others: list[bytes]) -> None:
    """At the number that the order gives them; who isn't there has none, but a place."""
    people, order = packed(contents), sorted(contents)

    assert len(people) == len(order)
    for number, person in enumerate(order):
        assert (people.find(person), people.content(number)) == (number, contents[person])
    for person in others:
        if person not in contents:
            assert people.find(person) == -1
            assert people.place(person) == sum(each < person for each in order)


def test_a_digest_across_two_entries_is_nobody() -> None:
    """Where the end of one entry and the beginning of the next look like somebody."""
    first = bytes(PERSON) + bytes(CONTENT) + REST
    people = People(first + bytes(PERSON - 1) + b"\1" + bytes(CONTENT) + REST)

    assert people.find(bytes(PERSON - 1) + b"\1") == 1
    assert people.find(bytes(PERSON)) == 0
    assert people.find(bytes(PERSON - 2) + b"\1\0") == -1


def test_who_comes_behind_a_false_hit_is_found() -> None:
    """Where the bytes of an entry, read from its second byte on, look like the next person."""
    person = bytes(PERSON - 1) + b"\1"
    content = b"\1" * CONTENT

    assert People(bytes(PERSON) + content + REST + person + content + REST).find(person) == 1


def test_every_beginning_is_found() -> None:
    """The first, the last, and those around the bounds of the index."""
    chance = random.Random(5)
    ends = [bytes.fromhex(start) for start in ("0000", "00ff", "0100", "7fff", "8000", "fffe", "ffff")]
    contents = {start + chance.randbytes(PERSON - 2): bytes(CONTENT) for start in ends for _ in range(9)}
    people = packed(contents)

    assert [people.find(person) for person in sorted(contents)] == list(range(len(contents)))


@given(st.dictionaries(PERSONS, CONTENTS, max_size=20))
def test_voided_people_are_the_same_people(contents: dict[bytes, bytes]) -> None:
    """Of none is it certain any more what was sent, and of all it is that they were imported."""
    people = packed(contents)
    voided = people.voided()

    assert [voided.person(number) for number in range(len(voided))] == sorted(contents)
    assert {voided.content(number) for number in range(len(voided))} <= {VOID}
    for each in (voided, voided.voided()):
        assert [each.is_imported(number) for number in range(len(each))] == [
            contents[people.person(number)] != VOID for number in range(len(people))
        ]


def flagged(*flags: int) -> People:
    entries = (bytes([number]) * ENTRY + bytes([flag]) + NEVER for number, flag in enumerate(flags, 1))
    return People(b"".join(entries))


def flags_of(people: People) -> list[int]:
    return list(people.entries[ENTRY::WIDTH])


def test_flags_are_told_apart() -> None:
    """Who has left the segment, and who has left the list, or both; and nothing else changes them."""
    people = flagged(0, LEFT, OFF, LEFT | OFF)

    assert [people.is_left(number) for number in range(4)] == [False, True, False, True]
    assert [people.is_off(number) for number in range(4)] == [False, False, True, True]
    assert [flagged(*flags).any_off for flags in ((), (0, LEFT), (LEFT, OFF))] == [False, False, True]
    assert [flag & ~IMPORTED for flag in flags_of(people.voided())] == flags_of(people)


def test_who_left_the_list_is_marked() -> None:
    """And not any more once they are on it again; to add them again, it is forgotten what they were sent."""
    people = flagged(0, LEFT, OFF, LEFT | OFF)
    persons = [people.person(number) for number in range(4)]

    marked = people.marked(off=persons[:2], back=persons[2:3], readd=False)
    added = people.marked(off=persons[:2], back=persons[2:3], readd=True)

    assert flags_of(marked) == [OFF, LEFT | OFF, 0, LEFT | OFF]
    assert [marked.content(number) for number in range(4)] == [people.content(n) for n in range(4)]
    assert flags_of(added) == [0, LEFT, 0, LEFT]
    assert [added.content(number) == VOID for number in range(4)] == [True, True, False, True]
    assert [added.person(number) for number in range(4)] == persons


@pytest.mark.parametrize("size", [1, WIDTH - 1, WIDTH + 1])
def test_a_part_of_an_entry_is_refused(size: int) -> None:
    """Bytes that can't be entries are no people."""
    with pytest.raises(ValueError, match="whole number"):
        People(bytes(size))
