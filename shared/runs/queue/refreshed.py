"""Event Grid's messages about refreshed segments: a storm of them leads to one look at what is due."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Literal
from uuid import uuid4

from shared import state
from shared.adapters.queue import Queue
from shared.adapters.storage.store import Store
from shared.errors import AlreadyExists, Changed, ExportError, NewerVersion
from shared.runs.queue.messages import FindMessage, Refreshed
from shared.runs.queue.versioned import read_versioned
from shared.runs.record import StateModel, Time
from shared.runs.run import is_believed
from shared.services import Services
from shared.settings import container_and_prefix

MODEL = "model.json"
# Seconds in which events gather before the look. A refresh of many segments writes many files.
GATHERING = 3.0
# A message that was not received for this long may be lost.
OVERDUE = timedelta(minutes=2)
LONGEST_MARK = 64 * 1024


class _Look(StateModel):
    """A look was requested by a message: events before it need no other one.

    Once a worker `looks`, further events need another look.
    """

    version: Literal[1] = 1
    message: str
    sent_at: Time
    looks: bool = False

    def gathers(self, now: datetime) -> bool:
        """Whether this look will cover an event that occurs now."""
        return not self.looks and now - self.sent_at < OVERDUE and is_believed(self.sent_at, now)


def note_refresh(services: Services, queue: Queue, event: Refreshed) -> str:
    """Requests a look at what is due, unless one is requested already; returns the outcome of the event.

    Raises as the store and the queue do.
    """
    if not _is_ours(event, services.settings.segments_url):
        return "not_ours"
    now = services.clock.now()
    try:
        known, etag = _read(services.state, now)
    except NewerVersion:
        return "gathered"  # newer code is going to look
    if known is not None and known.gathers(now):
        return "gathered"
    look = _Look(message=uuid4().hex, sent_at=now)
    try:
        _write(services.state, look, etag)
        queue.send(FindMessage(id=look.message, sent_at=now).model_dump_json(), GATHERING)
    except (AlreadyExists, Changed):
        return "gathered"  # another process has just sent the message
    except ExportError:
        with suppress(ExportError):
            _take_back(services.state, look, now)
        raise
    return "noted"


def begin_look(services: Services, message: FindMessage) -> str | None:
    """From now on, an event needs another look; None if the message is an old one. Raises as above.

    The mark stays until `end_look`, which gets its ETag from here: if a worker dies during the look, or can't
    end it, its message is delivered again, and begins the look again.
    """
    with suppress(Changed, NewerVersion):
        known, etag = _read(services.state, services.clock.now())
        if known is not None and known.message == message.id:
            return _write(services.state, known.model_copy(update={"looks": True}), etag)
    return None


def end_look(services: Services, etag: str) -> None:
    """Removes the mark, unless a later event has replaced it."""
    with suppress(Changed):
        services.state.delete(state.REFRESHED, if_match=etag)


def _is_ours(event: Refreshed, segments_url: str) -> bool:
    """Whether the blob is a model.json under SEGMENTS_URL. The event subscription determines the account."""
    if segments_url.startswith("file:"):
        return False
    container, prefix = container_and_prefix(segments_url)
    folder = f"{prefix}/" if prefix else ""
    is_model = event.name.rpartition("/")[2].lower() == MODEL
    return is_model and event.container == container.rpartition("/")[2] and event.name.startswith(folder)


def _take_back(store: Store, look: _Look, now: datetime) -> None:
    """Removes the mark again. Otherwise the redelivered event would wait for a look that never happens."""
    known, etag = _read(store, now)
    if known == look:
        store.delete(state.REFRESHED, if_match=etag)


def _write(store: Store, look: _Look, etag: str | None) -> str:
    content = look.model_dump_json().encode()
    return store.write(state.REFRESHED, content, create_only=etag is None, if_match=etag)


def _read(store: Store, now: datetime) -> tuple[_Look | None, str | None]:
    """The mark and its ETag, as `read_versioned` returns them."""
    return read_versioned(store, state.REFRESHED, _Look, now, most=LONGEST_MARK)
