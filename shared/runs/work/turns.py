"""Whose turn it is: accounts run concurrently, the runs of one account one after another."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from shared.adapters.clock import Clock, Deadline
from shared.runs.record import RunRecord
from shared.runs.work.find import Work

# Seconds that a run may take while another waits, and between checks whether one does.
SLICE = 60.0
GLANCE = 10.0


class Slice(Deadline):
    """The time of one turn: all of it, but at most a minute while another run waits.

    Never more than a minute is left at once, so no run holds an account while it waits for longer.
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

    Runs that can continue come first, the least recently advanced before the others. If none can yet, a
    thread sleeps until one can, but not beyond `waiting`: then the rest is for others. `news` returns the
    work requested since the last call. `touched` has the record of each run that had a turn, after its last
    one.
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
        """The work that was not taken, or was given back."""
        with self._lock:
            return list(self._work.values())

    def somebody_waits(self, account: str) -> bool:
        """Whether other work could continue if the holder of the account released it.

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
        """Frees the account, and keeps the rest of the work for another turn."""
        with self._lock:
            asked = self._asked.pop(self._busy.pop(account), None)
            if left is not None:
                self._work[_run_of(left)] = left if asked is None else _sooner(left, asked)

    def _add(self, news: Iterable[Work]) -> None:
        """Adds each run once, no matter how often it is requested: a waiting one comes sooner, and one that
        has its turn gets another at the requested time."""
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
