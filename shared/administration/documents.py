"""Changes of documents by people: read with their version, checked, and written with an audit entry."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from shared import state
from shared.adapters.storage.store import Blob
from shared.administration.audit import audited
from shared.administration.rights import Action, Person
from shared.catalog import Connection, Export
from shared.catalog.document import ID_PATTERN, LONGEST_DOCUMENT, read_members
from shared.errors import AlreadyExists, Changed, InvalidDocument, NotFound, Problem
from shared.services import Services

# Who wrote a document, and when; not part of its content.
STAMPS = ("created_at", "created_by", "updated_at", "updated_by")
# Members that only the app writes, and members that are shown with a document but never stored.
OWN_OF_CONNECTION = (
    *("id", "type", "sign_in", "secret_name", "consent", "account", "revoked", "export_user"),
    *STAMPS,
)
OWN_OF_EXPORT = ("id", *STAMPS)
SHOWN_ONLY = ("state", "not_checked")
# Characters of a name that people give: more can't be displayed anywhere.
LONGEST_NAME = 200
# Ids with a number at the end that are tried for a document without an id.
MOST_NUMBERS = 100


@dataclass(frozen=True, slots=True)
class Stored[D: (Connection, Export)]:
    """A document in the state, with its version."""

    document: D
    etag: str


def place_of(document: Connection | Export) -> str:
    """The document's name in the state."""
    is_export = isinstance(document, Export)
    return state.export(document.id) if is_export else state.connection(document.id)


def read_connection(services: Services, connection_id: str) -> Stored[Connection]:
    """Raises NotFound, InvalidDocument."""
    return _read(services, Connection, state.connection(connection_id), "connection", connection_id)


def read_export(services: Services, export_id: str) -> Stored[Export]:
    """Raises NotFound, InvalidDocument."""
    return _read(services, Export, state.export(export_id), "export", export_id)


def _read[D: (Connection, Export)](
    services: Services, kind: type[D], place: str, what: str, document_id: str
) -> Stored[D]:
    blob = read_blob(services, place, what, document_id)
    document = kind.parse(place, blob.content)
    if document.id != document_id:
        raise InvalidDocument(place, [Problem("/id", "must be the file's name without .json")])
    return Stored(document, blob.etag)


def read_blob(services: Services, place: str, what: str, document_id: str) -> Blob:
    """A document in the state, whether or not it is valid. Raises NotFound."""
    if re.fullmatch(ID_PATTERN, document_id) is None:
        raise NotFound(f"This {what} does not exist: its id is not valid.", code=f"unknown_{what}")
    try:
        return services.state.read(place, most=LONGEST_DOCUMENT)
    except NotFound:
        raise NotFound(f"The {what} {document_id!r} does not exist.", code=f"unknown_{what}") from None


def check_version(stored: Stored[Any], etag: str | None) -> None:
    """Raises Changed if the caller has another version of the document."""
    if etag is not None and etag != stored.etag:
        raise Changed("It was changed in the meantime. Read it again, and repeat your change.")


def replaced[D: (Connection, Export)](stored: Stored[D], content: bytes, own: Iterable[str]) -> D:
    """The document that the caller wants. The app's own members stay: they must be absent or unchanged.

    Raises InvalidDocument, with every problem.
    """
    name = "The document"
    members = {key: value for key, value in read_members(name, content).items() if key not in SHOWN_ONLY}
    # As written, or with defaults.
    written = stored.document.model_dump(mode="json", exclude_unset=True)
    whole = stored.document.model_dump(mode="json")
    changed = [key for key in own if key in members and members[key] not in (written.get(key), whole[key])]
    problems = [Problem(f"/{key}", "is set by the app: leave it out, or unchanged") for key in changed]
    kept = {key: written[key] for key in own if key in written}
    return _parsed(type(stored.document), name, members | kept, problems)


def _parsed[D: (Connection, Export)](
    kind: type[D], name: str, members: Mapping[str, Any], problems: Iterable[Problem]
) -> D:
    more: tuple[Problem, ...] = ()
    document = None
    try:
        document = kind.parse(name, json.dumps(members).encode())
        more = tuple(name_problems(document.display_name))
    except InvalidDocument as error:
        more = error.problems
    found = [*problems, *more]
    if found or document is None:
        raise InvalidDocument(name, found)
    return document


def new_document[D: (Connection, Export)](kind: type[D], members: Mapping[str, Any]) -> D:
    """A document that a person adds; only the app sets its stamps. Raises InvalidDocument."""
    given = [stamp for stamp in STAMPS if stamp in members]
    problems = [Problem(f"/{stamp}", "is set by the app: leave it out") for stamp in given]
    return _parsed(kind, "The document", members, problems)


def name_problems(display_name: str) -> Iterable[Problem]:
    """Problems of a name that a person gives; stored names stay readable."""
    if len(display_name) > LONGEST_NAME or not (display_name.isprintable() or display_name == ""):
        yield Problem("/display_name", f"must have {LONGEST_NAME} printable characters at most")


def content_of(
    services: Services, document: Connection | Export, before: Connection | Export | None, by: Person
) -> bytes:
    """The document as stored, stamped with its writer and the time."""
    now = services.clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")
    created = before if before is not None else document
    stamps = {
        "created_at": created.model_dump(mode="json")["created_at"] or now,
        "created_by": created.created_by or by.name,
        "updated_at": now,
        "updated_by": by.name,
    }
    members = {"version": 1} | document.model_dump(mode="json", exclude_unset=True) | stamps
    return json.dumps(members, indent=1, ensure_ascii=False).encode() + b"\n"


def changed_members(
    document: Connection | Export | None, before: Connection | Export | None
) -> tuple[str, ...]:
    """The names of the members that differ."""
    now, then = (each.model_dump(exclude=set(STAMPS)) if each else {} for each in (document, before))
    return tuple(sorted(name for name in {*now, *then} if now.get(name) != then.get(name)))


def save[D: (Connection, Export)](
    services: Services, by: Person, action: Action, document: D, before: Stored[D] | None
) -> Stored[D]:
    """Writes a new document, or the next version of one; an unchanged document is not written.

    Raises AlreadyExists or Changed if another process was first.
    """
    known = before.document if before is not None else None
    changed = changed_members(document, known)
    if before is not None and not changed:
        return before
    etag = before.etag if before is not None else ""
    with audited(services, by, action, thing(document), etag=etag, changed=changed):
        return write(services, by, document, before)


def write[D: (Connection, Export)](
    services: Services, by: Person, document: D, before: Stored[D] | None
) -> Stored[D]:
    """Writes the document, between the audit entry and its outcome."""
    place = place_of(document)
    known, etag = (before.document, before.etag) if before is not None else (None, None)
    content = content_of(services, document, known, by)
    etag = services.state.write(place, content, create_only=before is None, if_match=etag)
    return Stored(type(document).parse(place, content), etag)


def id_from(name: str, default: str) -> str:
    """An id derived from the name; the default if no character can be used."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:50].strip("-") or default


def free_id(base: str, check_free: Callable[[str], None], what: str) -> str:
    """The id, with a number at the end if `check_free` raises AlreadyExists. Raises AlreadyExists."""
    for candidate in (base, *(f"{base[:60]}-{number}" for number in range(2, MOST_NUMBERS))):
        with suppress(AlreadyExists):
            check_free(candidate)
            return candidate
    raise AlreadyExists(f"{MOST_NUMBERS} {what}s have this name already. Give this one an id.")


def thing(document: Connection | Export) -> str:
    """The document's name in the audit."""
    return place_of(document).removesuffix(".json")
