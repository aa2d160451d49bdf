"""A pass over the rows that knows who was sent before: who leaves, why, and who has left."""

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.klaviyo import PROFILE_FORMAT
from shared.ledger import People
from shared.ledger.people import NEVER, OFF, VOID
from shared.profiles import Mapper, Profile, Selection, Why
from shared.profiles.digests import Digests
from tests.support.rows import COLUMNS, MAPPING, cells

DIGESTS = Digests(b"k" * 32)
MAPPER = Mapper(MAPPING, COLUMNS, PROFILE_FORMAT, DIGESTS)
ADA, BOB, CAT = (cells(EMail=f"{name}@example.org") for name in ("ada", "bob", "cat"))


def person(row: list[str]) -> bytes:
    return MAPPER.identify(row)[0]


def ledger(rows: Collection[list[str]], void: Collection[list[str]] = (), off: bytes = b"\0") -> People:
    entries = [b"".join(MAPPER.identify(row)) + b"\0" + NEVER for row in rows]
    entries += [person(row) + VOID + off + NEVER for row in void]
    return People(b"".join(sorted(entries)))


def run(selection: Selection, rows: list[list[str] | str]) -> list[Profile]:
    return list(selection.profiles([(0, number, row) for number, row in enumerate(rows)], MAPPER))


def reasons(selection: Selection, rows: list[list[str] | str]) -> list[tuple[int, Why]]:
    """The rows that leave, by their numbers, and why."""
    return [(profile.row, profile.why) for profile in run(selection, rows)]


def selection_of(known: People, *, everybody: bool = False, is_remapped: bool = False) -> Selection:
    return Selection(lambda _: None, known, everybody=everybody, is_remapped=is_remapped)


def test_only_new_and_changed_people_leave() -> None:
    """Who was sent the same stays, whoever else there is."""
    selection = selection_of(ledger([ADA, BOB]))

    assert reasons(selection, [ADA, cells(EMail="bob@example.org", City="Lisbon"), CAT]) == [
        (1, Why.CHANGED),
        (2, Why.NEW),
    ]
    assert (selection.unchanged, selection.duplicates, selection.present) == (1, 0, 3)


def test_who_may_not_have_arrived_leaves_again() -> None:
    """Of whom it is not certain what was sent, nobody can say that it changed."""
    assert reasons(selection_of(ledger([ADA], void=[BOB])), [ADA, BOB]) == [(1, Why.AGAIN)]


@pytest.mark.parametrize("everybody", [False, True])
def test_where_all_leave_nobody_counts_as_changed(everybody: bool) -> None:
    """Neither in a full run nor after another mapping; who was never sent is still new."""
    selection = selection_of(ledger([ADA]), everybody=everybody, is_remapped=not everybody)

    changed = cells(EMail="ada@example.org", City="Lisbon")
    assert reasons(selection, [changed, BOB]) == [(0, Why.AGAIN), (1, Why.NEW)]
    assert selection.unchanged == 0


def test_a_full_run_sends_who_is_unchanged() -> None:
    """Once."""
    selection = selection_of(ledger([ADA]), everybody=True)

    assert reasons(selection, [ADA, ADA]) == [(0, Why.AGAIN)]
    assert selection.duplicates == 1


def test_the_first_row_of_a_person_counts() -> None:
    """The others are duplicates, whether they or it are unchanged, changed or new."""
    moved = cells(EMail="ada@example.org", City="Lisbon")
    for first, leaving in ((ADA, []), (moved, [(0, Why.CHANGED)])):
        selection = selection_of(ledger([ADA]))
        assert reasons(selection, [first, ADA, moved]) == leaving
        assert (selection.duplicates, selection.unchanged + len(leaving)) == (2, 1)


def test_who_left_by_themselves_is_not_sent() -> None:
    """Not in a full run either, and whatever changed: they count as unchanged."""
    for everybody in (False, True):
        selection = selection_of(ledger([ADA], void=[BOB], off=bytes([OFF])), everybody=everybody)
        moved = cells(EMail="bob@example.org", City="Lisbon")

        assert reasons(selection, [moved, BOB, CAT]) == [(2, Why.NEW)]
        assert (selection.off, selection.unchanged, selection.duplicates) == (1, 1, 1)


def test_who_has_no_row_has_left() -> None:
    """A refused row keeps its person; one that may be anybody's is counted, which a blank address is not."""
    refused = cells(EMail="bob@example.org", CustomerId="x" * 256)
    dan = cells(EMail="dan@example.org")
    selection = selection_of(ledger([ADA, BOB, CAT, dan]))

    run(selection, [ADA, refused, "broken_quotes", cells(EMail="")])

    assert sorted(selection.leavers()) == sorted(map(person, (CAT, dan)))
    assert person(refused) in selection.refused()
    assert (selection.unreadable, selection.present) == (1, 1)


ROWS = st.tuples(st.sampled_from(["a", "b", "c", "d"]), st.sampled_from(["Austin", "Lisbon"])).map(
    lambda it: (it[0], cells(EMail=f"{it[0]}@example.org", City=it[1]))
)


@given(st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.sampled_from(["Austin", "Lisbon"])))
def test_a_second_pass_over_the_same_rows_sends_nothing(sent: dict[str, str]) -> None:
    """Whoever they are, and in whatever order."""
    rows: list[list[str] | str] = [cells(EMail=f"{n}@example.org", City=c) for n, c in sent.items()]
    known = ledger([row for row in rows if not isinstance(row, str)])

    selection = selection_of(known)

    assert reasons(selection, rows[::-1]) == []
    assert (selection.unchanged, list(selection.leavers())) == (len(sent), [])


@given(st.lists(ROWS, max_size=12), st.lists(ROWS, max_size=12))
def test_the_counts_add_up_whoever_is_known(
    before: list[tuple[str, list[str]]], now: list[tuple[str, list[str]]]
) -> None:
    """Each person of the segment leaves once, or is unchanged; each known one is there, or has left."""
    known, first = dict(before), dict(reversed(now))
    selection = selection_of(ledger(known.values()))

    left = reasons(selection, [row for _, row in now])

    assert selection.rows == len(now) == len(left) + selection.unchanged + selection.duplicates
    expected = {
        name: Why.NEW if name not in known else Why.CHANGED
        for name, row in first.items()
        if known.get(name) != row
    }
    assert {now[number][0]: why for number, why in left} == expected
    gone = [person(row) for name, row in known.items() if name not in first]
    assert sorted(selection.leavers()) == sorted(gone)
