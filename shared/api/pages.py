"""Pages of collections: the number of items, and the address of the next page."""

from urllib.parse import urlencode

from shared.api.problems import BadRequest
from shared.api.routes import Call

MOST_A_PAGE = 100


def limit_in(call: Call, default: int) -> int:
    """The number of items of a page. Raises BadRequest."""
    text = call.http.query.get("limit", str(default))
    if text.isascii() and text.isdecimal() and len(text) <= 3 and 1 <= int(text) <= MOST_A_PAGE:
        return int(text)
    raise BadRequest(f"limit must be a number from 1 to {MOST_A_PAGE}.")


def next_page(call: Call, limit: int, following: str | None, **kept: str) -> str | None:
    """The address of the page after this item, with the other parameters; None at the end."""
    if following is None:
        return None
    more = {name: value for name, value in kept.items() if value}
    return f"{call.here}?{urlencode({'limit': limit, 'before': following, **more})}"
