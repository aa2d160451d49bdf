"""A worker: carries out one message of the queue. Messages may arrive twice, late, or in any order."""

import logging
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta

from shared import state
from shared.adapters import telemetry
from shared.adapters.clock import Deadline
from shared.adapters.queue import Queue
from shared.errors import AlreadyRunning, Changed, NewerVersion, NotFound, TryLater
from shared.runs.heads.head import read_entry
from shared.runs.lock.lease import RenewedLease
from shared.runs.queue.asking import ask, ask_again, write_and_send
from shared.runs.queue.marker import Marker, read_marker, write_marker
from shared.runs.queue.messages import (
    NEWER_FOR,
    FindMessage,
    Message,
    Refreshed,
    Sent,
    WorkMessage,
    read_message,
)
from shared.runs.queue.refreshed import begin_look, end_look, note_refresh
from shared.runs.run import is_believed
from shared.runs.work.find import NEVER, Work, alone
from shared.runs.work.hand_out import find_and_hand_out
from shared.runs.work.serve import serve
from shared.services import Services

logger = logging.getLogger(__name__)

# Seconds that a worker waits for a run: later work has its own message.
WAITING = 2.0
# Seconds until a message is retried whose account another worker is about to release.
BUSY_AGAIN = 5.0
# Seconds until a message of newer code is delivered again, maybe to one of its own workers.
NEWER_AGAIN = 60.0
# Seconds until a message is retried for which a store or the queue was unavailable.
AWAY_AGAIN = 30.0
# Between two checks whether somebody has lifted a pause.
LOOKS_FOR_A_PAUSE = timedelta(minutes=1)


def work_on(services: Services, queue: Queue, text: str, seconds: float) -> None:
    """Carries out a message, for `seconds`, and then sends another one for the rest.

    A message that is not ours is dropped, with a warning. If a store is unavailable, the message is sent once
    more, for later: so a message that fails until it is poisoned has met a bug or a missing permission.
    """
    message = read_message(text)
    try:
        outcome = _do(services, queue, text, message, seconds)
    except TryLater as error:
        logger.warning("a message is retried: %s: %s", error.code, error.message)
        queue.send(text, AWAY_AGAIN)
        outcome = "away"
    telemetry.messages.add(1, {"outcome": outcome})
    account = message.account if isinstance(message, WorkMessage) else ""
    whose = f"of the account {account}" if account else "of the queue"
    logger.info("a message %s: %s", whose, outcome, extra={"account": account, "outcome": outcome})


def _do(services: Services, queue: Queue, text: str, message: Message | None, seconds: float) -> str:
    """Carries out the message; returns the outcome."""
    if Sent.is_newer(text, services.clock.now(), NEWER_FOR):
        queue.send(text, NEWER_AGAIN)
        return "newer"
    match message:
        case Refreshed():
            return note_refresh(services, queue, message)
        case FindMessage():
            look = begin_look(services, message)
            if look is None:
                return "stale"
            find_and_hand_out(services, queue, Deadline(services.clock, seconds))
            end_look(services, look)
            return "found"
        case WorkMessage():
            try:
                return _work(services, queue, message, Deadline(services.clock, seconds))
            except NewerVersion:
                queue.send(message.model_dump_json(), NEWER_AGAIN)
                return "newer"
        case None:
            logger.warning("a message in the queue is not ours, and is dropped")
            return "unreadable"


def _work(services: Services, queue: Queue, message: WorkMessage, whole: Deadline) -> str:
    now = services.clock.now()
    marker, _ = read_marker(services.state, message.account, now)
    if marker is None or marker.message != message.id:
        if marker is not None and marker.is_silent(now):
            # The worker of this message may have died between its last write and sending the next message.
            ask_again(services, queue, message.account)
        return "stale"
    with ExitStack() as stack:
        lock = RenewedLease.hold(services.state, state.work_lock(message.account), services.clock)
        try:
            stack.enter_context(lock)
        except AlreadyRunning:
            if marker.taken_at is not None:
                return "doubled"
            # Between its last look at the marker and the end of its lock, a worker notices nothing.
            queue.send(marker.text(), BUSY_AGAIN)
            return "busy"
        return _Holder(services, queue, message, whole).work()


class _Holder:
    """The one worker of an account."""

    def __init__(self, services: Services, queue: Queue, message: WorkMessage, whole: Deadline) -> None:
        self._services = services
        self._queue = queue
        self._message = message
        self._whole = whole
        self._etag: str | None = None

    def work(self) -> str:
        """Does the work in the marker, until nothing is left for now or the time is over."""
        marker = self._take()
        if marker is None:
            return "stale"
        work = self._open_runs(marker.exports | marker.asked)
        while True:
            left = self._serve(work)
            if self._etag is None:  # a process that took this worker for dead has sent another message
                return "replaced"
            try:
                self._let_go(left)
            except Changed:
                work = [*self._open_runs(left), *self._news()]
            else:
                return "worked"

    def _take(self) -> Marker | None:
        """Takes the account; returns its marker, or None if the message is outdated."""
        store, clock = self._services.state, self._services.clock
        while True:
            marker, etag = self._read()
            if marker is None:
                return None
            with suppress(Changed):  # more work was requested
                taken = marker.taken(clock.now())
                self._etag = write_marker(store, taken, etag)
                return taken

    def _read(self) -> tuple[Marker | None, str | None]:
        """The marker, if it is still this worker's."""
        store, now = self._services.state, self._services.clock.now()
        marker, etag = read_marker(store, self._message.account, now)
        return (marker, etag) if marker and marker.message == self._message.id else (None, None)

    def _news(self) -> list[Work]:
        """The work requested since the marker was last read or written."""
        marker, etag = self._read()
        if etag == self._etag:
            return []
        found = self._open_runs(marker.asked) if marker else []
        self._etag = etag  # only now: work that can't be read is found again at the next look
        return found

    def _serve(self, work: Iterable[Work]) -> dict[str, datetime]:
        """Continues with these runs; returns the rest, with the times from which they can continue."""
        clock = self._services.clock
        waiting = Deadline(clock, WAITING)
        turns = serve(self._services, work, whole=self._whole, waiting=waiting, threads=1, news=self._news)
        now = clock.now()
        return {
            each.export: max(each.not_before, now + LOOKS_FOR_A_PAUSE if each.paused else now)
            for each in turns.left()
        }

    def _open_runs(self, exports: Mapping[str, datetime]) -> list[Work]:
        return [work for export_id, due in exports.items() if (work := self._open_run(export_id, due))]

    def _open_run(self, export_id: str, due: datetime) -> Work | None:
        """The export's open run, if it has one for this account. Raises TryLater."""
        services, account, found = self._services, self._message.account, None
        with alone(export_id, but=TryLater), suppress(NotFound):
            entry = read_entry(services.state, services.state.stat(state.head(export_id)), export_id)
            if entry.open is not None:
                due = due if is_believed(due, services.clock.now()) else NEVER
                if entry.account in (None, account):
                    found = Work(export_id, account, entry.open, None, entry.advanced_at or NEVER, due)
                else:  # the marker is its connection's, whose account was unknown then
                    ask(services, self._queue, entry.account, {export_id: due})
        return found

    def _let_go(self, left: Mapping[str, datetime]) -> None:
        """Releases the account. Raises Changed if more work was requested."""
        store, now = self._services.state, self._services.clock.now()
        if left:
            marker = Marker.of(self._message.account, left, now)
            write_and_send(self._services, self._queue, marker, self._etag)
        else:
            store.delete(state.work(self._message.account), if_match=self._etag)
