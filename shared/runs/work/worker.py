"""A worker: does what one message of the queue says. Messages may come twice, late, or in any order."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta

from shared import state
from shared.adapters import telemetry
from shared.adapters.clock import Deadline
from shared.adapters.queue import Queue
from shared.errors import AlreadyRunning, Changed, NewerVersion, NotFound
from shared.runs.heads.head import read_entry
from shared.runs.lock.lease import RenewedLease
from shared.runs.queue.asking import send
from shared.runs.queue.marker import Marker, read_marker, write_marker
from shared.runs.queue.messages import FindMessage, Message, Refreshed, WorkMessage, read_message, sent_at_of
from shared.runs.queue.refreshed import begin_look, note_refresh
from shared.runs.work.find import NEVER, Work, alone
from shared.runs.work.hand_out import find_and_hand_out
from shared.runs.work.serve import serve
from shared.services import Services

logger = logging.getLogger(__name__)

# Seconds that a worker waits for a run: what comes later has a message of its own.
WAITING = 2.0
# Seconds until a message is tried again whose account another worker is about to let go.
BUSY_AGAIN = 5.0
# What newer code wrote is put back until its workers are there, in seconds, and dropped when they are not
# for so long: whatever it says, the timer finds it.
NEWER_AGAIN = 60.0
NEWER_FOR = timedelta(days=1)


def work_on(services: Services, queue: Queue, text: str, seconds: float) -> None:
    """Does what a message says, for so many seconds, and sends another one for what is left then.

    What is no message of ours is dropped, with a warning. Raises what the store and the queue raise: the
    host delivers the message again.
    """
    try:
        message = read_message(text)
        outcome = _do(services, queue, message, seconds)
    except NewerVersion:
        sent_at = sent_at_of(text)
        if sent_at is not None and services.clock.now() - sent_at < NEWER_FOR:
            queue.send(text, NEWER_AGAIN)
        outcome = "newer"
    telemetry.messages.add(1, {"outcome": outcome})


def _do(services: Services, queue: Queue, message: Message | None, seconds: float) -> str:
    """What became of it."""
    match message:
        case Refreshed():
            return note_refresh(services, queue, message)
        case FindMessage():
            if not begin_look(services, message):
                return "stale"
            find_and_hand_out(services, queue)
            return "found"
        case WorkMessage():
            return _work(services, queue, message, Deadline(services.clock, seconds))
        case None:
            logger.warning("a message in the queue is none of ours, and is dropped")
            return "unreadable"


def _work(services: Services, queue: Queue, message: WorkMessage, whole: Deadline) -> str:
    marker, _ = read_marker(services.state, message.account)
    if marker is None or marker.message != message.id:
        return "stale"
    with ExitStack() as stack:
        lock = RenewedLease.hold(services.state, state.work_lock(message.account), services.clock)
        try:
            stack.enter_context(lock)
        except AlreadyRunning:
            if marker.taken_at is not None:
                return "doubled"
            # Between its last look at the marker and the end of its lock, a worker hears nothing.
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

    def work(self) -> str:
        """Does what the marker says, until nothing is left for now or the time is over."""
        marker, etag = self._take()
        if marker is None:
            return "stale"
        todo: Mapping[str, datetime] = marker.exports | marker.asked
        while True:
            left = self._serve(marker.account, todo)
            try:
                self._let_go(marker.account, left, etag)
            except Changed:  # somebody has asked meanwhile
                marker, etag = read_marker(self._services.state, self._message.account)
                if marker is None or marker.message != self._message.id:
                    return "replaced"
                todo = left | marker.asked
            else:
                return "worked"

    def _take(self) -> tuple[Marker | None, str | None]:
        """The marker, as it is from now on; None where the message means nothing any more."""
        while True:
            marker, etag = read_marker(self._services.state, self._message.account)
            if marker is None or marker.message != self._message.id:
                return None, None
            try:
                taken = marker.taken(self._services.clock.now())
                return taken, write_marker(self._services.state, taken, etag)
            except Changed:  # somebody has asked for more
                continue

    def _serve(self, account: str, todo: Mapping[str, datetime]) -> dict[str, datetime]:
        """Continues with these exports' runs; those that are left, with the times from which on they can."""
        clock = self._services.clock
        work = [each for export_id, due in todo.items() for each in self._open_run(account, export_id, due)]
        waiting = Deadline(clock, WAITING)
        turns = serve(self._services, work, whole=self._whole, waiting=waiting, threads=1)
        now = clock.now()
        # The timer looks for the end of a pause.
        return {each.export: max(each.not_before, now) for each in turns.left() if not each.paused}

    def _open_run(self, account: str, export_id: str, due: datetime) -> Iterator[Work]:
        store = self._services.state
        with alone(export_id):
            try:
                entry = read_entry(store, store.stat(state.head(export_id)), export_id)
            except NotFound:
                return
            if entry.open is not None:
                yield Work(export_id, account, entry.open, None, entry.advanced_at or NEVER, due)

    def _let_go(self, account: str, left: Mapping[str, datetime], etag: str | None) -> None:
        """Raises Changed where somebody has asked for more."""
        store, now = self._services.state, self._services.clock.now()
        if left:
            marker = Marker.of(account, left, now)
            write_marker(store, marker, etag)
            send(self._queue, marker, now)
        else:
            store.delete(state.work(account), if_match=etag)
