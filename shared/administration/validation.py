"""Checks documents: each by itself, with its references and, on request, with Klaviyo and the segments."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

from shared.adapters.clock import Deadline
from shared.adapters.storage.store import BlobInfo, Store
from shared.administration.documents import place_of
from shared.administration.secrets import OTHERS_SECRET, may_name
from shared.catalog import Connection, Export
from shared.catalog.document import LONGEST_DOCUMENT
from shared.errors import MOST_PROBLEMS, ExportError, InvalidDocument, Problem, TryLater
from shared.profiles.columns import find_columns, has_any
from shared.services import Services, open_account
from shared.text import trim

FOLDERS = ("connections/", "exports/")


@dataclass(frozen=True, slots=True)
class Checked:
    """A document and its problems; `document` is None if it is not valid.

    `more` counts the problems beyond those that are listed.
    """

    name: str
    content: bytes
    document: Connection | Export | None
    problems: tuple[Problem, ...]
    more: int = 0


class Found(NamedTuple):
    """A problem, and whether it is certain; if not, the service that would show it is unavailable."""

    problem: Problem
    is_certain: bool = True

    @classmethod
    def of(cls, pointer: str, error: ExportError, subject: str = "") -> Self:
        return cls(Problem(pointer, f"{subject}{error.message}"), not isinstance(error, TryLater))


class Stored(NamedTuple):
    """A document of the state, whose name determines its kind and its id."""

    name: str
    content: bytes


def stored_documents(services: Services) -> Iterator[Stored]:
    """Every document in the state."""
    for folder in FOLDERS:
        for blob in services.state.list(folder):
            if blob.name.endswith(".json") and blob.name.count("/") == 1:
                yield Stored(blob.name, _content(services.state, blob))


def _content(store: Store, blob: BlobInfo) -> bytes:
    """The content of a document; if it is too long, only as much as shows that."""
    if blob.size <= LONGEST_DOCUMENT:
        return store.read(blob.name).content
    return next(iter(store.stream(blob.name, etag=blob.etag)))


def validate(
    services: Services, documents: Iterable[tuple[str, bytes]], deadline: Deadline | None = None
) -> list[Checked]:
    """Checks documents by names and contents, even if some are not valid: those of the state, or files of any
    name.

    With a deadline, lists and accounts are checked at Klaviyo, segments and columns in their store. Documents
    that are referred to but not among these are read from the state.
    """
    read = [_read(*document, is_stored=isinstance(document, Stored)) for document in documents]
    connections = {each.document.id: each.document for each in read if isinstance(each.document, Connection)}
    return [
        Checked(
            each.name,
            each.content,
            each.document,
            (*each.problems, *_problems(services, each, read, connections, deadline)),
            each.more,
        )
        for each in read
    ]


def problems_outside(
    services: Services, export: Export, before: Export | None, deadline: Deadline
) -> Iterator[Found]:
    """Problems of an export's references: its list, its segments and their columns. References that are
    unchanged since `before` are not checked again."""
    if export.connection is not None and not _names_same(export, before, ("connection", "list_id")):
        try:
            connection = services.catalog.connection(export.connection)
        except ExportError as error:
            yield Found.of("/connection", error)
        else:
            yield from _list(services, export, connection, deadline)
    if _names_same(export, before, ("segments", "match", "attributes", "only_if", "consent")):
        return
    for number, segment in enumerate(export.segments):
        yield from _segment(services, export, number, segment)


def _names_same(export: Export, before: Export | None, members: Iterable[str]) -> bool:
    return before is not None and all(getattr(export, name) == getattr(before, name) for name in members)


def _read(name: str, content: bytes, *, is_stored: bool) -> Checked:
    is_connection = name.startswith(FOLDERS[0]) if is_stored else _is_connection(content)
    kind = Connection if is_connection else Export
    try:
        document = kind.parse(name, content)
    except InvalidDocument as error:
        return Checked(name, content, None, error.problems, error.more)
    problems = []
    if is_stored and name != place_of(document):
        problems.append(Problem("/id", "must be the file's name without .json"))
    return Checked(name, content, document, tuple(problems))


def _is_connection(content: bytes) -> bool:
    """Whether the content is a connection's, by members that only connections have."""
    if len(content) > LONGEST_DOCUMENT:
        return False
    try:
        members = json.loads(content, parse_int=str)
    except (ValueError, RecursionError):
        return False
    if not isinstance(members, dict):
        return False
    has_consent = "consent" in members and "segments" not in members
    return members.get("type") == "klaviyo" or "secret_name" in members or has_consent


def _problems(
    services: Services,
    checked: Checked,
    others: Iterable[Checked],
    connections: Mapping[str, Connection],
    deadline: Deadline | None,
) -> Iterator[Problem]:
    document = checked.document
    if document is None:
        return
    first = next(each for each in others if each.document and place_of(each.document) == place_of(document))
    if first is not checked:
        yield Problem("/id", f"is also the id of {first.name}")
    if isinstance(document, Connection):
        if not may_name(services.settings, document.secret_name, document.id):
            yield Problem("/secret_name", OTHERS_SECRET)
        if deadline is not None:
            yield from _account(services, document, deadline)
        return
    if document.connection is not None:
        try:
            connection = connections.get(document.connection) or services.catalog.connection(
                document.connection
            )
        except ExportError as error:
            yield Problem("/connection", error.message)
        else:
            if deadline is not None:
                yield from (found.problem for found in _list(services, document, connection, deadline))
    if deadline is not None:
        for number, segment in enumerate(document.segments):
            yield from (found.problem for found in _segment(services, document, number, segment))


def _account(services: Services, connection: Connection, deadline: Deadline) -> Iterator[Problem]:
    try:
        open_account(services, connection, deadline)
    except ExportError as error:
        if error.code != "not_connected":  # people sign in after the document exists
            yield Problem("/account" if error.code == "wrong_account" else "/secret_name", error.message)


def _list(services: Services, export: Export, connection: Connection, deadline: Deadline) -> Iterator[Found]:
    try:
        klaviyo = open_account(services, connection, deadline)
    except ExportError as error:
        yield Found.of("/connection", error)
        return
    try:
        klaviyo.read_list(export.list_id, deadline)
    except ExportError as error:
        yield Found.of("/list_id", error)


def _segment(services: Services, export: Export, number: int, segment: str) -> Iterator[Found]:
    """Checks that the segment exists and, unless it is empty, has every column that the export names."""
    try:
        snapshot = services.segments.newest(segment)
    except ExportError as error:
        yield Found.of(f"/segments/{number}", error)
        return
    names = [column.name for column in snapshot.columns]
    columns = list(_columns(export)) if names else []
    are_told = not snapshot.names_by_file or has_any([column for _, column in columns], names)
    counts = Counter(map(trim, names))
    doubtful = [(pointer, column) for pointer, column in columns if counts[trim(column)] != 1]
    for pointer, column in doubtful[:MOST_PROBLEMS]:
        try:
            find_columns([column], names, names_are_told=are_told)
        except ExportError as error:
            yield Found.of(pointer, error, f"{segment}: ")


def _columns(export: Export) -> Iterator[tuple[str, str]]:
    """The columns that the export names, each with a pointer to its place."""
    yield "/match/email", export.match.email
    for name, source in export.attributes.sources.items():
        yield f"/attributes/{name}", source.column
    for place, source in enumerate(export.attributes.properties):
        yield f"/attributes/properties/{place}", source.column
    if export.only_if is not None:
        yield "/only_if/column", export.only_if.column
    if export.consent is not None:
        yield "/consent/consented_at", export.consent.consented_at
