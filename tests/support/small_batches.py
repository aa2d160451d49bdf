"""People whose addresses are unusual: they travel in batches of 500, so that a test has several soon."""

from collections.abc import Iterator

from sandbox.people import COLUMNS, People, Row, email

_EMAIL = list(COLUMNS).index("EMail")


def unusual(index: int) -> str:
    """The address of the person with this index."""
    return email(index).replace("person", "o'person")


def small_batches(batches: int) -> list[Row]:
    """So many full batches of people."""
    return list(_rows(500 * batches))


def _rows(count: int) -> Iterator[Row]:
    for index, row in enumerate(People(count)):
        yield (*row[:_EMAIL], unusual(index), *row[_EMAIL + 1 :])
