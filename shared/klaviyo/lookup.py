"""Looking people up by their addresses, which Klaviyo accepts only in a URL.

Klaviyo doesn't document how many values a filter can have, or how long a URL can be: refused ones are halved.
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

_FILTER = "&filter=" + quote("any(email,[", safe="")
_COMMA, _TAIL = quote(","), quote("])", safe="")


def page_of(*, external_ids: bool) -> str:
    """The query of a page of people: their addresses and, if requested, their external ids."""
    fields = "email,external_id" if external_ids else "email"
    return query_of({"page[size]": "100", "fields[profile]": fields})


def look_up(
    calls: Calls,
    endpoint: str,
    path: str,
    emails: Iterable[str],
    deadline: Deadline,
    *,
    external_ids: bool = False,
) -> list[Person]:
    """The people of a collection who have these addresses, in as many requests as needed.

    Raises Denied if Klaviyo refuses a request for a single address.
    """
    found: dict[Person, None] = {}
    head = page_of(external_ids=external_ids) + _FILTER
    for batch in _batches(emails, LONGEST_QUERY - len(head) - len(_TAIL)):
        found |= dict.fromkeys(_found(calls, endpoint, path, head, batch, deadline))
    return list(found)


def _found(
    calls: Calls, endpoint: str, path: str, head: str, literals: Sequence[str], deadline: Deadline
) -> Iterator[Person]:
    query = head + _COMMA.join(literals) + _TAIL
    try:
        people = calls.items(endpoint, path, query, deadline, read_person, asked_for=len(literals))
        yield from list(people)
    except BatchRefused:
        half = len(literals) // 2
        yield from _found(calls, endpoint, path, head, literals[:half], deadline)
        yield from _found(calls, endpoint, path, head, literals[half:], deadline)


def _batches(emails: Iterable[str], room: int) -> Iterator[list[str]]:
    """The addresses as literals of a filter, encoded for a URL, in batches of at most `room` bytes."""
    batch: list[str] = []
    size = room
    for email in dict.fromkeys(emails):
        # Klaviyo documents double quotes around texts, but not how to escape one. Most likely as in JSON:
        # https://developers.klaviyo.com/en/docs/filtering_
        literal = quote(orjson.dumps(email), safe="")
        size -= len(literal) + len(_COMMA)
        if batch and (size < 0 or len(batch) == MOST_ADDRESSES):
            yield batch
            batch, size = [], room - len(literal) - len(_COMMA)
        batch.append(literal)
    if batch:
        yield batch
