"""The least time that Klaviyo's limits ask for."""

import pytest

from shared.klaviyo import least_seconds


@pytest.mark.parametrize(
    ("posts", "seconds"), [(0, 0), (1, 0), (10, 0), (11, 1), (100, 9), (150, 14), (151, 60), (301, 120)]
)
def test_least_seconds_of_posts(posts: int, seconds: int) -> None:
    """Ten posts go at once and ten each second, and 150 a minute: the slower of the two counts."""
    assert least_seconds("import", posts) == seconds


@pytest.mark.parametrize(
    ("endpoint", "requests", "seconds"),
    [("members", 10_000, 14 * 60), ("remove", 1_000, 6 * 60), ("erase", 60, 19), ("list-count", 15, 14)],
)
def test_least_seconds_of_other_calls(endpoint: str, requests: int, seconds: int) -> None:
    """A plan can say how long a million members take to read, and so on, before any of it is asked for."""
    assert least_seconds(endpoint, requests) == seconds
