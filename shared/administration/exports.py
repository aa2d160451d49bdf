"""Operations on exports: add, change, duplicate, activate, attach, detach, remove."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from shared import state
from shared.adapters.clock import Deadline
from shared.administration import connections, documents
from shared.administration.audit import audited
from shared.administration.connections import cancel_open_run, detach_export, not_opened
from shared.administration.documents import (
    LONGEST_NAME,
    OWN_OF_EXPORT,
    Stored,
    changed_members,
    check_version,
    new_document,
    read_blob,
    read_export,
    replaced,
    save,
    thing,
    write,
)
from shared.administration.rights import Action, Person, check, check_role, may
from shared.administration.validation import problems_outside
from shared.catalog import Export
from shared.catalog.connection import Sharing
from shared.catalog.document import read_members
from shared.errors import (
    AlreadyExists,
    AlreadyRunning,
    ExportError,
    InvalidDocument,
    NotFound,
    PermanentError,
    Problem,
)
from shared.runs.discarding import discard_export
from shared.services import Services

_NAME = "The document"


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved export, and what could not be checked because a service was unavailable."""

    stored: Stored[Export]
    not_checked: tuple[Problem, ...] = ()


def sharing_of(services: Services, export: Export) -> Sharing | None:
    """With whom the export's connection is shared; only administrators if that is unknown."""
    if export.connection is None:
        return None
    try:
        return services.catalog.connection(export.connection).shared_with
    except PermanentError:
        return "administrators"


def check_export(services: Services, by: Person, action: Action, export: Export) -> None:
    """Raises Forbidden if the person may not do this to the export."""
    check(by, action, sharing_of(services, export))


def add(services: Services, by: Person, content: bytes, deadline: Deadline) -> Saved:
    """Adds an export. Raises InvalidDocument, with every problem; AlreadyExists."""
    check_role(by, Action.ADD_EXPORT)
    members = {key: value for key, value in read_members(_NAME, content).items() if key != "state"}
    return _add(services, by, new_document(Export, members), deadline)


def _add(services: Services, by: Person, export: Export, deadline: Deadline) -> Saved:
    not_checked = _check_references(services, by, Action.ADD_EXPORT, export, deadline)
    _check_free(services, export.id)
    with audited(services, by, Action.ADD_EXPORT, thing(export), changed=changed_members(export, None)):
        stored = write(services, by, export, None)  # if several add the same id, the first continues
        try:
            _check_connection(services, export)
            _discard_former(services, export.id)
        except BaseException:
            services.state.delete(state.export(export.id), if_match=stored.etag)
            raise
    return Saved(stored, not_checked)


def _discard_former(services: Services, export_id: str) -> None:
    """Discards the state of a removed export with this id. Raises AlreadyRunning."""
    if not discard_export(services, export_id):
        message = f"A run of the removed export {export_id!r} is still open. Choose another id."
        raise AlreadyRunning(message, code="run_is_open")


def _check_connection(services: Services, export: Export) -> None:
    """Checks that the connection still exists. From the save on, removing the connection finds the export.

    Raises InvalidDocument.
    """
    try:
        if export.connection is not None:
            services.state.stat(state.connection(export.connection))
    except NotFound:
        message = f"The connection {export.connection!r} does not exist."
        raise InvalidDocument(_NAME, [Problem("/connection", message)]) from None


def change(
    services: Services, by: Person, export_id: str, content: bytes, etag: str | None, deadline: Deadline
) -> Saved:
    """Replaces an export's document. A new connection must be one that the person may use.

    Raises Forbidden and InvalidDocument; Changed if `etag` is no longer its version.
    """
    stored = mine(services, by, Action.CHANGE_EXPORT, export_id)
    check_version(stored, etag)
    document = replaced(stored, content, OWN_OF_EXPORT)
    if document.connection is None and stored.document.connection is not None:
        cancel_open_run(services, export_id)
    not_checked = _check_references(services, by, Action.CHANGE_EXPORT, document, deadline, stored.document)
    saved = save(services, by, Action.CHANGE_EXPORT, document, stored)
    if document.connection != stored.document.connection:
        _keep_connected(services, saved, stored.document)
    return Saved(saved, not_checked)


def _keep_connected(services: Services, saved: Stored[Export], before: Export) -> None:
    """Undoes a change to a connection that was removed meanwhile, and ends a run that began before."""
    export = saved.document
    try:
        _check_connection(services, export)
    except InvalidDocument:
        place = state.export(export.id)
        content = json.dumps(before.model_dump(mode="json", exclude_unset=True)).encode()
        services.state.write(place, content, if_match=saved.etag)
        raise
    if export.connection is None:
        cancel_open_run(services, export.id)


def change_members(
    services: Services, by: Person, export_id: str, members: dict[str, Any], deadline: Deadline
) -> Saved:
    """As `change`, but only of some members."""
    stored = read_export(services, export_id)
    content = json.dumps(stored.document.model_dump(mode="json", exclude_unset=True) | members).encode()
    return change(services, by, export_id, content, stored.etag, deadline)


def activate(services: Services, by: Person, export_id: str, *, active: bool) -> Stored[Export]:
    """Sets whether an export runs automatically."""
    stored = mine(services, by, Action.CHANGE_EXPORT, export_id)
    schedule = stored.document.schedule.model_copy(update={"active": active})
    document = stored.document.model_copy(update={"schedule": schedule})
    return save(services, by, Action.CHANGE_EXPORT, document, stored)


def copy_id(export_id: str) -> str:
    """The default id of a copy."""
    return f"{export_id[:58].rstrip('-')}-copy"


def free_id(services: Services, base: str) -> str:
    """The id, with a number at the end if such an export exists already. Raises AlreadyExists."""
    return documents.free_id(base, partial(_check_free, services), "export")


def duplicate(
    services: Services, by: Person, export_id: str, new_id: str, display_name: str | None, deadline: Deadline
) -> Saved:
    """Adds a copy of an export, which does not run automatically yet."""
    document = mine(services, by, Action.ADD_EXPORT, export_id).document
    members = document.model_dump(mode="json", exclude_unset=True, exclude=set(OWN_OF_EXPORT))
    schedule = members.get("schedule", {}) | {"active": False}
    name = f"Copy of {document.display_name or document.id}"[:LONGEST_NAME]
    copy = members | {"id": new_id, "display_name": display_name or name, "schedule": schedule}
    return _add(services, by, new_document(Export, copy), deadline)


def attach(services: Services, by: Person, export_id: str, connection_id: str, deadline: Deadline) -> Saved:
    """Gives an export another connection."""
    return change_members(services, by, export_id, {"connection": connection_id}, deadline)


def detach(services: Services, by: Person, export_id: str) -> Stored[Export]:
    """Detaches the connection: the export keeps its configuration, and can run once it has one again."""
    stored = mine(services, by, Action.DETACH_EXPORT, export_id)
    return detach_export(services, by, stored.document, Action.DETACH_EXPORT)


def remove(services: Services, by: Person, export_id: str) -> None:
    """Removes an export, its open run and its ledger. The list at Klaviyo, and the records of runs, stay."""
    check_role(by, Action.REMOVE_EXPORT)
    place = state.export(export_id)
    blob = read_blob(services, place, "export", export_id)
    try:
        check_export(services, by, Action.REMOVE_EXPORT, read_export(services, export_id).document)
    except InvalidDocument:
        check(by, Action.REMOVE_EXPORT, "administrators")  # an invalid document belongs to nobody
    with audited(services, by, Action.REMOVE_EXPORT, f"exports/{export_id}", etag=blob.etag):
        # While the document exists, a failure here can be retried.
        discard_export(services, export_id)
        services.state.delete(place, if_match=blob.etag)
        discard_export(services, export_id)


def mine(services: Services, by: Person, action: Action, export_id: str) -> Stored[Export]:
    """The export, if the person may do this to it. Raises Forbidden, NotFound, InvalidDocument."""
    check_role(by, action)
    stored = read_export(services, export_id)
    check_export(services, by, action, stored.document)
    return stored


def _check_free(services: Services, export_id: str) -> None:
    try:
        services.state.stat(state.export(export_id))
    except NotFound:
        return
    raise AlreadyExists(f"The export {export_id!r} already exists. Choose another id.")


def _check_references(
    services: Services,
    by: Person,
    action: Action,
    export: Export,
    deadline: Deadline,
    before: Export | None = None,
) -> tuple[Problem, ...]:
    """Checks the export's references: the connection, which the person must be allowed to use, and with its
    key the list; the segments and their columns. Returns what could not be checked.

    Raises InvalidDocument with every problem.
    """
    if state.is_of_one_file(export.id):
        raise InvalidDocument(_NAME, [Problem("/id", "is reserved for files that the command sends")])
    if problems := list(_connection_problems(services, by, action, export, before)):
        raise InvalidDocument(_NAME, problems)
    found = list(problems_outside(services, export, before, deadline))
    if export.connection is not None and not may(by, Action.READ_CONNECTION):
        told = Problem("/connection", not_opened(export.connection))
        found = [
            each._replace(problem=told) if each.problem.pointer == "/connection" else each for each in found
        ]
    if problems := [each.problem for each in found if each.is_certain]:
        raise InvalidDocument(_NAME, problems)
    return tuple(each.problem for each in found)


def _connection_problems(
    services: Services, by: Person, action: Action, export: Export, before: Export | None
) -> Iterable[Problem]:
    """A connection that doesn't exist and one that the person may not use look the same."""
    if export.connection is None or (before is not None and before.connection == export.connection):
        return
    try:
        connections.show(services, by, export.connection, action)
    except ExportError as error:
        yield Problem("/connection", error.message)
