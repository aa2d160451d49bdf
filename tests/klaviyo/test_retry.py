"""Whether and when to try again."""

import pytest

from shared.errors import KlaviyoUnavailable
from shared.klaviyo.retry import PATIENCE, patience_for, should_retry, sleep_time


@pytest.mark.parametrize(
    ("code", "attempts", "again"),
    [("throttled", 99, True), ("klaviyo_unavailable", 99, True), ("blocked", 4, True), ("blocked", 5, False)],
)
def test_what_is_tried_again(code: str, attempts: int, again: bool) -> None:
    """What may pass is tried as long as there is time; a block of our address five times."""
    assert should_retry(KlaviyoUnavailable("", code=code), attempts) is again


@pytest.mark.parametrize(
    ("retry_after", "attempts", "jitter", "seconds"),
    [
        (7.0, 1, 0.9, 7.0),
        (3600.0, 9, 0.0, 3600.0),
        (1.0, 9, 0.0, 1.0),
        (0.0, 3, 0.5, 3.0),
        (0.0, 1, 0.0, 0.5),
        (0.75, 1, 0.0, 0.75),
        (0.001, 9, 1.0, 60.0),
        (None, 1, 0.0, 0.5),
        (None, 1, 1.0, 1.0),
        (None, 4, 0.5, 6.0),
        (None, 7, 1.0, 60.0),
        (None, 10_000, 1.0, 60.0),
    ],
)
def test_how_long_to_wait(retry_after: float | None, attempts: int, jitter: float, seconds: float) -> None:
    """What Klaviyo asks for, from a second on; else a backoff that doubles up to a minute and is spread.

    A wait of nothing, asked for again and again, is no leave to hammer.
    """
    assert sleep_time(KlaviyoUnavailable("", retry_after=retry_after), attempts, jitter) == seconds


@pytest.mark.parametrize(
    ("left", "size", "seconds"),
    [
        (1000.0, 0, 90.0),
        (90.0, 0, 90.0),
        (10.0, 0, 10.0),
        (4.0, 0, 4.0),
        (1.0, 0, 4.0),
        (0.0, 0, 4.0),
        (1000.0, 4_600_000, 320.0),
        (1000.0, 20_000, 91.0),
        (10.0, 4_600_000, 10.0),
        (0.1, 4_600_000, 4.0),
        (0.0, 4_600_000, 30.0),
        (0.0, 100, 30.0),
    ],
)
def test_how_long_an_exchange_may_take(left: float, size: int, seconds: float) -> None:
    """The time that is left, from 4 seconds to 90 and what a slow line needs; a late post gets 30."""
    assert patience_for(left, size, PATIENCE) == seconds
