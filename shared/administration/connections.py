"""What people do with connections: add, change, test, give another key, detach, remove, and choose lists."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from shared import state
from shared.adapters.clock import Deadline
from shared.administration import signing_in
from shared.administration.audit import audited
from shared.administration.consent import consent_of
from shared.administration.documents import (
    OWN_OF_CONNECTION,
    Stored,
    check_version,
    new_document,
    read_connection,
    read_export,
    replaced,
    save,
    thing,
    write,
)
from shared.administration.rights import Action, Person, check_role, check_visible, is_object_id, may
from shared.administration.secrets import OTHERS_SECRET, may_name, new_name, new_oauth_name, remove_secret
from shared.catalog import Connection, Export
from shared.catalog.connection import Sharing
from shared.catalog.document import Document, Id
from shared.errors import (
    AlreadyExists,
    Denied,
    ExportError,
    InvalidDocument,
    InvalidRequest,
    InvalidSettings,
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

# Names with a number behind them that are tried for a connection without an id.
MOST_NUMBERS = 100
_NAME = "The connection"
# Whom a key is tried with that should read profiles.
NOBODY = "nobody@example.org"


class NewConnection(Document):
    """What it takes to make a connection: a key, or the name of a secret that is there, and consent.

    With `sign_in` oauth neither: somebody signs in at Klaviyo then.
    Without an id, one is made from the name.
    """

    id: Id | None = None
    display_name: str
    sign_in: Literal["api_key", "oauth"] = "api_key"
    api_key: str | None = Field(None, repr=False)
    secret_name: str | None = None
    shared_with: Sharing = "administrators"
    consent: bool = False


class ConnectionInUse(TakenElsewhere):
    """Exports use the connection; `exports` are their ids and names."""

    code = "connection_in_use"

    def __init__(self, connection_id: str, exports: list[Export]) -> None:
        self.exports = exports
        super().__init__(
            f"The connection {connection_id!r} is used by {listing(export.id for export in exports)}. Remove "
            "these exports, or detach the connection first: they keep their configuration, and run again "
            "with another one."
        )


@dataclass(frozen=True, slots=True)
class Tested:
    """What a key opens and may do, as far as reading shows it; `not_checked` would take a write."""

    account: Account
    scopes: tuple[str, ...]
    missing: tuple[str, ...]
    not_checked: tuple[str, ...] = ("lists:write", "profiles:write")


def visible(services: Services, by: Person) -> Iterator[Connection | PermanentError]:
    """The connections that one sees: all, or those that are shared with one. Raises Forbidden."""
    check_role(by, Action.SEE_CONNECTION)
    for connection in services.catalog.connections():
        if isinstance(connection, Connection):
            if may(by, Action.SEE_CONNECTION, connection.shared_with):
                yield connection
        elif may(by, Action.READ_CONNECTION):
            yield connection


def state_of(connection: Connection) -> str:
    """What a connection is ready for, in a word."""
    if connection.sign_in == "oauth" and connection.account is None:
        return "not_connected"
    if connection.revoked:
        return "revoked"
    return "paused" if connection.paused else "active"


def show(
    services: Services, by: Person, connection_id: str, action: Action = Action.SEE_CONNECTION
) -> Stored[Connection]:
    """The connection, where one may do this: what is not shared with one looks as if it were not there.

    Raises Forbidden, NotFound, InvalidDocument.
    """
    check_role(by, action)
    stored = read_connection(services, connection_id)
    check_visible(by, action, stored.document.shared_with, connection_id)
    return stored


def add(services: Services, by: Person, wish: NewConnection, deadline: Deadline) -> Stored[Connection]:
    """Makes a connection: tries its key, keeps it in the vault, and writes the document.

    One that somebody is to sign in to has neither a secret nor an account yet.
    Where one of these fails, nothing is left behind. Raises InvalidDocument, with every problem;
    AlreadyExists, KlaviyoUnavailable, VaultUnavailable, Denied where the vault can't be written.
    """
    check_role(by, Action.ADD_CONNECTION)
    connection_id = wish.id or _free_id(services, wish.display_name)
    problems = list(_problems(services, wish, connection_id))
    if problems:
        raise InvalidDocument(_NAME, problems)
    _check_free(services, connection_id)
    key, pointer = wish.api_key, "/api_key"
    own: dict[str, Any]
    if wish.sign_in == "oauth":
        with _as_problem("/sign_in"):
            signing_in.check_ready(services)
        own = {"sign_in": "oauth", "secret_name": new_oauth_name(connection_id)}
    else:
        if wish.secret_name is not None:
            pointer = "/secret_name"
            with _as_problem(pointer):
                key = services.vault.secret(wish.secret_name)
        account = _try_key(services, key or "", deadline, pointer).account
        secret_name = wish.secret_name or new_name(connection_id)
        own = {"secret_name": secret_name, "account": {"id": account.id, "name": account.name}}
    members = own | {
        "id": connection_id,
        "display_name": wish.display_name,
        "shared_with": wish.model_dump(mode="json")["shared_with"],
        "export_user": by.name,
        "consent": consent_of(services, by),
    }
    connection = new_document(Connection, members)
    with audited(services, by, Action.ADD_CONNECTION, thing(connection), changed=sorted(members)):
        if key is not None and wish.secret_name is None:
            services.vault.write(connection.secret_name, key)
        try:
            return write(services, by, connection, None)
        except ExportError:
            remove_secret(services, connection)
            raise


def change(
    services: Services, by: Person, connection_id: str, content: bytes, etag: str | None
) -> Stored[Connection]:
    """Replaces what people may change of a connection: its name, its sharing, and whether it is paused.

    Raises Changed where `etag` is not its version any more, InvalidDocument.
    """
    check_role(by, Action.CHANGE_CONNECTION)
    stored = read_connection(services, connection_id)
    check_version(stored, etag)
    document = replaced(stored, content, OWN_OF_CONNECTION)
    if problems := list(_sharing_problems(document.shared_with)):
        raise InvalidDocument(_NAME, problems)
    return save(services, by, Action.CHANGE_CONNECTION, document, stored)


def change_members(
    services: Services, by: Person, connection_id: str, members: dict[str, Any]
) -> Stored[Connection]:
    """As `change`, with some members only."""
    stored = read_connection(services, connection_id)
    content = json.dumps(stored.document.model_dump(mode="json", exclude_unset=True) | members).encode()
    return change(services, by, connection_id, content, stored.etag)


def test(services: Services, by: Person, connection_id: str, deadline: Deadline) -> Tested:
    """Whether the connection's key opens its account, and what it may read there.

    Raises Denied where it opens another account or none.
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


def change_key(
    services: Services, by: Person, connection_id: str, key: str, deadline: Deadline
) -> Stored[Connection]:
    """Gives the connection another key to the same account.

    The old one stays until the new one has passed, and is removed then where the app wrote it.

    Raises InvalidDocument where the key opens no account or another one, Denied where the vault can't be
    written.
    """
    check_role(by, Action.CHANGE_KEY)
    stored = read_connection(services, connection_id)
    before = stored.document
    if before.sign_in == "oauth":
        raise InvalidDocument(_NAME, [Problem("/sign_in", "is oauth: sign in again instead")])
    account = _try_key(services, key, deadline, "/api_key").account
    if before.account is not None and before.account.id != account.id:
        message = f"opens the account {account.id}, not the connection's {before.account.id}"
        raise InvalidDocument(_NAME, [Problem("/api_key", message)])
    document = before.model_copy(update={"secret_name": new_name(connection_id)})
    what = thing(document)
    with audited(services, by, Action.CHANGE_KEY, what, etag=stored.etag, changed=["secret_name"]):
        services.vault.write(document.secret_name, key)
        try:
            written = write(services, by, document, stored)
        except ExportError:
            remove_secret(services, document)
            raise
        remove_secret(services, before)
    return written


def lists(services: Services, by: Person, connection_id: str, deadline: Deadline) -> list[KlaviyoList]:
    """The lists of the connection's account."""
    connection = show(services, by, connection_id, Action.LIST_LISTS).document
    return list(open_account(services, connection, deadline).lists(deadline))


def add_list(
    services: Services, by: Person, connection_id: str, name: str, deadline: Deadline
) -> KlaviyoList:
    """Makes a list in the connection's account."""
    connection = show(services, by, connection_id, Action.ADD_LIST).document
    klaviyo = open_account(services, connection, deadline)
    with audited(services, by, Action.ADD_LIST, thing(connection)):
        return klaviyo.add_list(name, deadline)


def detach(services: Services, by: Person, connection_id: str) -> list[Export]:
    """Leaves the connection's exports without it, until another one is attached; returns these exports.

    Their open runs post nothing more.
    """
    check_role(by, Action.DETACH_CONNECTION)
    read_connection(services, connection_id)
    exports = exports_over(services, connection_id)
    action = Action.DETACH_CONNECTION
    return [detach_export(services, by, export, action).document for export in exports]


def detach_export(services: Services, by: Person, export: Export, action: Action) -> Stored[Export]:
    """Takes an export's connection away. Its open run is canceled."""
    stored = read_export(services, export.id)
    detached = stored.document.model_copy(update={"connection": None})
    written = save(services, by, action, detached, stored)
    run = read_open_run(services.state, export.id)
    if run is not None:
        request_cancel(services.state, run.record.id)
    return written


def remove(services: Services, by: Person, connection_id: str) -> None:
    """Removes a connection that no export uses, and its key where the app wrote it.

    A run that is still open over it posts nothing more. Raises ConnectionInUse.
    """
    check_role(by, Action.REMOVE_CONNECTION)
    stored = read_connection(services, connection_id)
    used = exports_over(services, connection_id)
    if used:
        raise ConnectionInUse(connection_id, used)
    what = thing(stored.document)
    with audited(services, by, Action.REMOVE_CONNECTION, what, etag=stored.etag):
        services.state.delete(state.connection(connection_id))
        signing_in.revoke(services, stored.document)
        remove_secret(services, stored.document)


def exports_over(services: Services, connection_id: str) -> list[Export]:
    """The exports that use a connection."""
    documents = (listed.document for listed in services.catalog.exports())
    return [each for each in documents if isinstance(each, Export) and each.connection == connection_id]


def _problems(services: Services, wish: NewConnection, connection_id: str) -> Iterator[Problem]:
    if not wish.display_name.strip():
        yield Problem("/display_name", "must not be blank")
    if not wish.consent:
        yield Problem("/consent", "must be true: nothing leaves unless somebody agrees to it")
    if wish.sign_in == "oauth":
        given = {"/api_key": wish.api_key, "/secret_name": wish.secret_name}
        yield from (
            Problem(each, "has no use with oauth") for each, text in given.items() if text is not None
        )
    elif (wish.api_key is None) == (wish.secret_name is None):
        yield Problem("/api_key", "is required, unless secret_name names a secret that is there")
    if wish.secret_name is not None and not may_name(services.settings, wish.secret_name, connection_id):
        yield Problem("/secret_name", OTHERS_SECRET)
    yield from _sharing_problems(wish.shared_with)


def _sharing_problems(shared_with: Sharing) -> Iterator[Problem]:
    """A name matches nobody, so it is a mistake; stored documents may still have some."""
    if isinstance(shared_with, tuple):
        for number, each in enumerate(shared_with):
            if not is_object_id(each):
                yield Problem(f"/shared_with/{number}", "must be an object id of Microsoft Entra")


def _free_id(services: Services, name: str) -> str:
    """An id that is like the name, and free."""
    base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:50].strip("-") or "klaviyo"
    for candidate in (base, *(f"{base}-{number}" for number in range(2, MOST_NUMBERS))):
        with suppress(AlreadyExists):
            _check_free(services, candidate)
            return candidate
    raise AlreadyExists(f"There are {MOST_NUMBERS} connections of this name already. Give this one an id.")


def _check_free(services: Services, connection_id: str) -> None:
    with suppress(NotFound):
        services.state.stat(state.connection(connection_id))
        raise AlreadyExists(f"There is a connection {connection_id!r} already. Choose another id.")


def _try_key(services: Services, key: str, deadline: Deadline, pointer: str) -> Klaviyo:
    """Opens the account of a key that somebody has typed: what is wrong with it is their mistake.

    Raises InvalidDocument, KlaviyoUnavailable.
    """
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable():
        raise InvalidDocument(_NAME, [Problem(pointer, "must be a key: printable ASCII text, not blank")])
    with _as_problem(pointer):
        return services.klaviyo.sign_in(key, deadline)


@contextmanager
def _as_problem(pointer: str) -> Iterator[None]:
    """Turns what is wrong with a key into a problem of the document."""
    try:
        yield
    except (Denied, NotFound, InvalidSettings, InvalidRequest) as error:
        raise InvalidDocument(_NAME, [Problem(pointer, error.message)]) from None
