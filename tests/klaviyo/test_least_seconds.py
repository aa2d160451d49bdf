"""The least time that Klaviyo's limits ask for."""

import pytest

from shared.klaviyo import least_seconds


@pytest.mark.parametrize(
    ("posts", "seconds"), [(0, 0), (1, 0), (10, 0), (11, 1), (100, 9), (150, 14), (151, 60), (301, 120)]
)
def test_least_seconds_of_posts(posts: int, seconds: int) -> None:
    """Ten posts go at once and ten each second, and 150 a minute: the slower of the two counts."""
    assert least_seconds("import", posts) == seconds
