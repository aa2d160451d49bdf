"""Links from one page of a collection to the next."""

from typing import Any

import pytest

from shared.klaviyo.pages import path_of

URL = "https://a.klaviyo.com"


@pytest.mark.parametrize(
    ("link", "path"),
    [
        (f"{URL}/api/lists?page=2", "/api/lists?page=2"),
        (f"{URL}/{'x' * 3_978}", f"/{'x' * 3_978}?"),
        (f"{URL}/{'x' * 3_979}", None),
        ("http://a.klaviyo.com/api/lists?page=2", None),
        ("https://a.klaviyo.com:8443/api/lists?page=2", None),
        ("https://a.klaviyo.com@example.org/api/lists?page=2", None),
        ("https://example.org/api/lists?page=2", None),
        ("/api/lists?page=2", None),
        ("https://[bad", None),
        (7, None),
    ],
    ids=lambda value: str(value)[:50],
)
def test_only_links_to_the_same_origin_are_followed(link: Any, path: str | None) -> None:
    """A link of at most 4,000 characters to Klaviyo's own origin; a key is sent to no other."""
    assert path_of(link, URL) == path
