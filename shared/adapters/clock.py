"""The time, which tests can replace, and how much of it a call may take."""

import time
from datetime import UTC, datetime
from typing import Protocol

# It also counts while the machine is suspended, as Azure does for a lease; Linux has a separate name for it.
_CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    def now(self) -> datetime:
        """The wall clock, in UTC."""

    def monotonic(self) -> float:
        """Seconds that only increase, for deadlines and the age of a lease."""

    def sleep(self, seconds: float) -> None:
        """Waits."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.clock_gettime(_CLOCK)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Deadline:
    """How long a call may take, in seconds; shared by its threads.

    With `after_progress`, the time restarts at each progress: the call may take any time while it makes
    progress.
    """

    # A sleeper checks this often (seconds) whether the deadline has changed.
    GLANCE = 1.0

    def __init__(self, clock: Clock, seconds: float, *, after_progress: bool = False) -> None:
        self._clock = clock
        self._seconds = seconds
        self._after_progress = after_progress
        self._ends = clock.monotonic() + seconds

    def left(self) -> float:
        """Seconds until the end; 0 once it is over."""
        return max(0.0, self._ends - self._clock.monotonic())

    def progress(self) -> None:
        """Something was achieved."""
        if self._after_progress:
            self._ends = self._clock.monotonic() + self._seconds

    def sleep(self, seconds: float) -> None:
        """Waits."""
        until = self._clock.monotonic() + seconds
        while (rest := min(until - self._clock.monotonic(), self.left())) > 0:
            self._clock.sleep(min(rest, self.GLANCE))


class Branch(Deadline):
    """A part of a call: it ends with the whole, or earlier if it is cut."""

    def __init__(self, whole: Deadline) -> None:
        self._clock = whole._clock
        self._whole = whole
        self._cut = False

    def left(self) -> float:
        return 0.0 if self._cut else self._whole.left()

    def progress(self) -> None:
        self._whole.progress()

    def cut(self) -> None:
        """Ends the part now, for every thread in it."""
        self._cut = True
