"""Event Grid's messages about refreshed segments: a storm of them becomes one look at what is due."""

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
# Seconds in which events gather before somebody looks. A refresh of many segments writes many files.
GATHERING = 3.0
# A message may be lost that nobody has received for so long.
OVERDUE = timedelta(minutes=2)
LONGEST_MARK = 64 * 1024


class _Look(StateModel):
    """A message is on its way, after which somebody looks: what was written before then needs no other.

    What is written once somebody `looks` needs one.
    """

    version: Literal[1] = 1
    message: str
    sent_at: Time
    looks: bool = False

    def gathers(self, now: datetime) -> bool:
        """Whether an event of now is seen by this look."""
        return not self.looks and now - self.sent_at < OVERDUE and is_believed(self.sent_at, now)


def note_refresh(services: Services, queue: Queue, event: Refreshed) -> str:
    """Has somebody look what is due, unless somebody is going to anyway; what became of the event.

    Raises what the store and the queue raise.
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
        return "gathered"  # somebody else has sent the message right now
    except ExportError:
        with suppress(ExportError):
            _take_back(services.state, look, now)
        raise
    return "noted"


def begin_look(services: Services, message: FindMessage) -> str | None:
    """From now on, an event needs another look; None where the message is an old one. Raises as above.

    The mark stays until `end_look`, which has its ETag from here: whoever dies in a look, or can't end it,
    has its message back, which begins the look again.
    """
    with suppress(Changed, NewerVersion):
        known, etag = _read(services.state, services.clock.now())
        if known is not None and known.message == message.id:
            return _write(services.state, known.model_copy(update={"looks": True}), etag)
    return None


def end_look(services: Services, etag: str) -> None:
    """Takes the mark away, where no later event has one of its own."""
    with suppress(Changed):
        services.state.delete(state.REFRESHED, if_match=etag)


def _is_ours(event: Refreshed, segments_url: str) -> bool:
    """Whether the blob is a model.json where segments lie. Which account it is in, the subscription says."""
    if segments_url.startswith("file:"):
        return False
    container, prefix = container_and_prefix(segments_url)
    folder = f"{prefix}/" if prefix else ""
    is_model = event.name.rpartition("/")[2].lower() == MODEL
    return is_model and event.container == container.rpartition("/")[2] and event.name.startswith(folder)


def _take_back(store: Store, look: _Look, now: datetime) -> None:
    """Or the event that comes again would be gathered by a look that nobody takes."""
    known, etag = _read(store, now)
    if known == look:
        store.delete(state.REFRESHED, if_match=etag)


def _write(store: Store, look: _Look, etag: str | None) -> str:
    content = look.model_dump_json().encode()
    return store.write(state.REFRESHED, content, create_only=etag is None, if_match=etag)


def _read(store: Store, now: datetime) -> tuple[_Look | None, str | None]:
    """The mark and its ETag, as `read_versioned` has them."""
    return read_versioned(store, state.REFRESHED, _Look, now, most=LONGEST_MARK)
