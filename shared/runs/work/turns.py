"""Whose turn it is: accounts side by side, the runs of one account one after the other."""

import threading
from collections.abc import Callable, Iterable

from shared.adapters.clock import Clock, Deadline
from shared.runs.record import RunRecord
from shared.runs.work.find import Work

# Seconds that a run may take while somebody waits, and between looks whether somebody does.
SLICE = 60.0
GLANCE = 10.0


class Slice(Deadline):
    """The time of one turn: as long as the whole, but a minute at most while somebody waits.

    Never more than a minute is left at once, so that nobody holds an account while it waits for longer.
    """

    def __init__(self, clock: Clock, whole: Deadline, somebody_waits: Callable[[], bool]) -> None:
        super().__init__(clock, SLICE)
        self._whole = whole
        self._somebody_waits = somebody_waits
        self._is_over = False

    def left(self) -> float:
        now = self._clock.monotonic()
        if not self._is_over and now >= self._ends:
            self._is_over = self._somebody_waits()
            self._ends = now + GLANCE
        return 0.0 if self._is_over else min(SLICE, self._whole.left())


class Turns:
    """Work for several threads.

    What can go on comes first, and of that the least recently advanced. Where nothing can yet, a thread
    sleeps until something can, but not beyond `waiting`: then what is left is for others. `news` returns what
    was asked for since the last call. `touched` has the record of each run that had a turn, as its last one
    left it.
    """

    def __init__(
        self,
        clock: Clock,
        work: Iterable[Work],
        whole: Deadline,
        waiting: Deadline,
        news: Callable[[], Iterable[Work]] = tuple,
    ) -> None:
        self._clock = clock
        self._whole = whole
        self._waiting = waiting
        self._news = news
        self._work = list(work)
        self._busy: set[str] = set()
        self._lock = threading.Lock()
        self.touched: dict[str, RunRecord] = {}

    def accounts(self) -> int:
        return len({work.account for work in self._work})

    def left(self) -> list[Work]:
        """What nobody has taken, or has been given back."""
        with self._lock:
            return list(self._work)

    def somebody_waits(self, account: str) -> bool:
        """Whether work can go on for which the holder of the account would have to let go.

        A run that waits for the end of a pause does not count: that may last for days.
        """
        news = list(self._news())
        with self._lock:
            self._work += news
            now = self._clock.now()
            return any(
                not work.paused
                and work.not_before <= now
                and (work.account == account or work.account not in self._busy)
                for work in self._work
            )

    def take(self) -> Work | None:
        """Work whose account is the caller's until it is given back; None at the end."""
        with self._lock:
            free = [work for work in self._work if work.account not in self._busy]
            if not free or self._whole.left() <= 0:
                return None
            now = self._clock.now()
            work = min(free, key=lambda work: (max(work.not_before, now), work.advanced_at))
            pause = max(0.0, (work.not_before - now).total_seconds())
            if pause and pause >= self._waiting.left():
                return None
            self._work.remove(work)
            self._busy.add(work.account)
        self._whole.sleep(pause)
        return work

    def give_back(self, account: str, left: Work | None) -> None:
        """Frees the account, and keeps what is left for another turn."""
        with self._lock:
            self._busy.discard(account)
            if left is not None:
                self._work.append(left)
