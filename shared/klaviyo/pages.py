"""One page of a collection, and the link to the next one, as pure functions."""

from typing import Any
from urllib.parse import urlsplit

from shared.klaviyo.answers import Answer, unexpected

# Klaviyo is asked for 100 items.
MOST_ITEMS = 1_000
LONGEST_LINK = 4_000


def read_page(answer: Answer) -> tuple[list[dict[str, Any]], Any]:
    """The items of a page, and its link to the next page, whatever that is.

    Raises KlaviyoUnavailable where the answer is not a page.
    """
    data = answer.data()
    if not isinstance(data, list) or len(data) > MOST_ITEMS:
        raise unexpected(answer.status)
    links = (answer.document or {}).get("links")
    link = links.get("next") if isinstance(links, dict) else None
    return [item for item in data if isinstance(item, dict)], link


def path_of(link: Any, url: str) -> str | None:
    """The path and query of a link to the same origin as `url`; None for any other link."""
    if not isinstance(link, str) or len(link) > LONGEST_LINK:
        return None
    try:
        here, there = urlsplit(url), urlsplit(link)
    except ValueError:
        return None
    is_same_origin = (here.scheme, here.netloc) == (there.scheme, there.netloc)
    return f"{there.path}?{there.query}" if is_same_origin else None
