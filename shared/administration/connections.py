"""Operations on existing connections: change, share, test, detach and remove them, and choose lists."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from shared import state
from shared.adapters.clock import Deadline
from shared.administration import signing_in
from shared.administration.audit import audited
from shared.administration.connecting import sharing_problems
from shared.administration.documents import (
    OWN_OF_CONNECTION,
    Stored,
    check_version,
    read_blob,
    read_connection,
    read_export,
    replaced,
    save,
    thing,
    write,
)
from shared.administration.rights import Action, Person, check_role, check_visible, may
from shared.administration.secrets import remove_secret
from shared.catalog import Connection, Export
from shared.catalog.document import LONGEST_DOCUMENT, read_members
from shared.errors import (
    Denied,
    InvalidDocument,
    NotFound,
    PermanentError,
    Problem,
    TakenElsewhere,
)
from shared.klaviyo import Account, Klaviyo, KlaviyoList
from shared.runs.steps.permit import request_cancel
from shared.runs.views.history import read_open_run
from shared.services import Services, open_account
from shared.text import listing

_NAME = "The connection"
# An address to look up, to test whether a key may read profiles.
NOBODY = "nobody@example.org"


@dataclass(frozen=True, slots=True)
class Use:
    """An export that uses a connection."""

    id: str
    display_name: str


class ConnectionInUse(TakenElsewhere):
    """Exports use the connection; `exports` are their ids and names."""

    code = "connection_in_use"

    def __init__(self, connection_id: str, exports: list[Use]) -> None:
        self.exports = exports
        super().__init__(
            f"The connection {connection_id!r} is used by {listing(export.id for export in exports)}. Remove "
            "these exports, or detach the connection first: they keep their configuration, and can run "
            "again with another one."
        )


@dataclass(frozen=True, slots=True)
class Tested:
    """What a key opens and may read; `not_checked` scopes could only be tested by a write."""

    account: Account
    scopes: tuple[str, ...]
    missing: tuple[str, ...]
    not_checked: tuple[str, ...] = ("lists:write", "profiles:write")


def visible(services: Services, by: Person) -> Iterator[Connection | PermanentError]:
    """The connections that the person may see: all, or the shared ones. Raises Forbidden."""
    check_role(by, Action.SEE_CONNECTION)
    for connection in services.catalog.connections():
        if isinstance(connection, Connection):
            if may(by, Action.SEE_CONNECTION, connection.shared_with):
                yield connection
        elif may(by, Action.READ_CONNECTION):
            yield connection


def state_of(connection: Connection) -> str:
    """The state of a connection, in a word."""
    if connection.sign_in == "oauth" and connection.account is None:
        return "not_connected"
    if connection.revoked:
        return "revoked"
    return "paused" if connection.paused else "active"


def show(
    services: Services, by: Person, connection_id: str, action: Action = Action.SEE_CONNECTION
) -> Stored[Connection]:
    """The connection, if the person may do this; one that is not shared seems not to exist.

    Raises Forbidden, NotFound, InvalidDocument.
    """
    check_role(by, action)
    try:
        stored = read_connection(services, connection_id)
    except InvalidDocument:
        check_visible(by, action, "administrators", connection_id)  # for others it does not exist
        raise
    check_visible(by, action, stored.document.shared_with, connection_id)
    return stored


def opened(services: Services, by: Person, connection: Connection, deadline: Deadline) -> Klaviyo:
    """A client for the connection's account. Only administrators learn why it can't be opened.

    Raises Denied if the key does not open the account; TryLater.
    """
    try:
        return open_account(services, connection, deadline)
    except PermanentError:
        if may(by, Action.READ_CONNECTION):
            raise
        raise Denied(not_opened(connection.id), code="connection_unusable") from None


def not_opened(connection_id: str) -> str:
    """The message for people who may not see more of a connection."""
    return f"The connection {connection_id!r} does not open its account at present. Ask an administrator."


def change(
    services: Services, by: Person, connection_id: str, content: bytes, etag: str | None
) -> Stored[Connection]:
    """Changes a connection's name, its sharing, and whether it is paused; absent members stay unchanged.

    Raises InvalidDocument; Changed if `etag` is no longer its version.
    """
    check_role(by, Action.CHANGE_CONNECTION)
    stored = read_connection(services, connection_id)
    check_version(stored, etag)
    known = stored.document.model_dump(mode="json", exclude_unset=True)
    members = known | read_members(_NAME, content)  # otherwise renaming it would unshare it
    document = replaced(stored, json.dumps(members).encode(), OWN_OF_CONNECTION)
    problems = list(sharing_problems(document.shared_with))
    if "display_name" in document.model_fields_set and not document.display_name.strip():
        problems.append(Problem("/display_name", "must not be blank"))
    if problems:
        raise InvalidDocument(_NAME, problems)
    return save(services, by, Action.CHANGE_CONNECTION, document, stored)


def change_members(
    services: Services, by: Person, connection_id: str, members: dict[str, Any]
) -> Stored[Connection]:
    """As `change`, for the current version."""
    etag = read_connection(services, connection_id).etag
    return change(services, by, connection_id, json.dumps(members).encode(), etag)


def test(services: Services, by: Person, connection_id: str, deadline: Deadline) -> Tested:
    """Tests whether the connection's key opens its account, and what it may read there.

    Raises Denied if it opens another account or none.
    """
    check_role(by, Action.TEST_CONNECTION)
    connection = services.catalog.connection(connection_id)
    return tested(open_account(services, connection, deadline), deadline)


def tested(klaviyo: Klaviyo, deadline: Deadline) -> Tested:
    """What the key may read."""
    found, missing = ["accounts:read"], []
    for scope, look in (
        ("lists:read", lambda: next(klaviyo.lists(deadline), None)),
        ("profiles:read", lambda: klaviyo.profiles_among([NOBODY], deadline)),
    ):
        try:
            look()
            found.append(scope)
        except Denied as refusal:
            if refusal.code != "missing_scope":
                raise
            missing.append(scope)
    return Tested(klaviyo.account, tuple(found), tuple(missing))


def lists(services: Services, by: Person, connection_id: str, deadline: Deadline) -> list[KlaviyoList]:
    """The lists of the connection's account."""
    connection = show(services, by, connection_id, Action.LIST_LISTS).document
    return list(opened(services, by, connection, deadline).lists(deadline))


def add_list(
    services: Services, by: Person, connection_id: str, name: str, deadline: Deadline
) -> KlaviyoList:
    """Creates a list in the connection's account."""
    connection = show(services, by, connection_id, Action.ADD_LIST).document
    klaviyo = opened(services, by, connection, deadline)
    with audited(services, by, Action.ADD_LIST, thing(connection)):
        return klaviyo.add_list(name, deadline)


def detach(services: Services, by: Person, connection_id: str) -> list[Export]:
    """Detaches the connection from its exports, until another one is attached; returns these exports.

    Their open runs post nothing more.
    """
    check_role(by, Action.DETACH_CONNECTION)
    read_connection(services, connection_id)
    documents = (listed.document for listed in services.catalog.exports())
    exports = [each for each in documents if isinstance(each, Export) and each.connection == connection_id]
    action = Action.DETACH_CONNECTION
    return [detach_export(services, by, export, action).document for export in exports]


def detach_export(services: Services, by: Person, export: Export, action: Action) -> Stored[Export]:
    """Detaches an export. Cancels its open run: first, so a retry includes it if the document can't be
    written, and once more afterwards, for a run that began meanwhile."""
    stored = read_export(services, export.id)
    if stored.document.connection is None:
        cancel_open_run(services, export.id)
        return stored
    detached = stored.document.model_copy(update={"connection": None})
    with audited(services, by, action, thing(detached), etag=stored.etag, changed=["connection"]):
        cancel_open_run(services, export.id)
        written = write(services, by, detached, stored)
        cancel_open_run(services, export.id)
    return written


def cancel_open_run(services: Services, export_id: str) -> None:
    """Requests the end of the export's open run, if there is one."""
    run = read_open_run(services.state, export_id)
    if run is not None:
        request_cancel(services.state, run.record.id)


def remove(services: Services, by: Person, connection_id: str) -> None:
    """Removes a connection that no export uses, and its key if the app wrote it.

    A run that is still open over it posts nothing more. Raises ConnectionInUse.
    """
    check_role(by, Action.REMOVE_CONNECTION)
    place = state.connection(connection_id)
    blob = read_blob(services, place, "connection", connection_id)
    if used := uses_of(services, connection_id):
        raise ConnectionInUse(connection_id, used)
    with audited(services, by, Action.REMOVE_CONNECTION, f"connections/{connection_id}", etag=blob.etag):
        services.state.delete(place, if_match=blob.etag)
        if used := uses_of(services, connection_id):  # an export was saved meanwhile
            services.state.write(place, blob.content, create_only=True)
            raise ConnectionInUse(connection_id, used)
        with suppress(InvalidDocument):  # an invalid document has nothing else to remove
            document = Connection.parse(place, blob.content)
            if document.id == connection_id:
                signing_in.revoke(services, document)
                remove_secret(services, document)


def uses_of(services: Services, connection_id: str) -> list[Use]:
    """The exports that use a connection, including those whose documents have other mistakes."""
    found = []
    for listed in services.catalog.exports():
        export = listed.document
        if isinstance(export, Export):
            connection, name = export.connection, export.display_name
        else:
            connection, name = _named_in(services, listed.id), ""
        if connection == connection_id:
            found.append(Use(listed.id, name))
    return found


def _named_in(services: Services, export_id: str) -> Any:
    """The connection that an invalid document names."""
    with suppress(InvalidDocument, NotFound):
        place = state.export(export_id)
        blob = services.state.read(place, most=LONGEST_DOCUMENT)
        return read_members(place, blob.content).get("connection")
    return None
