"""Credentials for requests to Klaviyo: a private key, or the access token of an OAuth app."""

from hashlib import blake2b
from typing import Protocol

from shared.adapters.clock import Deadline

# The vault's secret of the OAuth app itself, which belongs to no connection.
CLIENT_SECRET = "klaviyo-client-secret"  # noqa: S105 - the name of a secret, not the secret


# An OAuth app has its own limits in an account.
OAUTH_LIMITS = "-oauth"


class Credential(Protocol):
    """Signs the requests to one account; no repr contains the secret.

    `digest` identifies the account that it opens, and never changes. Credentials with equal `limits` share
    the rate limits of an account.
    """

    digest: str
    limits: str

    def authorization(self, deadline: Deadline) -> str:
        """The value of the header. Raises Denied; TryLater if something that it needs can't be reached."""

    def renew(self, refused: str, deadline: Deadline) -> bool:
        """Whether there is a value other than this one, which Klaviyo refused. Raises as above."""


class Fixed:
    """A credential that never changes."""

    def __init__(self, authorization: str, limits: str = "") -> None:
        self._authorization = authorization
        self.limits = limits
        self.digest = blake2b(authorization.encode(), digest_size=16).hexdigest()

    def authorization(self, deadline: Deadline) -> str:  # noqa: ARG002 - it is at hand
        return self._authorization

    def renew(self, refused: str, deadline: Deadline) -> bool:  # noqa: ARG002 - there is no other
        return False


def private_key(key: str) -> Credential:
    """All private keys of an account share its limits."""
    return Fixed(f"Klaviyo-API-Key {key}")


def bearer(access_token: str) -> Credential:
    """A fresh access token, for its first use."""
    return Fixed(f"Bearer {access_token}", OAUTH_LIMITS)
