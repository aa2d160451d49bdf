"""How the Prefer header is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.api import Preferences


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", Preferences()),
        ("respond-async", Preferences(0, applied="respond-async")),
        ("wait=10", Preferences(10, applied="wait=10")),
        ("wait=0", Preferences(0, applied="wait=0")),
        ("wait=999999999", Preferences(200, applied="wait=200")),
        ("respond-async, wait=10", Preferences(10, applied="respond-async, wait=10")),
        ("wait=10,respond-async", Preferences(10, applied="respond-async, wait=10")),
        ('Wait = "7" ; why=not', Preferences(7, applied="wait=7")),
        ("wait=5, wait=50", Preferences(5, applied="wait=5")),
        ("handling=strict", Preferences(strict=True, applied="handling=strict")),
        ("handling=lenient, handling=strict", Preferences()),
        ("return=minimal, wait=-1, wait", Preferences()),
        ("wait=\u0663", Preferences()),
        ("wait=1e3", Preferences()),
    ],
)
def test_what_is_understood_is_applied_and_the_rest_ignored(header: str, expected: Preferences) -> None:
    """Names in any case, the first of a name counts (RFC 7240), and no wait beyond 200 seconds."""
    assert Preferences.of(header, waits=True) == expected


def test_a_route_that_does_not_wait_applies_no_time() -> None:
    """Of a GET only `handling` can be preferred."""
    header = "respond-async, wait=10, handling=strict"
    assert Preferences.of(header) == Preferences(strict=True, applied="handling=strict")


@given(st.text() | st.text("wait=,;\"' 0123456789respondyhglic-"))
def test_no_header_is_too_strange(header: str) -> None:
    """For any header, the wait is within its bounds, and the applied preferences fit into a header."""
    preferences = Preferences.of(header, waits=True)

    assert preferences.wait is None or 0 <= preferences.wait <= 200
    assert preferences.applied.isascii()
    assert preferences.applied.isprintable()
