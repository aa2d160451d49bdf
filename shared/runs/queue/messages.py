"""What travels in the queue: our own messages, and Event Grid's about refreshed segments. Pure."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from shared.runs.record import StateModel, Time

VERSION = 1
# What newer code sent is left to it for so long; no message waits longer, and it may be gone by a rollback.
NEWER_FOR = timedelta(hours=2)
BLOB_CREATED = "Microsoft.Storage.BlobCreated"


class WorkMessage(StateModel):
    """It is an account's turn. `id` is also in the account's marker."""

    version: Literal[1] = 1
    kind: Literal["work"] = "work"
    id: str
    account: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    sent_at: Time


class FindMessage(StateModel):
    """Segments were refreshed: look what is due. `id` is also in the marker of that."""

    version: Literal[1] = 1
    kind: Literal["find"] = "find"
    id: str
    sent_at: Time


@dataclass(frozen=True, slots=True)
class Refreshed:
    """An event: this blob, in a container of some account, was written."""

    container: str
    name: str


class Sent(StateModel):
    """What the messages, and the documents beside them, have in all versions."""

    version: int = Field(ge=1, strict=True)
    sent_at: Time

    @classmethod
    def is_newer(cls, content: str | bytes, now: datetime) -> bool:
        """Whether newer code has sent it, so that it may still be there to continue with it."""
        try:
            sent = cls.model_validate_json(content)
        except ValidationError:
            return False
        return sent.version > VERSION and -NEWER_FOR < now - sent.sent_at < NEWER_FOR


type Message = WorkMessage | FindMessage | Refreshed

_OURS: TypeAdapter[WorkMessage | FindMessage] = TypeAdapter(
    Annotated[WorkMessage | FindMessage, Field(discriminator="kind")]
)


def read_message(text: str) -> Message | None:
    """What a message says; None where it is nothing that this code knows, whoever wrote it."""
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
