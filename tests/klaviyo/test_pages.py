"""Links from one page of a collection to the next."""

from typing import Any

import pytest

from shared.klaviyo.pages import is_query, next_query, query_of

URL = "https://a.klaviyo.com"
LISTS = f"{URL}/api/lists"


@pytest.mark.parametrize(
    ("link", "query"),
    [
        (f"{LISTS}?page=2", "page=2"),
        (f"{LISTS}/?page%5Bcursor%5D=bmV4dDo6aWQ6Ok4=", "page%5Bcursor%5D=bmV4dDo6aWQ6Ok4="),
        (f"{URL}/api/%6cists?page=2#there", "page=2"),
        (f"{LISTS}?{'x' * (7_999 - len(LISTS))}", "x" * (7_999 - len(LISTS))),
        (f"{LISTS}?{'x' * (8_000 - len(LISTS))}", None),
        (f"{URL}/api/lists/Y6nRLr?page=2", None),
        (f"{URL}/api/accounts?page=2", None),
        ("http://a.klaviyo.com/api/lists?page=2", None),
        ("https://a.klaviyo.com:8443/api/lists?page=2", None),
        ("https://a.klaviyo.com@example.org/api/lists?page=2", None),
        ("https://example.org/api/lists?page=2", None),
        ("/api/lists?page=2", None),
        (f"{LISTS}?page=2 HTTP/1.1", None),
        (f"{LISTS}?page=é", None),
        ("https://[bad", None),
        (7, None),
    ],
    ids=lambda value: str(value)[:50],
)
def test_only_links_to_the_same_place_are_followed(link: Any, query: str | None) -> None:
    """A link of at most 8,000 characters to the same origin and path; a key is sent to no other."""
    assert next_query(link, LISTS) == query


def test_an_id_that_is_encoded_is_the_same_place() -> None:
    """Klaviyo may write an id in a path in another way than we do."""
    assert next_query(f"{URL}/api/jobs/SGVsbG8=/x/?a=b", f"{URL}/api/jobs/SGVsbG8%3D/x") == "a=b"


def test_parameters_become_a_query() -> None:
    """Nothing of a value is read as a part of the query."""
    query = query_of({"page[size]": "100", "filter": 'any(email,["a+b@example.org&é"])'})

    assert query == "page%5Bsize%5D=100&filter=any%28email%2C%5B%22a%2Bb%40example.org%26%C3%A9%22%5D%29"
    assert is_query(query)
