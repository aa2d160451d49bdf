"""The secret key of the digests: in the vault as `digest-key`, and its id in the state."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from shared import state
from shared.adapters.storage.store import Store
from shared.adapters.vault import Vault
from shared.errors import (
    AlreadyExists,
    AlreadyRunning,
    Denied,
    InvalidDocument,
    InvalidSettings,
    NotFound,
    Problem,
    VaultUnavailable,
)

SECRET_NAME = "digest-key"  # noqa: S105 - the name of a secret, not the secret
MAKE_KEY = (
    "Put it back or, if there never was one, create it: az keyvault secret set "
    '--vault-name VAULT --name digest-key --value "$(openssl rand -hex 32)"'
)
# Characters; a shorter secret could be guessed by trying.
SHORTEST = 32
_LONGEST_FILE = 1_000
# Seconds in which another process has created the key.
_MADE_AFTER = 5.0


class DigestKey(NamedTuple):
    """`id` identifies the key without revealing it."""

    id: str
    key: bytes

    def __repr__(self) -> str:
        return f"DigestKey(id={self.id!r})"


class _InUse(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    id: str


def read_key(vault: Vault) -> DigestKey | None:
    """The key in the vault; None if there is none, or the app may not read it.

    Raises InvalidSettings if the secret is not valid as a key; VaultUnavailable.
    """
    try:
        return _of(vault.secret(SECRET_NAME))
    except (Denied, NotFound):
        return None


def ensure_key(vault: Vault, store: Store) -> DigestKey | None:
    """The key. It is created if none was ever used here and the app writes secrets itself.

    Raises as `read_key` does, and StorageUnavailable.
    """
    in_use = _id_in_use(store)
    key = read_key(vault)
    if key is None and _may_make(vault, in_use):
        key = _make(vault, store)
    if key is not None and key.id != in_use:
        store.write(state.DIGEST_KEY, _InUse(id=key.id).model_dump_json().encode())
    return key


def expected_key(vault: Vault, store: Store) -> DigestKey | None:
    """The key that `ensure_key` would return; if it would create one, a temporary key that is not stored.

    Raises as `read_key` does, and StorageUnavailable.
    """
    key = read_key(vault)
    if key is None and _may_make(vault, _id_in_use(store)):
        return _of(_new_secret())
    return key


def _may_make(vault: Vault, in_use: str | None) -> bool:
    """If a key was used before, a new one would hide that it was lost."""
    return vault.is_writable and in_use is None


def _new_secret() -> str:
    return secrets.token_hex(32)


def _of(secret: str) -> DigestKey:
    if len(secret) < SHORTEST:
        raise InvalidSettings(
            f"The secret {SECRET_NAME} must have at least {SHORTEST} characters, such as those of "
            "`openssl rand -hex 32`."
        )
    key = blake2b(secret.encode(), digest_size=32).digest()
    return DigestKey(blake2b(key, digest_size=8, person=b"id").hexdigest(), key)


def _id_in_use(store: Store) -> str | None:
    try:
        content = store.read(state.DIGEST_KEY, most=_LONGEST_FILE).content
        return _InUse.model_validate_json(content).id
    except NotFound:
        return None
    except ValidationError:
        raise InvalidDocument(state.DIGEST_KEY, [Problem("", "does not name a key: restore it")]) from None


def _make(vault: Vault, store: Store) -> DigestKey | None:
    """A new key, or the one that another process just created; None if the secrets file is read-only."""
    with _alone(store), suppress(AlreadyExists, Denied):
        vault.write(SECRET_NAME, _new_secret())
    return read_key(vault)


@contextmanager
def _alone(store: Store) -> Iterator[None]:
    with suppress(AlreadyExists):
        store.write(state.DIGEST_KEY_LOCK, b"", create_only=True)
    try:
        lease = store.acquire(state.DIGEST_KEY_LOCK)
    except AlreadyRunning:
        raise VaultUnavailable(
            "Another process is creating the digest key.", retry_after=_MADE_AFTER
        ) from None
    try:
        yield
    finally:
        lease.release()
