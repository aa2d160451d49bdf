"""Signing in at Klaviyo with OAuth: a code with PKCE, its tokens, and refreshing and revoking them.

https://developers.klaviyo.com/en/docs/set_up_oauth
"""

import base64
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode, urlsplit

from shared.adapters.clock import Clock, Deadline
from shared.adapters.retry_after import retry_after
from shared.errors import Denied, InvalidSettings
from shared.klaviyo.answers import Answer, failure, unexpected
from shared.klaviyo.credentials import CLIENT_SECRET
from shared.klaviyo.retry import patience_for
from shared.klaviyo.wire import Wire
from shared.settings import LOOPBACK

AUTHORIZE = "https://www.klaviyo.com/oauth/authorize"
# All that any export may need: to add a scope later, everybody who has signed in must sign in again.
SCOPES = (
    "accounts:read data-privacy:write flows:read lists:read lists:write profiles:read profiles:write "
    "subscriptions:write usage:read"
)
# Seconds that an exchange may take: less than a lease lasts, with the vault's time before and after it.
PATIENCE = (4.0, 10.0)
# Characters of a token, and of the scopes.
LONGEST = 4_096
# Seconds; Klaviyo's tokens live for about an hour.
LONGEST_LIFE = 86_400


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a sign-in; `expires_at` is in epoch seconds of our own clock."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: int
    scope: str

    @classmethod
    def parse(cls, name: str, secret: str) -> "Tokens":
        """Reads the secret of this name. Raises InvalidSettings, which does not show the secret."""
        try:
            document = json.loads(secret)
        except (ValueError, RecursionError):
            document = None
        match document:
            case {
                "access_token": str(access),
                "refresh_token": str(refresh),
                "expires_at": int(expires_at),
                "scope": str(scope),
            } if _is_token(access) and _is_token(refresh):
                return cls(access, refresh, expires_at, scope)
        raise InvalidSettings(f"The secret {name} does not hold the tokens of a sign-in. Sign in again.")

    def secret(self) -> str:
        """The tokens as the vault stores them: JSON on one line."""
        members = ("access_token", "refresh_token", "expires_at", "scope")
        return json.dumps({name: getattr(self, name) for name in members})

    def life(self, now: datetime) -> float:
        """Seconds until the access token expires."""
        return self.expires_at - now.timestamp()


def authorize_page(klaviyo_url: str) -> str:
    """The page where people sign in to an app and agree; a stand-in has its own."""
    is_stand_in = urlsplit(klaviyo_url).hostname in LOOPBACK
    return f"{klaviyo_url}/oauth/authorize" if is_stand_in else AUTHORIZE


class OAuthApp:
    """The app that people sign in to; it is registered at Klaviyo with an id and a secret."""

    def __init__(self, wire: Wire, url: str, clock: Clock, client_id: str, client_secret: str) -> None:
        self._wire = wire
        self._url = url
        self._clock = clock
        self._client_id = client_id
        pair = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
        self._headers = {
            "authorization": f"Basic {pair}",
            "accept": "application/json",
            "content-type": "application/x-www-form-urlencoded",
        }

    def authorize_url(self, redirect_uri: str, state: str, verifier: str) -> str:
        """The address where a person signs in and agrees."""
        challenge = base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "scope": SCOPES,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{authorize_page(self._url)}?{urlencode(query)}"

    def exchange(self, code: str, verifier: str, redirect_uri: str, deadline: Deadline) -> Tokens:
        """The tokens for a code. Raises KlaviyoUnavailable; Denied if Klaviyo refuses the code."""
        form = {"code": code, "code_verifier": verifier, "redirect_uri": redirect_uri}
        answer = self._send("token", {"grant_type": "authorization_code", **form}, deadline)
        if _error(answer) == "invalid_grant":
            message = (
                "Klaviyo does not accept the code of this sign-in: it was used or expired. Sign in again."
            )
            raise Denied(message, code="sign_in_refused")
        return self._tokens(answer)

    def refresh(self, tokens: Tokens, deadline: Deadline) -> Tokens:
        """New tokens. Raises Denied with the code sign_in_revoked if people have to sign in again.

        Whether Klaviyo replaces the refresh token is unconfirmed, so a new one is used if the answer has it.
        """
        form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
        answer = self._send("token", form, deadline)
        if _error(answer) == "invalid_grant":
            raise Denied("The sign-in at Klaviyo was revoked or has expired.", code="sign_in_revoked")
        return self._tokens(answer, tokens.refresh_token)

    def revoke(self, tokens: Tokens, deadline: Deadline) -> None:
        """Ends the sign-in at Klaviyo. Raises Denied, KlaviyoUnavailable."""
        form = {"token": tokens.refresh_token, "token_type_hint": "refresh_token"}
        self._check(self._send("revoke", form, deadline))

    def _send(self, path: str, form: Mapping[str, str], deadline: Deadline) -> Answer:
        body = _Form(form)
        seconds = patience_for(deadline.left(), 0, PATIENCE)
        headers = self._headers | {"content-length": str(body.size)}
        url = f"{self._url}/oauth/{path}"
        return self._wire.exchange("POST", url, "", seconds, headers=headers, body=body)

    def _check(self, answer: Answer) -> None:
        if answer.status == 200:
            return
        error = _error(answer)
        if error == "invalid_client":
            raise Denied(
                "Klaviyo does not accept this app's OAuth client. Check KLAVIYO_CLIENT_ID and the secret "
                f"{CLIENT_SECRET}.",
                code="invalid_client",
            )
        if error:
            message = f"Klaviyo does not accept the request for tokens ({answer.status})."
            raise Denied(message, code="request_refused")
        raise failure(answer, retry_after(answer.headers, self._clock.now()))

    def _tokens(self, answer: Answer, refresh_token: str | None = None) -> Tokens:
        self._check(answer)
        match {"refresh_token": refresh_token, "scope": ""} | (answer.document or {}):
            case {
                "access_token": str(access),
                "refresh_token": str(refresh),
                "expires_in": int(seconds),
                "scope": str(scope),
            } if _is_token(access) and _is_token(refresh) and 0 < seconds <= LONGEST_LIFE:
                expires_at = int(self._clock.now().timestamp()) + seconds
                return Tokens(access, refresh, expires_at, scope[:LONGEST])
        raise unexpected(answer.status)


class _Form:
    """A request's body; no repr contains it."""

    count = 0

    def __init__(self, form: Mapping[str, str]) -> None:
        self._content = urlencode(form).encode()
        self.size = len(self._content)

    def __iter__(self) -> Iterator[bytes]:
        yield self._content


def new_secret() -> str:
    """A text that can't be guessed, for a state or a verifier."""
    return secrets.token_urlsafe(48)


def _error(answer: Answer) -> str:
    """OAuth's error code; blank for anything else, such as a proxy's page."""
    error: Any = (answer.document or {}).get("error")
    return error if isinstance(error, str) and answer.status in (400, 401) else ""


def _is_token(text: str) -> bool:
    """Whether the text can be sent in a header."""
    return 0 < len(text) <= LONGEST and text.isascii() and text.isprintable() and " " not in text
