"""People whose addresses are unusual: they travel in batches of 500, so that a test has several soon."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import override

from sandbox.people import COLUMNS, Expected, People, Row, email

_EMAIL = list(COLUMNS).index("EMail")


class UnusualPeople(People):
    """As many as 10,000 others fill a batch, 500 of these do."""

    @override
    def __iter__(self) -> Iterator[Row]:
        for row in super().__iter__():
            yield (*row[:_EMAIL], _unusual(row[_EMAIL]), *row[_EMAIL + 1 :])

    @property
    @override
    def expected(self) -> Expected:
        usual = super().expected
        return replace(usual, emails=frozenset(map(_unusual, usual.emails)))


def small_batches(batches: int) -> UnusualPeople:
    """So many full batches of people."""
    return UnusualPeople(500 * batches)


def unusual(index: int) -> str:
    """The address of the person with this index."""
    return _unusual(email(index))


def _unusual(address: str) -> str:
    return re.sub("person", "o'person", address, flags=re.IGNORECASE)
