"""One page of a collection, and the link to the next one, as pure functions."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urlencode, urlsplit

from shared.klaviyo.answers import Answer, unexpected

# We ask Klaviyo for 100 items.
MOST_ITEMS = 1_000
# A link repeats the query of the request, and adds a cursor.
LONGEST_LINK = 8_000

# Characters that need no encoding.
_QUERY = re.compile(r"[!-~]*")


def query_of(parameters: dict[str, str]) -> str:
    """The parameters as the query of a URL."""
    return urlencode(parameters, quote_via=quote)


def page_reader[T](read_item: Callable[[Any], T]) -> Callable[[Answer], tuple[list[T], Any]]:
    """A function that returns the items of a page, and its unchecked link to the next page.

    It raises KlaviyoUnavailable if the answer is not a page.
    """

    def read(answer: Answer) -> tuple[list[T], Any]:
        data = answer.data()
        if not isinstance(data, list) or len(data) > MOST_ITEMS:
            raise unexpected(answer.status)
        links = (answer.document or {}).get("links")
        link = links.get("next") if isinstance(links, dict) else None
        return list(map(read_item, data)), link

    return read


def next_query(link: Any, url: str) -> str | None:
    """The query of a link to another page of `url`, which has no query; None for any other link.

    Klaviyo's links have a slash at the end of their path.
    """
    if not isinstance(link, str) or len(link) > LONGEST_LINK:
        return None
    try:
        here, there = urlsplit(url), urlsplit(link)
    except ValueError:
        return None
    return there.query if _place(here) == _place(there) and is_query(there.query) else None


def is_query(text: str) -> bool:
    """Whether this text can be sent as a query without encoding."""
    return bool(_QUERY.fullmatch(text))


def _place(url: SplitResult) -> tuple[str, str, str]:
    return url.scheme, url.netloc, unquote(url.path).rstrip("/")
