"""Signing in at Klaviyo with OAuth: begun by an administrator, completed by the redirect to the callback."""

import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from shared import state
from shared.adapters.clock import Deadline
from shared.administration.audit import audited
from shared.administration.documents import Stored, read_connection, thing
from shared.administration.rights import Action, Person, check_role
from shared.administration.secrets import new_oauth_name, write_with_secret
from shared.catalog import Connection, PinnedAccount
from shared.errors import (
    Changed,
    Denied,
    ExportError,
    InvalidDocument,
    InvalidSettings,
    NotFound,
    PermanentError,
    Problem,
)
from shared.klaviyo import Account
from shared.klaviyo.credentials import bearer
from shared.klaviyo.oauth import Tokens, new_secret
from shared.services import Services, oauth_app

logger = logging.getLogger(__name__)

LIFE = timedelta(minutes=10)
CALLBACK = "/api/oauth/callback"
# Of an open sign-in, in bytes; and of a callback's parameters, in characters.
LONGEST_FILE = LONGEST_PARAMETER = 4_096
# Seconds to revoke a sign-in at Klaviyo, for which nobody waits.
REVOKING = 10.0


class SignInFailed(PermanentError):
    """The callback did not complete a sign-in; nothing was changed."""

    code = "sign_in_refused"


@dataclass(frozen=True, slots=True)
class Begun:
    """The address to sign in at, and when it expires."""

    authorize_url: str
    expires_at: datetime


class _Attempt(BaseModel):
    """An open sign-in, as stored in the state."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    connection: str
    verifier: str
    who: str
    expires_at: AwareDatetime


def redirect_uri(services: Services) -> str:
    """The address to which Klaviyo redirects, from the settings, not a request. Raises InvalidSettings."""
    if services.settings.public_url is None:
        raise InvalidSettings("PUBLIC_URL is not set: it is the address at which people reach this app.")
    return services.settings.public_url + CALLBACK


def check_ready(services: Services) -> None:
    """Raises InvalidSettings, NotFound or Denied if a sign-in could not succeed."""
    redirect_uri(services)
    oauth_app(services)


def begin(services: Services, by: Person, connection_id: str) -> Begun:
    """Begins a sign-in for a connection, the first or a later one.

    Raises as `check_ready` does; NotFound; InvalidDocument if the connection has a key.
    """
    check_role(by, Action.SIGN_IN)
    if read_connection(services, connection_id).document.sign_in != "oauth":
        problem = Problem("/sign_in", "is api_key: give the connection another key instead")
        raise InvalidDocument("The connection", [problem])
    here, app = redirect_uri(services), oauth_app(services)
    _remove_old(services)
    token, verifier = new_secret(), new_secret()
    attempt = _Attempt(
        connection=connection_id,
        verifier=verifier,
        who=_who(by),
        expires_at=services.clock.now() + LIFE,
    )
    services.state.write(_place(token), attempt.model_dump_json().encode(), create_only=True)
    return Begun(app.authorize_url(here, token, verifier), attempt.expires_at)


def finish(
    services: Services, by: Person, token: str, code: str, error: str, deadline: Deadline
) -> Stored[Connection]:
    """Completes the sign-in with this state: `code` is Klaviyo's, or `error` is why there is none.

    The tokens are stored in a new secret; the connection gets the account that they open, unless it has it.
    Raises SignInFailed and KlaviyoUnavailable; Denied for another account. Then nothing was changed.
    """
    check_role(by, Action.SIGN_IN)
    attempt = _consumed(services, by, token)
    if error or not 0 < len(code) <= LONGEST_PARAMETER:
        denied = error == "access_denied"
        why = "Access was denied at Klaviyo" if denied else "Klaviyo sent no code"
        raise SignInFailed(f"{why}: nothing was changed. Start again to sign in.")
    stored = read_connection(services, attempt.connection)
    tokens = _exchanged(services, code, attempt.verifier, deadline)
    account = services.klaviyo.sign_in(bearer(tokens.access_token), deadline).account
    if stored.document.account is not None and stored.document.account.id != account.id:
        _revoke(services, tokens)
        raise Denied(
            f"You signed in to the Klaviyo account {account.id}, but the connection {attempt.connection!r} "
            f"belongs to {stored.document.account.id}. Sign in there, or add a connection for the other one.",
            code="wrong_account",
        )
    return _keep(services, by, stored, tokens, account)


def revoke(services: Services, connection: Connection) -> None:
    """Revokes a connection's sign-in at Klaviyo. A failure is logged, not raised."""
    if connection.sign_in == "oauth" and connection.account is not None and not connection.revoked:
        try:
            tokens = Tokens.parse(connection.secret_name, services.vault.secret(connection.secret_name))
        except ExportError as error:
            logger.warning("the sign-in of %s was not revoked: %s", connection.id, error.code)
        else:
            _revoke(services, tokens)


def _who(by: Person) -> str:
    return by.object_id or by.name


def _place(token: str) -> str:
    return state.sign_in(sha256(token.encode()).hexdigest())


def _consumed(services: Services, by: Person, token: str) -> _Attempt:
    """The attempt with this state, which can't be used again. Raises SignInFailed."""
    unknown = SignInFailed(
        "This sign-in is unknown: it was already used, or began more than ten minutes ago. Start again.",
        code="unknown_state",
    )
    place = _place(token)
    try:
        blob = services.state.read(place, most=LONGEST_FILE)
        attempt = _Attempt.model_validate_json(blob.content)
    except (NotFound, ValidationError):
        raise unknown from None
    if attempt.who != _who(by):
        message = "Another person began this sign-in. Start your own."
        raise SignInFailed(message, code="not_your_sign_in")
    try:
        services.state.write(place, b"", if_match=blob.etag)
    except (Changed, NotFound):
        raise unknown from None
    services.state.delete(place)
    if attempt.expires_at <= services.clock.now():
        raise unknown
    return attempt


def _exchanged(services: Services, code: str, verifier: str, deadline: Deadline) -> Tokens:
    try:
        return oauth_app(services).exchange(code, verifier, redirect_uri(services), deadline)
    except Denied as error:
        if error.code == "sign_in_refused":
            raise SignInFailed(error.message) from None
        raise


def _keep(
    services: Services, by: Person, stored: Stored[Connection], tokens: Tokens, account: Account
) -> Stored[Connection]:
    """Stores the tokens. The old sign-in is not revoked: that might end the new one, which is unconfirmed."""
    before = stored.document
    changes = {
        "secret_name": new_oauth_name(before.id),
        "account": before.account or PinnedAccount(id=account.id, name=account.name),
        "revoked": False,
    }
    document = before.model_copy(update=changes)
    changed = sorted(changes)
    with audited(services, by, Action.SIGN_IN, thing(document), etag=stored.etag, changed=changed):
        return write_with_secret(services, by, document, stored, tokens.secret())


def _revoke(services: Services, tokens: Tokens) -> None:
    try:
        oauth_app(services).revoke(tokens, Deadline(services.clock, REVOKING))
    except ExportError as error:
        logger.warning("a sign-in at Klaviyo was not revoked: %s", error.code)


def _remove_old(services: Services) -> None:
    """Removes old attempts. The store's clock may differ from ours: an hour is long enough."""
    for blob in services.state.list(state.SIGN_INS):
        if blob.last_modified < services.clock.now() - timedelta(hours=1):
            with suppress(ExportError):
                services.state.delete(blob.name)
