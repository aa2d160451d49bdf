"""How work gets into the queue: a process that leaves an open run to others asks for a worker.

The marker is written conditionally, and then the message is sent: of all processes that ask at once, one
sends. A request while a worker has the account is left in the marker, where that worker finds it before it
ends. So a request can only be lost if a process dies, or the queue is unavailable, in between: the timer
checks for that.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from shared import state
from shared.adapters import telemetry
from shared.adapters.queue import Queue
from shared.errors import AlreadyExists, Changed, ExportError, TryLater
from shared.runs.lock.account import account_of
from shared.runs.lock.lease import is_held
from shared.runs.queue.marker import Marker, read_marker, write_marker
from shared.runs.run import is_believed
from shared.services import Services

logger = logging.getLogger(__name__)

# Others may write the same marker at the same time.
MOST_TRIES = 20


def leave_to_workers(services: Services, export_id: str, due: datetime | None = None) -> None:
    """If there is a queue, asks for a worker for the export's open run, which can continue from `due` on.

    Errors are only logged: the run stays open, and the timer asks again.
    """
    if services.queue is None or state.is_of_one_file(export_id):
        return
    now = services.clock.now()
    try:
        account = account_of(services, services.catalog.export(export_id))
        ask(services, services.queue, account, {export_id: max(due or now, now)})
    except ExportError as error:
        logger.warning("export %s is left to the timer: %s: %s", export_id, error.code, error.message)


def ask(services: Services, queue: Queue, account: str, exports: Mapping[str, datetime]) -> None:
    """Adds these exports to the account's marker, with the times from which they can continue.

    Raises NewerVersion, and as the store and the queue do.
    """
    for _ in range(MOST_TRIES):
        now = services.clock.now()
        marker, etag = read_marker(services.state, account, now)
        wanted = marker.asked_for(exports, now) if marker else Marker.of(account, exports, now)
        if wanted is None:
            return
        with suppress(AlreadyExists, Changed):
            if marker is None or wanted.has_more_to_send_than(marker):
                write_and_send(services, queue, wanted, etag)
            else:
                write_marker(services.state, wanted, etag)
            return


def ask_again(services: Services, queue: Queue, account: str) -> None:
    """Sends the account's message again if it may be lost, or its worker dead. Raises as `ask`."""
    now = services.clock.now()
    marker, etag = read_marker(services.state, account, now)
    if marker is None or not marker.is_silent(now):
        return
    if is_held(services.state, state.work_lock(account)):
        return
    with suppress(Changed):
        write_and_send(services, queue, marker.again(now), etag)
        telemetry.messages.add(1, {"outcome": "sent_again"})


def write_and_send(services: Services, queue: Queue, marker: Marker, etag: str | None) -> None:
    """Writes the marker and sends its message, to be received when due; a time too far ahead is ignored.

    The marker shows the message as sent only after the queue has accepted it; otherwise the next look sends
    it. Raises AlreadyExists and Changed, and as the store and the queue do.
    """
    now = services.clock.now()
    delay = (marker.due - now).total_seconds() if is_believed(marker.due, now) else 0.0
    written = write_marker(services.state, marker.unsent(), etag)
    queue.send(marker.text(), max(0.0, delay))
    with suppress(TryLater, Changed):  # a worker may have it already
        write_marker(services.state, marker, written)
