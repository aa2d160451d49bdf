"""Checks documents: each by itself, with what it names, and, where asked, with what is really there."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from shared.adapters.clock import Deadline
from shared.catalog import Connection, Export
from shared.errors import ExportError, InvalidDocument, Problem
from shared.profiles.columns import find_columns
from shared.runs.pinning import open_account
from shared.runs.services import Services

FOLDERS = ("connections/", "exports/")


@dataclass(frozen=True, slots=True)
class Checked:
    """A document and what is wrong with it; `document` is None where it can't be read as one."""

    name: str
    content: bytes
    document: Connection | Export | None
    problems: tuple[Problem, ...]


def stored_documents(services: Services) -> Iterator[tuple[str, bytes]]:
    """The name and the content of every document in the state."""
    for folder in FOLDERS:
        for blob in services.state.list(folder):
            if blob.name.endswith(".json") and blob.name.count("/") == 1:
                yield blob.name, services.state.read(blob.name).content


def validate(
    services: Services, documents: Iterable[tuple[str, bytes]], deadline: Deadline | None = None
) -> list[Checked]:
    """Checks documents by their names and contents, and all of them, whatever is wrong with one.

    With a deadline, lists and accounts are looked for at Klaviyo, segments and columns in their store.
    Documents name each other; what is not among them is looked for in the state.
    """
    read = [_read(name, content) for name, content in documents]
    connections = {each.document.id: each.document for each in read if isinstance(each.document, Connection)}
    return [
        Checked(
            each.name,
            each.content,
            each.document,
            (*each.problems, *_problems(services, each, read, connections, deadline)),
        )
        for each in read
    ]


def place_of(document: Connection | Export) -> str:
    """Where the document lies in the state."""
    folder = FOLDERS[isinstance(document, Export)]
    return f"{folder}{document.id}.json"


def _read(name: str, content: bytes) -> Checked:
    kind = Connection if _is_connection(name, content) else Export
    try:
        document = kind.parse(name, content)
    except InvalidDocument as error:
        return Checked(name, content, None, error.problems)
    problems = []
    if name.startswith(FOLDERS) and name != place_of(document):
        problems.append(Problem("/id", "must be what the file is called, without .json"))
    return Checked(name, content, document, tuple(problems))


def _is_connection(name: str, content: bytes) -> bool:
    """By its place; elsewhere by what only a connection has."""
    if name.startswith(FOLDERS):
        return name.startswith(FOLDERS[0])
    try:
        members = json.loads(content)
    except ValueError:
        return False
    return isinstance(members, dict) and not {"secret_name", "consent"}.isdisjoint(members)


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
        yield Problem("/id", f"is the id of {first.name} too")
    if isinstance(document, Connection):
        if deadline is not None:
            yield from _account(services, document, deadline)
        return
    try:
        connection = connections.get(document.connection) or services.catalog.connection(document.connection)
    except ExportError as error:
        yield Problem("/connection", error.message)
    else:
        if deadline is not None:
            yield from _list(services, document, connection, deadline)
    if deadline is not None:
        for number, segment in enumerate(document.segments):
            yield from _segment(services, document, number, segment)


def _account(services: Services, connection: Connection, deadline: Deadline) -> Iterator[Problem]:
    try:
        open_account(services, connection, deadline)
    except ExportError as error:
        yield Problem("/account" if error.code == "wrong_account" else "/secret_name", error.message)


def _list(
    services: Services, export: Export, connection: Connection, deadline: Deadline
) -> Iterator[Problem]:
    try:
        klaviyo = open_account(services, connection, deadline)
    except ExportError as error:
        yield Problem("/connection", error.message)
        return
    try:
        klaviyo.read_list(export.list_id, deadline)
    except ExportError as error:
        yield Problem("/list_id", error.message)


def _segment(services: Services, export: Export, number: int, segment: str) -> Iterator[Problem]:
    """That it is there, and has every column that the export names."""
    try:
        names = [column.name for column in services.segments.newest(segment).columns]
    except ExportError as error:
        yield Problem(f"/segments/{number}", error.message)
        return
    for pointer, column in _columns(export):
        try:
            find_columns([column], names)
        except ExportError as error:
            yield Problem(pointer, f"{segment}: {error.message}")


def _columns(export: Export) -> Iterator[tuple[str, str]]:
    """The columns that the export names, with where it names them."""
    yield "/match/email", export.match.email
    for name, source in export.attributes.sources.items():
        yield f"/attributes/{name}", source.column
    for place, source in enumerate(export.attributes.properties):
        yield f"/attributes/properties/{place}", source.column
    if export.only_if is not None:
        yield "/only_if/column", export.only_if.column
