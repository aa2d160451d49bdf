"""Klaviyo's rate limits: fixed windows per account and endpoint."""

import math
from dataclasses import dataclass, field

SECOND, MINUTE, DAY = 1, 60, 86_400

# tier: ((requests, seconds), ...), the burst window first.
TIERS: dict[str, tuple[tuple[int, int], ...]] = {
    "XS": ((1, SECOND), (15, MINUTE)),
    "S": ((3, SECOND), (60, MINUTE)),
    "M": ((10, SECOND), (150, MINUTE)),
    "L": ((75, SECOND), (750, MINUTE)),
    "XL": ((350, SECOND), (3500, MINUTE)),
    "M/day": ((10, SECOND), (150, MINUTE), (150, DAY)),
}


@dataclass(slots=True)
class Windows:
    """The windows of one endpoint of one account; each begins on a multiple of its length.

    When Klaviyo's begin, and whether a throttled request counts, is unconfirmed; here it does not count.
    """

    tier: str
    _counts: dict[int, tuple[int, int]] = field(default_factory=dict)  # seconds -> (window, requests in it)

    def take(self, now: float) -> int:
        """Counts one request at `now` (s); returns 0, or the seconds to wait if a window is full."""
        waits = [
            math.ceil(self._remaining_time(seconds, now))
            for allowed, seconds in TIERS[self.tier]
            if self._used(seconds, now) >= allowed
        ]
        if not waits:
            for _, seconds in TIERS[self.tier]:
                self._counts[seconds] = (int(now // seconds), self._used(seconds, now) + 1)
        return max(waits, default=0)

    def headers(self, now: float) -> dict[str, str]:
        """The `RateLimit-*` headers; remaining and reset are for the burst window."""
        allowed, seconds = TIERS[self.tier][0]
        policy = ", ".join(f"{limit};w={length}" for limit, length in TIERS[self.tier])
        return {
            "RateLimit-Limit": f"{allowed}, {policy}",
            "RateLimit-Remaining": str(allowed - self._used(seconds, now)),
            "RateLimit-Reset": str(math.ceil(self._remaining_time(seconds, now))),
        }

    def _used(self, seconds: int, now: float) -> int:
        window, used = self._counts.get(seconds, (0, 0))
        return used if window == int(now // seconds) else 0

    @staticmethod
    def _remaining_time(seconds: int, now: float) -> float:
        return seconds - now % seconds
