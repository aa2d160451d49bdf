"""The messages in the queue: our own, and Event Grid's about refreshed segments. Pure."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from shared.runs.record import StateModel, Time
from shared.runs.run import is_believed

VERSION = 1
# A message of newer code is left to that code for this long, since none waits longer. Its other documents are
# left alone for this long after they were due or taken, since no worker takes longer. After that, the newer
# code no longer runs, as after a rollback.
NEWER_FOR = timedelta(hours=2)
NEWER_OVERDUE_FOR = timedelta(minutes=15)
BLOB_CREATED = "Microsoft.Storage.BlobCreated"


class WorkMessage(StateModel):
    """It is this account's turn. `id` is also in the account's marker."""

    version: Literal[1] = 1
    kind: Literal["work"] = "work"
    id: str
    account: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    sent_at: Time


class FindMessage(StateModel):
    """Segments were refreshed: find what is due. `id` is also in the mark of that."""

    version: Literal[1] = 1
    kind: Literal["find"] = "find"
    id: str
    sent_at: Time


@dataclass(frozen=True, slots=True)
class Refreshed:
    """An event: this blob, in a container of any account, was written."""

    container: str
    name: str


class Sent(StateModel):
    """The common members of messages and their documents in all versions. Documents may have later times."""

    version: int = Field(ge=1, strict=True)
    sent_at: Time
    due: Time | None = None
    taken_at: Time | None = None

    @classmethod
    def is_newer(cls, content: str | bytes, now: datetime, lasts: timedelta) -> bool:
        """Whether newer code sent it and may still be running: its last time is less than `lasts` ago."""
        try:
            sent = cls.model_validate_json(content)
        except ValidationError:
            return False
        last = max(filter(None, (sent.sent_at, sent.due, sent.taken_at)))
        return sent.version > VERSION and is_believed(last, now) and now - last < lasts


type Message = WorkMessage | FindMessage | Refreshed

_OURS: TypeAdapter[WorkMessage | FindMessage] = TypeAdapter(
    Annotated[WorkMessage | FindMessage, Field(discriminator="kind")]
)


def read_message(text: str) -> Message | None:
    """The parsed message; None if this code does not know it."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(content, list) and len(content) == 1:
        content = content[0]
    if not isinstance(content, dict):
        return None
    if "subject" in content:
        return _refreshed(content)
    try:
        return _OURS.validate_python(content)
    except ValidationError:
        return None


def _refreshed(event: dict[str, Any]) -> Refreshed | None:
    """The blob of an event in Event Grid's own form or in CloudEvents'.

    Source: https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage
    """
    subject = event["subject"]
    if BLOB_CREATED not in (event.get("eventType"), event.get("type")) or not isinstance(subject, str):
        return None
    start, _, rest = subject.partition("/containers/")
    container, _, name = rest.partition("/blobs/")
    if start != "/blobServices/default" or not container or not name:
        return None
    return Refreshed(container, name)
