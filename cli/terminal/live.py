"""Shows the progress of a run: live in a terminal, otherwise as occasional lines."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cli.terminal.output import note
from shared.adapters.clock import SystemClock
from shared.errors import ExportError
from shared.runs.heads.head import read_head
from shared.runs.run import OpenRun
from shared.runs.states import State
from shared.runs.views.estimate import estimate_of
from shared.services import Services
from shared.text import shown

LOOK_EVERY = 0.5  # seconds
IDLE = 5  # seconds without progress, after which the state shows how long
DELAY = 5  # seconds after which an answer is late
LINE_EVERY = 10  # looks, if the state does not change
WAITS = {
    "account_busy": "waiting: another run is sending to this account",
    "throttled": "waiting: Klaviyo asked for a pause",
    "paused": "waiting: the connection or all exports are paused",
    "other_export_sends": "waiting: another export into the list is about to send",
}


# What a run does in the states in which it does not send.
DOING = {
    State.READING: "reading the members of the list",
    State.CONFIRMING: "all sent; Klaviyo is importing",
    State.SUBSCRIBING: "all sent; subscribing people who consented",
    State.REMOVING: "all sent; removing people who left the segment",
    State.CLOSING: "all sent; writing the record",
}


class WatchedClock(SystemClock):
    """A clock that knows whether a thread is sleeping: for Klaviyo's limits, or between polls of its jobs."""

    def __init__(self) -> None:
        self.sleepers = 0
        self._report: Callable[[], None] | None = None
        self._lock = threading.Lock()

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.sleepers += 1
        self._report_once()
        try:
            super().sleep(seconds)
        finally:
            with self._lock:
                self.sleepers -= 1

    @contextmanager
    def reporting_delay(self, report: Callable[[], None], seconds: float = DELAY) -> Iterator[None]:
        """Calls `report` once if a thread sleeps in the block, or if the block takes so many seconds."""
        self._report = report
        timer = threading.Timer(seconds, self._report_once)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            self._report = None

    def _report_once(self) -> None:
        with self._lock:
            report, self._report = self._report, None
        if report is not None:
            report()


@contextmanager
def watching(services: Services, export_id: str) -> Iterator[None]:
    """Shows the progress of the export's open run on standard error while the block runs."""
    watch = _Watch(services, export_id)
    done = threading.Event()
    in_terminal = sys.stderr.isatty()
    screen = Live(console=Console(stderr=True), transient=True) if in_terminal else None
    thread = threading.Thread(target=watch.run, args=(done, screen), daemon=True)
    with screen or nullcontext():
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


class _Watch:
    """Reads progress from the head, which has every checkpoint, and waiting threads from the clock."""

    def __init__(self, services: Services, export_id: str) -> None:
        self._services = services
        self._export = export_id
        # When how many profiles were sent: at the first look, and when their number last changed.
        self._began: tuple[float, int] | None = None
        self._newest: tuple[float, int] | None = None

    def run(self, done: threading.Event, screen: Live | None) -> None:
        shown_state, looks = "", 0
        while not done.wait(LOOK_EVERY):
            try:
                run = read_head(self._services.state, self._export)[0].open
            except ExportError:
                continue  # the next look might succeed
            if run is None:
                continue
            state, numbers, speed = self._state(run), self._numbers(run), ", ".join(self._speed(run))
            looks += 1
            if screen is not None:
                screen.update(self._picture(run, state, numbers, speed))
            elif state != shown_state or looks > LINE_EVERY:
                shown_state, looks = state, 0
                details = ", ".join(filter(None, (numbers, speed)))
                note(f"{self._export}: {state}; {details}")

    def _picture(self, run: OpenRun, *lines: str) -> Group:
        """Each line fits into 80 columns."""
        share = estimate_of(run, self._services.clock.now()).share
        first = Table.grid(padding=(0, 1))
        bar = ProgressBar(total=1, completed=share or 0, width=30)
        first.add_row(Text(shown(self._export), "bold"), bar, f"{share:.0%}" if share is not None else "")
        return Group(first, *(Text(f"  {line}") for line in lines if line))

    def _state(self, run: OpenRun) -> str:
        clock = self._services.clock
        wait = run.wait_at(clock.now())
        if wait is not None and wait.reason is not None:
            return WAITS.get(wait.reason, "waiting: a service is unavailable, retrying soon")
        if run.plan is None:
            return "checking the segment, the list and the account"
        if run.state in DOING:
            return DOING[run.state]
        is_held = isinstance(clock, WatchedClock) and clock.sleepers > 0
        return "sending; waiting for Klaviyo (rate limit or failure)" if is_held else "sending"

    @staticmethod
    def _numbers(run: OpenRun) -> str:
        confirmed = sum(job.is_settled for job in run.deliveries.jobs)
        return (
            f"{run.record.counts.rows:,} rows read, {run.deliveries.profiles:,} profiles sent, "
            f"{confirmed} of {len(run.deliveries.jobs)} jobs confirmed"
        )

    def _speed(self, run: OpenRun) -> Iterator[str]:
        if run.state is not State.SENDING:
            return
        sent = run.deliveries.profiles
        clock = self._services.clock
        self._began = self._began or (clock.monotonic(), sent)
        seconds, before = clock.monotonic() - self._began[0], self._began[1]
        if seconds > 0 and sent > before:
            yield f"{(sent - before) / seconds:,.0f} a second"
        if self._newest is None or sent != self._newest[1]:
            self._newest = clock.monotonic(), sent
        if (idle := clock.monotonic() - self._newest[0]) >= IDLE:
            yield f"nothing new for {idle:.0f} s"
        left = estimate_of(run, clock.now()).seconds_left
        if left is not None:
            yield f"{timedelta(seconds=left)} left"
