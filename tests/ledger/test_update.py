"""The next ledger: who was there, who was posted, and what is certain of each."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ledger import Leavers, People, Posted, updated
from shared.ledger.people import ENTRY, IMPORTED, LEFT, NEVER, OFF, VOID, WAITING, WIDTH
from shared.profiles.digests import CONTENT, MOMENT, PERSON

type Entry = tuple[bytes, bytes]

PERSONS = st.binary(min_size=1, max_size=1).map(lambda end: bytes(PERSON - 1) + end)
CONTENTS = st.sampled_from([bytes([number]) * CONTENT for number in (1, 2, 3)])
ENTRIES = st.lists(st.tuples(PERSONS, CONTENTS), max_size=12)


def posted(entries: Sequence[Entry], *, confirmed: bool) -> Posted:
    return Posted(b"".join(person + content for person, content in entries), confirmed)


def contents_of(people: People) -> dict[bytes, bytes]:
    entries = [people.entries[start : start + WIDTH] for start in range(0, len(people.entries), WIDTH)]
    assert entries == sorted(entries)
    return {entry[:PERSON]: entry[PERSON : PERSON + CONTENT] for entry in entries}


@given(ENTRIES, st.lists(st.tuples(ENTRIES, st.booleans()), max_size=5))
def test_nobody_is_lost_and_nothing_is_taken_for_certain(
    before: list[Entry], posts: list[tuple[list[Entry], bool]]
) -> None:
    """Everybody is there once. What was sent is certain where all posts of a person carried it, and one of
    them was confirmed; who was not posted keeps what was known."""
    start = updated(People(), [posted(list(dict(before).items()), confirmed=True)])
    assert contents_of(start) == dict(before)

    after = contents_of(updated(start, [posted(entries, confirmed=sure) for entries, sure in posts]))

    expected = dict(before)
    for person in {person for entries, _ in posts for person, _ in entries}:
        sent = [(c, sure) for entries, sure in posts for p, c in entries if p == person]
        is_certain = len({c for c, _ in sent}) == 1 and any(sure for _, sure in sent)
        expected[person] = sent[0][0] if is_certain else VOID
    assert after == expected


def test_a_post_can_be_parted_by_places() -> None:
    """Those who failed, unconfirmed, and the others."""
    entries = [(bytes([number]) * PERSON, bytes([number]) * CONTENT) for number in range(5)]
    post = posted(entries, confirmed=True)

    assert post.only({3, 0}) == posted([entries[0], entries[3]], confirmed=False)
    assert post.without({3, 0}) == posted([entries[1], entries[2], entries[4]], confirmed=True)


BEFORE = {bytes([number]) * PERSON: bytes([number]) * CONTENT for number in range(1, 7)}
A, B, C, D, E, F = BEFORE
TIME = b"t" * MOMENT


def people_of(flags: dict[bytes, int]) -> People:
    return People(
        b"".join(person + BEFORE[person] + bytes([flags.get(person, 0)]) + TIME for person in BEFORE)
    )


def flags_of(people: People) -> dict[bytes, int]:
    """Of those who have any."""
    found = {people.person(number): people.entries[number * WIDTH + ENTRY] for number in range(len(people))}
    return {person: flags for person, flags in found.items() if flags}


def test_who_has_left_is_marked_and_who_is_gone_is_dropped() -> None:
    """Of who may be gone it is not certain what Klaviyo has; who was marked and has not left is not marked
    any more."""
    leavers = Leavers(frozenset([A, B, C, D]), gone=frozenset([A, D]), doubtful=frozenset([B]))

    after = updated(people_of({E: LEFT, F: OFF | LEFT, C: OFF}), [], leavers)

    assert contents_of(after) == {B: VOID, C: BEFORE[C], E: BEFORE[E], F: BEFORE[F]}
    assert flags_of(after) == {B: LEFT, C: LEFT | OFF, F: OFF}


def test_where_nobody_looked_who_has_left_stays_marked() -> None:
    """Save who was posted, and so has a row again."""
    after = updated(people_of({A: LEFT, B: LEFT | OFF}), [posted([(A, BEFORE[A])], confirmed=True)])

    assert flags_of(after) == {B: LEFT | OFF}
    assert contents_of(after) == BEFORE


def test_who_left_and_is_unknown_is_nobody() -> None:
    """Whoever is not on the ledger can't be taken off it."""
    stranger = frozenset([b"x" * PERSON])

    after = updated(people_of({}), [], Leavers(stranger, gone=stranger, doubtful=stranger))

    assert after.entries == people_of({}).entries


def test_who_is_new_waits_to_be_subscribed_where_the_export_does_that() -> None:
    """And goes on waiting, whoever is posted or has left; by which consent others were subscribed stays."""
    new = b"n" * PERSON
    posts = [posted([(new, VOID), (A, VOID), (B, VOID)], confirmed=False)]
    before = people_of({A: WAITING | OFF, C: WAITING | LEFT})

    after = updated(before, posts, Leavers(frozenset([D])), subscribes=True)

    assert flags_of(after) == {A: WAITING | IMPORTED, B: IMPORTED, C: WAITING, D: LEFT, new: WAITING}
    moments = {after.person(number): after.moment(number) for number in range(len(after))}
    assert moments == dict.fromkeys(BEFORE, TIME) | {new: NEVER}
    assert flags_of(updated(before, posts)) == {A: WAITING | IMPORTED, B: IMPORTED, C: WAITING | LEFT}


def test_half_a_person_is_refused() -> None:
    """Bytes that can't be people are no post."""
    with pytest.raises(ValueError, match="whole number"):
        Posted(b"x", confirmed=True)


def test_who_may_be_off_the_list_is_not_taken_for_imported() -> None:
    """Though what was sent was void before; who has left and is on it for certain still is."""
    before = people_of({A: IMPORTED, B: IMPORTED}).voided()
    left = frozenset([A, B])

    after = updated(before, [], Leavers(left, doubtful=frozenset([A])))

    assert [after.is_imported(after.find(person)) for person in (A, B)] == [False, True]
