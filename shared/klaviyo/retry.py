"""How long an exchange may take, and whether and when to retry it: pure functions."""

from shared.errors import KlaviyoUnavailable

# Seconds that an exchange may take: at least, even if less time is left, and at most.
PATIENCE = (4.0, 90.0)
# Bytes a second over the slowest line: the size of a body extends the most that an exchange may take.
SLOWEST_LINE = 20_000
# Seconds for a post that begins after the deadline. Without them, a turn that spends its time reading again
# what was sent before would make no progress.
LATE_POST = 30.0

# A 403 from something in front of Klaviyo may be temporary, but a block of our address is not.
MOST_BLOCKED = 5
LONGEST_BACKOFF = 60.0


def patience_for(left: float, size: int, patience: tuple[float, float]) -> float:
    """Seconds that an exchange may take, with `left` seconds until the deadline.

    `size` is the body's in bytes, 0 for a request without one; `patience` as `PATIENCE`.
    """
    least, most = patience
    if size and not left:
        least = LATE_POST
    return min(most + size / SLOWEST_LINE, max(least, left))


def should_retry(failure: KlaviyoUnavailable, attempts: int) -> bool:
    """Whether the same request may succeed after `attempts` that failed in this way."""
    return failure.code != "blocked" or attempts < MOST_BLOCKED


def sleep_time(failure: KlaviyoUnavailable, attempts: int, jitter: float) -> float:
    """Seconds to wait: exactly as Klaviyo asked for; otherwise 1, 2, 4, … 60, minus up to half of it.

    `jitter`, between 0 and 1, spreads callers that failed together. Klaviyo's own wait counts only if it
    is at least a second: shorter ones, again and again, would amount to no wait.
    """
    asked = failure.retry_after
    if asked is not None and asked >= 1:
        return asked
    backoff = min(LONGEST_BACKOFF, 2.0 ** min(attempts - 1, 10))
    return max(asked or 0.0, backoff * (0.5 + jitter / 2))
