"""Whether and when to try again, as pure functions."""

from shared.errors import KlaviyoUnavailable

# A 403 that isn't Klaviyo's own may pass, but a block on our address does not.
MOST_BLOCKED = 5
LONGEST_BACKOFF = 60.0


def should_retry(failure: KlaviyoUnavailable, attempts: int) -> bool:
    """True where the same request may go through after `attempts` that failed in this way."""
    return failure.code != "blocked" or attempts < MOST_BLOCKED


def sleep_time(failure: KlaviyoUnavailable, attempts: int, jitter: float) -> float:
    """Seconds to wait: exactly what Klaviyo asked for; else 1, 2, 4, … 60, less up to half of it.

    `jitter` is between 0 and 1 and spreads callers that failed together. A wait of less than a second is
    never the whole answer: asked for again and again, it would be no wait at all.
    """
    asked = failure.retry_after
    if asked is not None and asked >= 1:
        return asked
    backoff = min(LONGEST_BACKOFF, 2.0 ** min(attempts - 1, 10))
    return max(asked or 0.0, backoff * (0.5 + jitter / 2))
