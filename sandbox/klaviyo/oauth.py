"""OAuth apps and their sign-ins, like Klaviyo's; codes and tokens are numbered, never random."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

# Seconds.
CODE_LIFE = 300.0
TOKEN_LIFE = 3_600
UNUSED_LIFE = 90 * 86_400.0


class OAuthError(Exception):
    """A refusal: its status and its OAuth error code."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.status = status


@dataclass(slots=True)
class Grant:
    """A sign-in: its account, its app and its scopes."""

    account: str
    client: str
    scopes: frozenset[str]
    refresh_token: str = ""
    used_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Code:
    """The grant that a person agreed to, until the app exchanges the code."""

    grant: Grant
    challenge: str
    redirect_uri: str
    ends: float


@dataclass(slots=True)
class OAuth:
    """The apps with their secrets, and the valid codes and tokens.

    `rotate`: whether a refresh replaces the refresh token, which is unconfirmed. A refresh ends the earlier
    access token, by choice.
    """

    clock: Callable[[], float]
    clients: dict[str, str] = field(default_factory=lambda: {"sandbox-app": "sandbox-app-secret"})
    rotate: bool = True
    token_life: int = TOKEN_LIFE
    codes: dict[str, Code] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)  # by refresh token
    access: dict[str, tuple[Grant, float]] = field(default_factory=dict)  # with its end
    _made: int = 0

    def allow(self, grant: Grant, challenge: str, redirect_uri: str) -> str:
        """The code for a grant that a person agreed to."""
        code = self._new("code")
        self.codes[code] = Code(grant, challenge, redirect_uri, self.clock() + CODE_LIFE)
        return code

    def exchange(self, client: str, code: str, verifier: str, redirect_uri: str) -> dict[str, object]:
        """The tokens for a code, which is valid once. Raises OAuthError."""
        known = self.codes.pop(code, None)
        challenge = base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
        if (
            known is None
            or known.ends <= self.clock()
            or (known.grant.client, known.challenge, known.redirect_uri) != (client, challenge, redirect_uri)
        ):
            raise OAuthError("invalid_grant")
        return self._tokens(known.grant, rotate=True)

    def refresh(self, client: str, refresh_token: str) -> dict[str, object]:
        """New tokens. Raises OAuthError."""
        grant = self.grants.get(refresh_token)
        if grant is None or grant.client != client or self.clock() - grant.used_at > UNUSED_LIFE:
            raise OAuthError("invalid_grant")
        return self._tokens(grant, rotate=self.rotate)

    def revoke(self, client: str, token: str) -> None:
        """Ends the sign-in of an access or refresh token; an unknown token is not an error."""
        grant = self.grants.get(token) or self.access.get(token, (None,))[0]
        if grant is not None and grant.client == client:
            self._end(grant)

    def uninstall(self, account: str) -> None:
        """A person removes all apps from an account."""
        for grant in [each for each in self.grants.values() if each.account == account]:
            self._end(grant)

    def grant_of(self, access_token: str) -> Grant | None:
        """The sign-in of a valid access token."""
        grant, ends = self.access.get(access_token, (None, 0.0))
        return grant if ends > self.clock() else None

    def _tokens(self, grant: Grant, *, rotate: bool) -> dict[str, object]:
        self._end(grant)
        grant.used_at = self.clock()
        if rotate:
            grant.refresh_token = self._new("refresh")
        access = self._new("access")
        self.grants[grant.refresh_token] = grant
        self.access[access] = (grant, self.clock() + self.token_life)
        return {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": self.token_life,
            "refresh_token": grant.refresh_token,
            "scope": " ".join(sorted(grant.scopes)),
        }

    def _end(self, grant: Grant) -> None:
        self.grants.pop(grant.refresh_token, None)
        self.access = {token: known for token, known in self.access.items() if known[0] is not grant}

    def _new(self, kind: str) -> str:
        self._made += 1
        return f"sandbox-{kind}-{self._made}"
