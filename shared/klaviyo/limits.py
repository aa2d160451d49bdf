"""Klaviyo's rate limits: a burst and a steady window for each endpoint of an account.

Klaviyo counts in fixed windows that begin at an unknown moment. So in any period as long as a window,
requests must not exceed the window's limit:
https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling
"""

import re
import threading
from collections import deque
from collections.abc import Mapping

from shared.adapters.clock import Clock, Deadline
from shared.errors import KlaviyoUnavailable

# Requests per window, by its length in seconds, as documented for each endpoint; answers override it.
XS = {1: 1, 60: 15}
S = {1: 3, 60: 60}
M = {1: 10, 60: 150}
L = {1: 75, 60: 700}
XL = {1: 350, 60: 3500}
ENDPOINTS: Mapping[str, Mapping[int, int]] = {
    "accounts": XS,
    "list": L,
    "list-count": XS,
    "add-list": M,
    "flows": S,
    "members": L,
    "remove": M,
    "profiles": L,
    "subscribe": L,
    "erase": S,
    "usage": M,
    "import": M,
    "jobs": M,
    "job": M,
    "import-errors": M,
    "job-profiles": M,
}
# Requests that are sent evenly don't arrive evenly: windows count as longer by this factor.
MARGIN = 1.04

_WINDOW = re.compile(r"(?<![0-9.-])([0-9]{1,6});w=([0-9]{1,6})(?![0-9.])")


def least_seconds(endpoint: str, requests: int) -> int:
    """The least time that this many requests take under the documented limits."""
    return max(max(0, requests - 1) // most * seconds for seconds, most in ENDPOINTS[endpoint].items())


class Pause:
    """The time during which Klaviyo wants no request to an account, at any endpoint."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until = clock.monotonic()
        self._lock = threading.Lock()

    def extend(self, seconds: float) -> None:
        """Holds all requests back for this many seconds from now, unless a longer pause is in effect."""
        with self._lock:
            self._until = max(self._until, self._clock.monotonic() + seconds)

    def left(self) -> float:
        """Seconds until it ends; 0 once it is over."""
        return max(0.0, self._until - self._clock.monotonic())


class Limiter:
    """Paces the requests to one endpoint of one account, for all threads of the process."""

    def __init__(self, clock: Clock, windows: Mapping[int, int], pause: Pause | None = None) -> None:
        self._clock = clock
        self._windows = dict(windows)
        self._sent: deque[float] = deque(maxlen=max(windows.values()))
        self._pause = pause or Pause(clock)
        self._lock = threading.Lock()

    def wait(self, deadline: Deadline) -> None:
        """Returns when a request may be sent, and counts it.

        Raises KlaviyoUnavailable, with the seconds to wait, if the deadline leaves fewer.
        """
        while (seconds := self._take()) > 0:
            if seconds > deadline.left():
                raise KlaviyoUnavailable(
                    "Klaviyo's rate limits allow no request in the remaining time.",
                    code="throttled",
                    retry_after=seconds,
                    sent=False,
                )
            deadline.sleep(seconds)

    def pause(self, seconds: float) -> None:
        """Holds back all requests to the account, at any endpoint, for this many seconds."""
        self._pause.extend(seconds)

    def is_paused(self) -> bool:
        """Whether a pause is in effect, whatever the windows allow."""
        return self._pause.left() > 0

    def learn(self, headers: Mapping[str, str]) -> None:
        """Adopts the limits that an answer shows, as in `10, 10;w=1, 150;w=60`.

        Only Klaviyo's two windows count, with numbers between its smallest and its largest tier; anything
        else would stop the run or flood Klaviyo.
        """
        limits = {
            int(seconds): int(most) for most, seconds in _WINDOW.findall(headers.get("ratelimit-limit", ""))
        }
        learned = {
            seconds: most
            for seconds, most in limits.items()
            if seconds in XS and XS[seconds] <= most <= XL[seconds]
        }
        with self._lock:
            windows = self._windows | learned
            if windows != self._windows:
                self._windows = windows
                self._sent = deque(self._sent, maxlen=max(windows.values()))

    def _take(self) -> float:
        """Counts a request and returns 0, or the seconds until there is room for one."""
        with self._lock:
            now = self._clock.monotonic()
            wait = self._pause.left()
            for seconds, most in self._windows.items():
                if len(self._sent) >= most:
                    wait = max(wait, self._sent[-most] + seconds * MARGIN - now)
            if wait <= 0:
                self._sent.append(now)
            return wait


class AccountLimits:
    """The limiters of one account, and its pause."""

    def __init__(self, clock: Clock) -> None:
        self.pause = Pause(clock)
        self._limiters = {name: Limiter(clock, windows, self.pause) for name, windows in ENDPOINTS.items()}

    def __getitem__(self, endpoint: str) -> Limiter:
        return self._limiters[endpoint]
