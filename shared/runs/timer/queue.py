"""The work of a tick: accounts side by side, the runs of one account one after the other."""

import threading
from collections.abc import Iterable
from dataclasses import replace

from shared.adapters.clock import Clock, Deadline
from shared.runs.record import RunRecord
from shared.runs.timer.find import NEVER, Work
from shared.runs.turn import Progress


class WorkQueue:
    """The work of a tick, for several threads.

    What can go on comes first, and of that the least recently advanced. Where nothing can yet, a thread
    sleeps until something can, but not beyond `waiting`: then what is left is for the next tick. `touched`
    has the record of each run that had a turn, as its last one left it.
    """

    def __init__(self, clock: Clock, work: Iterable[Work], whole: Deadline, waiting: Deadline) -> None:
        self._clock = clock
        self._whole = whole
        self._waiting = waiting
        self._work = list(work)
        self._busy: set[str] = set()
        self._lock = threading.Lock()
        self.touched: dict[str, RunRecord] = {}

    def accounts(self) -> int:
        return len({work.account for work in self._work})

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

    def give_back(self, work: Work, progress: Progress | None) -> None:
        """Frees the account, and keeps an open run for another turn."""
        with self._lock:
            self._busy.discard(work.account)
            if progress is None:
                return
            run = progress.record
            self.touched[run.id] = run
            if not run.is_closed:
                later, now = progress.not_before or NEVER, self._clock.now()
                self._work.append(replace(work, run=run.id, advanced_at=now, not_before=later))
