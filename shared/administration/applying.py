"""Documents as code: what files say becomes what the state says, all of it or nothing."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from shared.adapters.storage.store import Blob
from shared.administration.validation import place_of
from shared.catalog import Connection, Export
from shared.catalog.document import LONGEST_DOCUMENT
from shared.errors import ExportError, InvalidDocument, NotFound
from shared.services import Services

# Who wrote a document and when is not part of what it says.
STAMPS = ("created_at", "created_by", "updated_at", "updated_by")


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of the document at `place` in the state; `content` is what to write, if anything."""

    place: str
    kind: Literal["created", "changed", "unchanged"]
    content: bytes | None
    before: Blob | None


def apply(services: Services, documents: Iterable[Connection | Export], by: str) -> list[Change]:
    """Writes the documents, connections first; those that say what is there already stay untouched.

    An account that the state has pinned stays pinned where a connection names none. Where a write fails,
    what was written before it is taken back, and its error raised: Changed or AlreadyExists for a document
    that another process has just written.
    """
    first_connections = sorted(documents, key=lambda document: isinstance(document, Export))
    changes = [_change(services, document, by) for document in first_connections]
    done: list[Change] = []
    try:
        for change in changes:
            if change.content is not None:
                etag = change.before.etag if change.before else None
                services.state.write(change.place, change.content, create_only=etag is None, if_match=etag)
                done.append(change)
    except ExportError:
        for change in done:
            _take_back(services, change)
        raise
    return changes


def _change(services: Services, document: Connection | Export, by: str) -> Change:
    place = place_of(document)
    before = _read(services, place)
    known = _parse(type(document), place, before)
    if isinstance(document, Connection) and document.account is None and isinstance(known, Connection):
        document = document.model_copy(update={"account": known.account})
    if known is not None and _says(known) == _says(document):
        return Change(place, "unchanged", None, before)
    now = services.clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")
    created = known if known is not None else document
    stamps = {
        "created_at": created.model_dump(mode="json")["created_at"] or now,
        "created_by": created.created_by or by,
        "updated_at": now,
        "updated_by": by,
    }
    members = {"version": 1} | document.model_dump(mode="json", exclude_unset=True) | stamps
    content = json.dumps(members, indent=1, ensure_ascii=False).encode() + b"\n"
    return Change(place, "changed" if before else "created", content, before)


def _read(services: Services, place: str) -> Blob | None:
    try:
        return services.state.read(place, most=LONGEST_DOCUMENT)
    except NotFound:
        return None


def _parse(kind: type[Connection | Export], place: str, blob: Blob | None) -> Connection | Export | None:
    """What the state says, if that can be read: a broken document is replaced like any other."""
    try:
        return kind.parse(place, blob.content) if blob else None
    except InvalidDocument:
        return None


def _says(document: Connection | Export) -> dict[str, Any]:
    return document.model_dump(exclude=set(STAMPS))


def _take_back(services: Services, change: Change) -> None:
    if change.before is None:
        services.state.delete(change.place)
    else:
        services.state.write(change.place, change.before.content)
