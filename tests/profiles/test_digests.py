"""Digests of people and of what is sent: which cells, mappings and keys tell them apart."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.profiles import Condition, Mapping, Source
from shared.profiles.digests import CONTENT, MOMENT, PERSON, Digests
from tests.support.rows import COLUMNS, MAPPING, cells

KEYED = Digests(b"k" * 32)


def content(
    row: list[str],
    mapping: Mapping = MAPPING,
    columns: list[tuple[str, str]] = COLUMNS,
    digests: Digests = KEYED,
) -> bytes:
    places = {name: place for place, (name, _) in enumerate(columns)}
    return digests.contents(mapping, places, dict(columns))(row)


def test_a_person_is_an_address_in_any_case() -> None:
    """Of a fixed length, and another one under another key."""
    person = KEYED.person("abbie.moss@example.org")

    assert len(person) == PERSON
    assert KEYED.person("Abbie.MOSS@example.org") == person
    assert KEYED.person("abbie.moss@example.com") != person
    assert Digests(b"l" * 32).person("abbie.moss@example.org") != person
    assert Digests().person("abbie.moss@example.org") != person


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_time_is_hidden_and_revealed(seconds: int, other: int) -> None:
    """The same one always looks the same; nothing of two is the same by which they could be compared."""
    person = KEYED.person("abbie.moss@example.org")
    hidden = KEYED.hide(person, seconds)

    assert len(hidden) == MOMENT
    assert KEYED.hide(person, seconds) == hidden
    assert KEYED.reveal(person, hidden) == seconds
    assert (KEYED.hide(person, other) == hidden) == (other == seconds)
    assert KEYED.reveal(person, KEYED.hide(person, other)) == other


def test_a_time_means_nothing_without_the_key_and_the_person() -> None:
    """Another key reveals another one; two times of a person differ in both of their halves, and so do those
    of two people."""
    one, two = KEYED.person("a@example.org"), KEYED.person("b@example.org")
    hidden = KEYED.hide(one, 1_777_622_400)

    assert Digests(b"l" * 32).reveal(one, hidden) != 1_777_622_400
    assert KEYED.reveal(two, hidden) != 1_777_622_400
    for other in (KEYED.hide(one, 1_777_622_401), KEYED.hide(two, 1_777_622_400)):
        assert other[:4] != hidden[:4]
        assert other[4:] != hidden[4:]
        assert int.from_bytes(other[4:]) ^ int.from_bytes(hidden[4:]) != 1


def test_the_same_cells_are_the_same_content() -> None:
    """Whatever stands in columns that do not leave, where the columns stand, and who is let through."""
    same = content(cells())

    assert len(same) == CONTENT
    assert content(cells(**{"Newsletter consent": "False"})) == same
    assert content(list(reversed(cells())), columns=list(reversed(COLUMNS))) == same
    only_if = Condition("Newsletter consent", frozenset({"True"}))
    assert content(cells(), replace(MAPPING, only_if=only_if)) == same


@pytest.mark.parametrize("column", ["EMail", "FirstName", "Telephone", "City", "PostCode", "RewardPoints"])
def test_another_cell_is_another_content(column: str) -> None:
    """Each that leaves counts."""
    assert content(cells(**{column: "5"})) != content(cells())


def test_a_text_that_moves_to_the_next_cell_is_another_content() -> None:
    """The cells are not just strung together; and there is no cell that can't be digested."""
    assert content(cells(FirstName="ab", PostCode="c")) != content(cells(FirstName="a", PostCode="bc"))
    assert content(cells(City="\ud800")) != content(cells(City="\ud801"))


@pytest.mark.parametrize(
    "mapping",
    [
        replace(MAPPING, properties=()),
        replace(MAPPING, properties=(("Reward points", Source("RewardPoints")),)),
        replace(MAPPING, attributes=(("phone_number", Source("Telephone", "GB")), *MAPPING.attributes[1:])),
        replace(MAPPING, attributes=(("last_name", Source("FirstName")), *MAPPING.attributes[:2])),
    ],
)
def test_another_mapping_is_another_content(mapping: Mapping) -> None:
    """A column less, another name, another region."""
    assert content(cells(), mapping) != content(cells())


def test_another_type_is_another_content() -> None:
    """The same cell leaves as another value then; the type of a column that stays does not count."""
    others = {"RewardPoints": "string"}, {"Newsletter consent": "string"}
    typed = [[(name, types.get(name, kind)) for name, kind in COLUMNS] for types in others]

    assert content(cells(), columns=typed[0]) != content(cells())
    assert content(cells(), columns=typed[1]) == content(cells())


def test_another_key_is_another_content() -> None:
    """Without the key nobody can try out which values somebody has."""
    assert content(cells(), digests=Digests(b"l" * 32)) != content(cells())
    assert content(cells(), digests=Digests()) != content(cells())


def test_the_email_alone_is_a_content_too() -> None:
    """Of one cell and not of its characters."""
    alone = Mapping(email="EMail")

    assert content(cells(EMail="ab@example.org"), alone) != content(cells(EMail="a@example.org"), alone)
    assert content(cells(City="Austin"), alone) == content(cells(), alone)
