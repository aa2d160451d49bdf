"""The access token of a connection. Only one process at a time refreshes it, across all instances."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b

from shared import state
from shared.adapters.clock import Clock, Deadline
from shared.adapters.storage.store import Store, ensure
from shared.adapters.vault import Vault
from shared.errors import AlreadyRunning, Denied, KlaviyoUnavailable
from shared.klaviyo.credentials import OAUTH_LIMITS
from shared.klaviyo.oauth import OAuthApp, Tokens

# A token is refreshed this many seconds before it expires.
EARLY = 60.0
# Seconds between looks at another process's refresh, and the longest wait for it.
GLANCE = 0.5
MOST_WAITING = 20.0


class StoredToken:
    """A credential whose tokens are in the vault, under `secret_name`.

    `app` is needed only for a refresh. `revoked` is called when Klaviyo no longer accepts the sign-in.
    """

    limits = OAUTH_LIMITS

    def __init__(
        self,
        connection_id: str,
        secret_name: str,
        vault: Vault,
        store: Store,
        clock: Clock,
        app: Callable[[], OAuthApp],
        revoked: Callable[[], None],
    ) -> None:
        self._connection_id = connection_id
        self._secret_name = secret_name
        self._vault = vault
        self._store = store
        self._clock = clock
        self._app = app
        self._revoked = revoked
        self._threads = threading.Lock()
        self._tokens = self._read()
        # A new sign-in has a new secret, so the name identifies the account.
        self.digest = blake2b(f"oauth {secret_name}".encode(), digest_size=16).hexdigest()

    def authorization(self, deadline: Deadline) -> str:
        tokens = self._tokens
        if tokens.life(self._clock.now()) <= EARLY:
            tokens = self._refreshed(tokens, deadline)
        return _header(tokens)

    def renew(self, refused: str, deadline: Deadline) -> bool:
        tokens = self._tokens
        if _header(tokens) == refused:
            self._refreshed(tokens, deadline)
        return True

    def _read(self) -> Tokens:
        return Tokens.parse(self._secret_name, self._vault.secret(self._secret_name))

    def _refreshed(self, old: Tokens, deadline: Deadline) -> Tokens:
        """Tokens other than the old ones: those that another process got meanwhile, or new ones."""
        with self._threads:
            if self._tokens == old:
                app = self._app()  # before the lease, which is short
                with self._alone(deadline):
                    self._tokens = self._other(old) or self._new(app, old, deadline)
            return self._tokens

    def _other(self, old: Tokens) -> Tokens | None:
        tokens = self._read()
        return tokens if tokens != old else None

    def _new(self, app: OAuthApp, old: Tokens, deadline: Deadline) -> Tokens:
        try:
            tokens = app.refresh(old, deadline)
        except Denied as error:
            if error.code != "sign_in_revoked":
                raise
            # If our lease ran out during the refresh, another process may have been first: not a refusal.
            if (other := self._other(old)) is not None:
                return other
            self._revoked()
            raise sign_in_revoked(self._connection_id) from None
        self._vault.replace(self._secret_name, tokens.secret())
        return tokens

    @contextmanager
    def _alone(self, deadline: Deadline) -> Iterator[None]:
        """Raises KlaviyoUnavailable if another process takes too long."""
        name = state.sign_in_lock(self._connection_id)
        ensure(self._store, name)
        ends = self._clock.monotonic() + MOST_WAITING
        while True:
            try:
                lease = self._store.acquire(name)
                break
            except AlreadyRunning:
                if self._clock.monotonic() >= ends or not deadline.left():
                    message = f"Another process is refreshing the sign-in of {self._connection_id!r}."
                    raise KlaviyoUnavailable(message, code="sign_in_busy", sent=False) from None
            deadline.sleep(GLANCE)
        try:
            yield
        finally:
            lease.release()


def sign_in_revoked(connection_id: str) -> Denied:
    return Denied(
        f"The sign-in of the connection {connection_id!r} was revoked at Klaviyo or has expired. Sign in "
        f"again: segment-export connections sign-in {connection_id}.",
        code="sign_in_revoked",
    )


def _header(tokens: Tokens) -> str:
    return f"Bearer {tokens.access_token}"
