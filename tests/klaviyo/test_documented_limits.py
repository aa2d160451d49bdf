"""What we hold ourselves to is what Klaviyo documents for each endpoint."""

import pytest

from shared.adapters.clock import Deadline
from shared.klaviyo.limits import ENDPOINTS, AccountLimits
from tests.support.world import MadeClock

# Requests a second and a minute, from the reference of each endpoint: https://developers.klaviyo.com/en/reference
DOCUMENTED = {
    "accounts": {1: 1, 60: 15},
    "list": {1: 75, 60: 750},
    "list-count": {1: 1, 60: 15},
    "add-list": {1: 10, 60: 150},  # and 150 a day: people make them one by one
    "flows": {1: 3, 60: 60},
    "members": {1: 75, 60: 750},
    "remove": {1: 10, 60: 150},
    "profiles": {1: 75, 60: 750},
    "subscribe": {1: 75, 60: 750},
    "erase": {1: 3, 60: 60},
    "usage": {1: 10, 60: 150},
    "import": {1: 10, 60: 150},
    "jobs": {1: 10, 60: 150},
    "job": {1: 10, 60: 150},
    "import-errors": {1: 10, 60: 150},
    "job-profiles": {1: 10, 60: 150},
}


def test_each_endpoint_has_its_limits() -> None:
    """None is left out, and none is made up."""
    assert set(ENDPOINTS) == set(DOCUMENTED)


@pytest.mark.parametrize("endpoint", DOCUMENTED)
def test_no_endpoint_is_called_more_often_than_is_documented(endpoint: str) -> None:
    """Not even where requests arrive up to 3 percent closer together than they left, nor much less often."""
    clock = MadeClock()
    limiter = AccountLimits(clock)[endpoint]
    out = []
    for _ in range(2_000):
        limiter.wait(Deadline(clock, 10_000))
        out.append(clock.monotonic())

    for seconds, most in DOCUMENTED[endpoint].items():
        gaps = [later - earlier for earlier, later in zip(out, out[most:], strict=False)]
        assert min(gaps) >= 1.03 * seconds
    steady = DOCUMENTED[endpoint][60]
    assert out[-1] <= 1.2 * 60 * len(out) / steady
