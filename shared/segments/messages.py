"""How messages write names that come from outside."""

from collections.abc import Iterable
from itertools import islice

from shared.errors import InvalidSegment
from shared.text import shown

# So many names stand in a message.
MOST_NAMED = 10


def quoted(name: str) -> str:
    """The name in quotes, cut where it is long."""
    return f"'{shown(name)}'"


def listing(names: Iterable[str]) -> str:
    """The first ten names, and that there are more; `none` where there is none."""
    first = list(islice(names := iter(names), MOST_NAMED))
    more = sum(1 for _ in names)
    return ", ".join(map(shown, first)) + (f" and {more:,} more" if more else "") if first else "none"


def invalid_model(message: str) -> InvalidSegment:
    return InvalidSegment(message, code="invalid_model")
