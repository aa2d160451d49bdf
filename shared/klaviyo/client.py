"""The part of Klaviyo's API that an export needs."""

import threading
from typing import TYPE_CHECKING

from shared.adapters.clock import Clock, Deadline
from shared.klaviyo.calls import Calls
from shared.klaviyo.credentials import Credential, private_key
from shared.klaviyo.imports import Imports
from shared.klaviyo.limits import AccountLimits
from shared.klaviyo.members import Members
from shared.klaviyo.pauses import Pauses
from shared.klaviyo.people import People
from shared.klaviyo.resources import Account, Usage, read_account, read_usage
from shared.klaviyo.retry import PATIENCE
from shared.klaviyo.wire import Wire

if TYPE_CHECKING:
    from shared.klaviyo.oauth import OAuthApp


class KlaviyoApi:
    """One process's access to Klaviyo: its connections, and the rate limits of each account.

    `url` is https://a.klaviyo.com, or a stand-in's on loopback; `patience` is the seconds that an exchange
    may take, as in `patience_for`.
    """

    def __init__(self, url: str, clock: Clock, *, patience: tuple[float, float] = PATIENCE) -> None:
        self._url = url.rstrip("/")
        self._clock = clock
        self._wire = Wire(self._url)
        self._patience = patience
        self._limits: dict[str, AccountLimits] = {}
        self._accounts: dict[str, Account] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Closes the connections."""
        self._wire.close()

    def sign_in(
        self,
        key: str | Credential,
        deadline: Deadline,
        *,
        account_id: str | None = None,
        pauses: Pauses | None = None,
    ) -> "Klaviyo":
        """A client for the account behind a private key, or another credential.

        The account of a credential never changes, so a process asks Klaviyo for it once. Until it knows the
        account, it looks up `pauses` under `account_id`, which the key should open, or else under a digest of
        the key. Raises Denied if Klaviyo doesn't know the key or the key lacks the scope accounts:read.
        """
        pauses = pauses or Pauses()
        credential = private_key(key) if isinstance(key, str) else key
        account = self._accounts.get(credential.digest)
        if account is None:
            calls = self._calls(credential, account_id or credential.digest, pauses)
            account = calls.get("accounts", "/api/accounts", deadline, read_account)
            self._accounts[credential.digest] = account
        return Klaviyo(self._calls(credential, account.id, pauses), account)

    def oauth(self, client_id: str, client_secret: str) -> "OAuthApp":
        """The OAuth app with this id and secret."""
        from shared.klaviyo.oauth import OAuthApp

        return OAuthApp(self._wire, self._url, self._clock, client_id, client_secret)

    def _calls(self, credential: Credential, account_id: str, pauses: Pauses) -> Calls:
        """Klaviyo limits an OAuth app in an account separately from the account's keys."""
        name = f"{account_id}{credential.limits}"
        with self._lock:
            limits = self._limits.setdefault(name, AccountLimits(self._clock))
        limits.pause.extend(pauses.left(name))
        return Calls(self._wire, self._url, credential, self._clock, limits, name, pauses, self._patience)


class Klaviyo(Imports, Members, People):
    """One account of Klaviyo. Its calls wait, retry and raise as `Calls` does."""

    def __repr__(self) -> str:
        return f"Klaviyo(account={self.account.id!r})"

    def usage(self, deadline: Deadline) -> list[Usage]:
        """The account's usage of its plan, by kind (GET /api/billing-usage).

        Raises Denied if the key lacks the scope usage:read.
        """
        return list(self._calls.items("usage", "/api/billing-usage", "", deadline, read_usage))
