"""Looking people up by their addresses, which Klaviyo takes in a URL only.

How many values a filter takes, and how long a URL may be, Klaviyo doesn't say: what it refuses is halved.
"""

from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

import orjson

from shared.adapters.clock import Deadline
from shared.errors import BatchRefused
from shared.klaviyo.calls import Calls
from shared.klaviyo.pages import query_of
from shared.klaviyo.resources import Person, read_person

MOST_ADDRESSES = 100
# Bytes. With Klaviyo's origin and the path, a URL stays below 6,000.
LONGEST_QUERY = 5_800

_HEAD = (
    query_of({"page[size]": "100", "fields[profile]": "email"}) + "&filter=" + quote("any(email,[", safe="")
)
_COMMA, _TAIL = quote(","), quote("])", safe="")


def look_up(
    calls: Calls, endpoint: str, path: str, emails: Iterable[str], deadline: Deadline
) -> list[Person]:
    """The people of a collection who have these addresses, in as many requests as that takes.

    Raises Denied if Klaviyo refuses a request for a single address.
    """
    found: dict[Person, None] = {}
    for batch in _batches(emails):
        found |= dict.fromkeys(_found(calls, endpoint, path, batch, deadline))
    return list(found)


def _found(
    calls: Calls, endpoint: str, path: str, literals: Sequence[str], deadline: Deadline
) -> Iterator[Person]:
    query = _HEAD + _COMMA.join(literals) + _TAIL
    try:
        people = calls.items(endpoint, path, query, deadline, read_person, asked_for=len(literals))
        yield from list(people)
    except BatchRefused:
        half = len(literals) // 2
        yield from _found(calls, endpoint, path, literals[:half], deadline)
        yield from _found(calls, endpoint, path, literals[half:], deadline)


def _batches(emails: Iterable[str]) -> Iterator[list[str]]:
    """The addresses as literals of a filter, encoded for a URL, in batches that one request can take."""
    batch: list[str] = []
    size = room = LONGEST_QUERY - len(_HEAD) - len(_TAIL)
    for email in dict.fromkeys(emails):
        # Klaviyo documents texts in double quotes, but not how to escape one. As in JSON, most likely:
        # https://developers.klaviyo.com/en/docs/filtering_
        literal = quote(orjson.dumps(email), safe="")
        size -= len(literal) + len(_COMMA)
        if batch and (size < 0 or len(batch) == MOST_ADDRESSES):
            yield batch
            batch, size = [], room - len(literal) - len(_COMMA)
        batch.append(literal)
    if batch:
        yield batch
