"""The synthetic customers, and the result of a correct export of them."""

import re
from collections.abc import Iterable
from itertools import pairwise

import pytest

from sandbox.people import COLUMNS, Expected, People, Row

PLAIN = re.compile(r"[a-z0-9.-]+@[a-z0-9-]+(\.[a-z0-9-]+)+")
EMAIL, PHONE = list(COLUMNS).index("EMail"), list(COLUMNS).index("Telephone")


def counted(rows: Iterable[Row]) -> Expected:
    """Reads the rows as an export does: trims, lowercases, refuses invalid addresses, keeps the first."""
    addresses = [row[EMAIL].strip().lower() for row in rows]
    valid = [address for address in addresses if PLAIN.fullmatch(address)]
    return Expected(len(addresses), len(addresses) - len(valid), frozenset(valid))


@pytest.mark.parametrize(
    "people", [People(1000), People(5000, dirt=True), People(250, dirt=True, start=61)], ids=str
)
def test_what_is_expected_is_what_the_rows_hold(people: People) -> None:
    """`expected` matches the rows, from any start."""
    assert people.expected == counted(people)


def test_dirt_is_a_fixed_share() -> None:
    """Of 10,000 dirty rows 200 have no usable address and 200 an earlier row's."""
    expected = People(10_000, dirt=True).expected
    assert (expected.rejected, expected.duplicates, len(expected.emails)) == (200, 200, 9_600)


def test_clean_people_are_all_delivered() -> None:
    """Without dirt each row has an address of its own, a key of its own and a number in E.164."""
    rows = list(People(10_000))
    assert People(10_000).expected.duplicates == People(10_000).expected.rejected == 0
    assert len({row[0] for row in rows}) == 10_000
    assert all(re.fullmatch(r"[0-9a-f]{32}", row[0]) for row in rows)
    assert all(re.fullmatch(r"\+1\d{3}55501\d\d", row[PHONE]) for row in rows)


def test_people_are_the_same_every_time() -> None:
    """A person depends only on the index, not on the run or on where counting began."""
    assert list(People(300, dirt=True)) == list(People(300, dirt=True))
    assert list(People(300, dirt=True))[100:] == list(People(200, dirt=True, start=100))


def test_every_kind_of_dirt_is_there() -> None:
    """A thousand dirty rows show blank, broken and repeated addresses, odd numbers and dates, no points."""
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in People(1000, dirt=True)]
    emails = {row["EMail"] for row in rows}
    assert {"", "   ", "person@", "a@b@example.org", "PERSON-0000060@EXAMPLE.ORG"} <= emails
    assert any(before["EMail"] == after["EMail"].strip() for before, after in pairwise(rows))
    assert {re.sub(r"\d", "9", row["Telephone"]) for row in rows} == {
        "+99999999999", "999.999.9999x9999", "999-999-999-9999x999", "(999) 999-9999", "unknown",
    }  # fmt: skip
    assert {re.sub(r"\d+", "9", row["DateOfBirth"]) for row in rows} == {"9-9-9T9:9:9Z", "9/9/9"}
    assert "" in {row["RewardPoints"] for row in rows}


def test_some_streets_need_quoting() -> None:
    """Some streets have a line break and some a quoted part, as real files do."""
    streets = [row[list(COLUMNS).index("StreetAddress")] for row in People(100)]
    assert any("\n" in street for street in streets)
    assert any('"' in street for street in streets)
