"""Documents that belong to messages, which another version of this code may have written."""

from contextlib import suppress
from datetime import datetime

from pydantic import ValidationError

from shared.adapters.storage.store import Store
from shared.errors import InvalidDocument, NewerVersion, NotFound
from shared.runs.queue.messages import NEWER_OVERDUE_FOR, Sent
from shared.runs.record import StateModel


def read_versioned[Document: StateModel](
    store: Store, name: str, kind: type[Document], now: datetime, *, most: int
) -> tuple[Document | None, str | None]:
    """The document, of at most `most` bytes, and its ETag; None and None if there is none.

    An unreadable one counts as none, but has its ETag: its content can be found again. Raises NewerVersion if
    newer code wrote it and may still be running.
    """
    try:
        blob = store.read(name, most=most)
    except NotFound:
        return None, None
    except InvalidDocument:  # too long
        return None, store.stat(name).etag
    if Sent.is_newer(blob.content, now, NEWER_OVERDUE_FOR):
        raise NewerVersion(name)
    with suppress(ValidationError):
        return kind.model_validate_json(blob.content), blob.etag
    return None, blob.etag
