"""Documents as code: writes documents from files into the state, all or none."""

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal

from shared.adapters.storage.store import Blob
from shared.administration.audit import audited
from shared.administration.documents import changed_members, content_of, place_of, thing
from shared.administration.rights import Action, Person
from shared.catalog import Connection, Export
from shared.catalog.document import LONGEST_DOCUMENT
from shared.errors import ExportError, InvalidDocument, NotFound
from shared.services import Services


@dataclass(frozen=True, slots=True)
class Change:
    """The change of the document at `place` in the state; `content` is what to write, if anything."""

    place: str
    kind: Literal["created", "changed", "unchanged"]
    action: Action
    thing: str
    members: tuple[str, ...]
    content: bytes | None
    before: Blob | None


def apply(services: Services, documents: Iterable[Connection | Export], by: Person) -> list[Change]:
    """Writes the documents, connections first; unchanged ones stay untouched.

    A pinned account stays pinned if a connection names none, and so does a sign-in with OAuth. If a write
    fails, the earlier writes are undone, and its error is raised: Changed or AlreadyExists for a document
    that another process has just written.
    """
    first_connections = sorted(documents, key=lambda document: isinstance(document, Export))
    changes = [_change(services, document, by) for document in first_connections]
    done: list[Change] = []
    # The outcome of each audit entry is known only when all documents are written, or none.
    with ExitStack() as entries:
        try:
            for change in changes:
                if change.content is not None:
                    etag = change.before.etag if change.before else None
                    entries.enter_context(
                        audited(
                            services,
                            by,
                            change.action,
                            change.thing,
                            etag=etag or "",
                            changed=change.members,
                        )
                    )
                    services.state.write(
                        change.place, change.content, create_only=etag is None, if_match=etag
                    )
                    done.append(change)
        except ExportError:
            for change in done:
                _take_back(services, change)
            raise
    return changes


def _change(services: Services, document: Connection | Export, by: Person) -> Change:
    place = place_of(document)
    before = _read(services, place)
    known = _parse(type(document), place, before)
    if isinstance(document, Connection) and isinstance(known, Connection):
        document = _kept(document, known)
    adds, changes = (
        (Action.ADD_EXPORT, Action.CHANGE_EXPORT)
        if isinstance(document, Export)
        else (Action.ADD_CONNECTION, Action.CHANGE_CONNECTION)
    )
    action, members = changes if before else adds, changed_members(document, known)
    if known is not None and not members:
        return Change(place, "unchanged", action, thing(document), (), None, before)
    content = content_of(services, document, known, by)
    return Change(
        place, "changed" if before else "created", action, thing(document), members, content, before
    )


def _kept(document: Connection, known: Connection) -> Connection:
    """Keeps what the app has written into a connection if the file does not have it."""
    kept: dict[str, object] = {}
    if document.account is None:
        kept["account"] = known.account
    if document.sign_in == known.sign_in == "oauth":
        kept |= {"secret_name": known.secret_name, "revoked": known.revoked}
    return document.model_copy(update=kept)


def _read(services: Services, place: str) -> Blob | None:
    try:
        return services.state.read(place, most=LONGEST_DOCUMENT)
    except NotFound:
        return None


def _parse(kind: type[Connection | Export], place: str, blob: Blob | None) -> Connection | Export | None:
    """The document in the state, if it is valid: a broken one is replaced like any other."""
    try:
        return kind.parse(place, blob.content) if blob else None
    except InvalidDocument:
        return None


def _take_back(services: Services, change: Change) -> None:
    if change.before is None:
        services.state.delete(change.place)
    else:
        services.state.write(change.place, change.before.content)
