"""Whose turn it is: accounts side by side, the runs of one account one after the other."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

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


type _Run = tuple[str, str | None]


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
        self._work: dict[_Run, Work] = {}
        self._busy: dict[str, _Run] = {}
        self._asked: dict[_Run, datetime] = {}
        self._lock = threading.Lock()
        self.touched: dict[str, RunRecord] = {}
        self._add(work)

    def accounts(self) -> int:
        return len({work.account for work in self._work.values()})

    def left(self) -> list[Work]:
        """What nobody has taken, or has been given back."""
        with self._lock:
            return list(self._work.values())

    def somebody_waits(self, account: str) -> bool:
        """Whether work can go on for which the holder of the account would have to let go.

        A run that waits for the end of a pause does not count: that may last for days.
        """
        news = list(self._news())
        with self._lock:
            self._add(news)
            now = self._clock.now()
            return any(
                not work.paused
                and work.not_before <= now
                and (work.account == account or work.account not in self._busy)
                for work in self._work.values()
            )

    def take(self) -> Work | None:
        """Work whose account is the caller's until it is given back; None at the end."""
        with self._lock:
            free = [work for work in self._work.values() if work.account not in self._busy]
            if not free or self._whole.left() <= 0:
                return None
            now = self._clock.now()
            work = min(free, key=lambda work: (max(work.not_before, now), work.advanced_at))
            pause = max(0.0, (work.not_before - now).total_seconds())
            if pause and pause >= self._waiting.left():
                return None
            self._busy[work.account] = _run_of(work)
            del self._work[_run_of(work)]
        self._whole.sleep(pause)
        return work

    def give_back(self, account: str, left: Work | None) -> None:
        """Frees the account, and keeps what is left for another turn."""
        with self._lock:
            asked = self._asked.pop(self._busy.pop(account), None)
            if left is not None:
                self._work[_run_of(left)] = left if asked is None else _sooner(left, asked)

    def _add(self, news: Iterable[Work]) -> None:
        """Each run once, however often it is asked for: one that is waited for comes sooner, and one that has
        its turn has another at the time that was asked for."""
        for work in news:
            run = _run_of(work)
            if run in self._busy.values():
                self._asked[run] = work.not_before
            elif run in self._work:
                self._work[run] = _sooner(self._work[run], work.not_before)
            else:
                self._work[run] = work


def _run_of(work: Work) -> _Run:
    return work.export, work.run


def _sooner(work: Work, asked: datetime) -> Work:
    return replace(work, not_before=min(work.not_before, asked))
