"""How a connection gets its key: the key is tried first, and kept in the vault, never in a document."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Literal

from pydantic import Field

from shared import state
from shared.adapters.clock import Deadline
from shared.administration import signing_in
from shared.administration.audit import audited
from shared.administration.consent import consent_of
from shared.administration.documents import Stored, free_id, id_from, new_document, read_connection, thing
from shared.administration.rights import Action, Person, check_role, is_object_id
from shared.administration.secrets import (
    OTHERS_SECRET,
    may_name,
    new_name,
    new_oauth_name,
    write_with_secret,
)
from shared.catalog import Connection, PinnedAccount
from shared.catalog.connection import Sharing
from shared.catalog.document import Document, Id
from shared.errors import (
    AlreadyExists,
    Denied,
    InvalidDocument,
    InvalidRequest,
    InvalidSettings,
    NotFound,
    PermanentError,
    Problem,
)
from shared.klaviyo import Klaviyo
from shared.services import Services

logger = logging.getLogger(__name__)

_NAME = "The connection"


class NewConnection(Document):
    """A request for a new connection: a key, or the name of an existing secret, and consent.

    With `sign_in` oauth, it has neither key nor secret: a person signs in at Klaviyo later. Without an id,
    one is derived from the name.
    """

    id: Id | None = None
    display_name: str
    sign_in: Literal["api_key", "oauth"] = "api_key"
    api_key: str | None = Field(None, repr=False)
    secret_name: str | None = None
    shared_with: Sharing = "administrators"
    consent: bool = False


def add(services: Services, by: Person, wish: NewConnection, deadline: Deadline) -> Stored[Connection]:
    """Creates a connection: tries its key, stores it in the vault, and writes the document.

    With OAuth, it has neither a secret nor an account until somebody signs in. If a step fails, nothing is
    left behind. Raises InvalidDocument, with every problem; AlreadyExists, KlaviyoUnavailable,
    VaultUnavailable; Denied if the vault can't be written.
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
        secret = key if wish.secret_name is None else None
        return write_with_secret(services, by, connection, None, secret)


def change_key(
    services: Services, by: Person, connection_id: str, key: str, deadline: Deadline
) -> Stored[Connection]:
    """Gives the connection another key to the same account.

    The old one stays until the new one works, and is then removed if the app wrote it.

    Raises InvalidDocument if the key opens no account or another one, Denied if the vault can't be written.
    """
    check_role(by, Action.CHANGE_KEY)
    stored = read_connection(services, connection_id)
    before = stored.document
    if before.sign_in == "oauth":
        raise InvalidDocument(_NAME, [Problem("/sign_in", "is oauth: sign in again instead")])
    account = _try_key(services, key, deadline, "/api_key").account
    pinned = before.account or _account_of(services, before, deadline)
    if pinned is not None and pinned.id != account.id:
        message = f"opens the account {account.id}, not the connection's {pinned.id}"
        raise InvalidDocument(_NAME, [Problem("/api_key", message)])
    pinned = pinned or PinnedAccount(id=account.id, name=account.name)
    document = before.model_copy(update={"secret_name": new_name(connection_id), "account": pinned})
    what = thing(document)
    with audited(services, by, Action.CHANGE_KEY, what, etag=stored.etag, changed=["secret_name"]):
        return write_with_secret(services, by, document, stored, key)


def _account_of(services: Services, connection: Connection, deadline: Deadline) -> PinnedAccount | None:
    """The account that the current key opens; None if it opens none."""
    with suppress(PermanentError):
        account = services.klaviyo.sign_in(services.vault.secret(connection.secret_name), deadline).account
        return PinnedAccount(id=account.id, name=account.name)
    return None


def _problems(services: Services, wish: NewConnection, connection_id: str) -> Iterator[Problem]:
    if not wish.display_name.strip():
        yield Problem("/display_name", "must not be blank")
    if not wish.consent:
        yield Problem("/consent", "must be true: nothing is sent unless you agree to it")
    if wish.sign_in == "oauth":
        given = {"/api_key": wish.api_key, "/secret_name": wish.secret_name}
        yield from (
            Problem(each, "is not used with oauth") for each, text in given.items() if text is not None
        )
    elif (wish.api_key is None) == (wish.secret_name is None):
        yield Problem("/api_key", "is required, unless secret_name names an existing secret")
    if wish.secret_name is not None and not may_name(services.settings, wish.secret_name, connection_id):
        yield Problem("/secret_name", OTHERS_SECRET)
    yield from sharing_problems(wish.shared_with)


def sharing_problems(shared_with: Sharing) -> Iterator[Problem]:
    """A name matches nobody, so it is a mistake; stored documents may still contain names."""
    if isinstance(shared_with, tuple):
        for number, each in enumerate(shared_with):
            if not is_object_id(each):
                yield Problem(f"/shared_with/{number}", "must be an object id of Microsoft Entra")


def _free_id(services: Services, name: str) -> str:
    """A free id derived from the name."""
    return free_id(id_from(name, "klaviyo"), partial(_check_free, services), "connection")


def _check_free(services: Services, connection_id: str) -> None:
    with suppress(NotFound):
        services.state.stat(state.connection(connection_id))
        raise AlreadyExists(f"The connection {connection_id!r} already exists. Choose another id.")


def _try_key(services: Services, key: str, deadline: Deadline, pointer: str) -> Klaviyo:
    """Opens the account of a key that a person has typed; problems with it are reported as theirs.

    Raises InvalidDocument, KlaviyoUnavailable.
    """
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable():
        raise InvalidDocument(_NAME, [Problem(pointer, "must be a key: printable ASCII text, not blank")])
    with _as_problem(pointer):
        return services.klaviyo.sign_in(key, deadline)


@contextmanager
def _as_problem(pointer: str) -> Iterator[None]:
    """Turns an error of a key into a problem of the document."""
    try:
        yield
    except (Denied, NotFound, InvalidSettings, InvalidRequest) as error:
        raise InvalidDocument(_NAME, [Problem(pointer, error.message)]) from None
