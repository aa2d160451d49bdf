"""Where API keys are kept: a private file, or Azure Key Vault."""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from shared.adapters import telemetry
from shared.adapters.os_errors import os_errors
from shared.adapters.patience import Patience
from shared.adapters.private_file import read_private
from shared.adapters.storage.files import make_folder, spooled, sync
from shared.adapters.storage.locks import exclusive
from shared.errors import (
    AlreadyExists,
    Denied,
    InvalidDocument,
    InvalidRequest,
    InvalidSettings,
    NotFound,
    Problem,
    VaultUnavailable,
)
from shared.settings import Settings

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.keyvault.secrets import KeyVaultSecret
    from requests import Response

# Bytes of the secrets file.
LONGEST_FILE = 1_048_576


class Vault(Protocol):
    """`is_writable`: whether the app creates its own secrets there."""

    is_writable: bool

    def secret(self, name: str) -> str:
        """The current value of a secret, trimmed; it is not cached.

        Raises InvalidRequest for a name that is not valid; NotFound; Denied, also for a disabled or expired
        secret; InvalidSettings if the value can't be a key; VaultUnavailable.
        """

    def write(self, name: str, key: str) -> None:
        """Stores a key under a name, which must be free.

        Raises AlreadyExists; Denied if the app may not write secrets; and as `secret` does.
        """

    def replace(self, name: str, key: str) -> None:
        """Replaces the key of a name. Raises NotFound if there is none, and as `write` does."""

    def remove(self, name: str) -> None:
        """Removes a secret, if it exists. Raises as `write` does."""


class FileVault:
    """A JSON file `{"<secret name>": "<key>"}` of the current user, which nobody else can read."""

    is_writable = True

    def __init__(self, path: Path) -> None:
        self._path = path

    def secret(self, name: str) -> str:
        _check_name(name)
        secrets = self._secrets(name)
        if name not in secrets:
            raise NotFound(f"The secret {name} does not exist in {self._path}.")
        return _key(name, secrets[name])

    def write(self, name: str, key: str) -> None:
        """Creates the file if it does not exist."""
        _check_name(name)
        _key(name, key)
        with self._alone():
            try:
                secrets = self._secrets(name)
            except NotFound:
                secrets = {}
            if name in secrets:
                raise AlreadyExists(f"The secret {name} already exists in {self._path}.")
            self._replace(secrets | {name: key.strip()})

    def replace(self, name: str, key: str) -> None:
        _check_name(name)
        _key(name, key)
        with self._alone():
            secrets = self._secrets(name)
            if name not in secrets:
                raise NotFound(f"The secret {name} does not exist in {self._path}.")
            self._replace(secrets | {name: key.strip()})

    def remove(self, name: str) -> None:
        _check_name(name)
        with suppress(NotFound), self._alone():
            secrets = self._secrets(name)
            if name in secrets:
                self._replace({each: secrets[each] for each in secrets if each != name})

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """During the block, no other process replaces the file."""
        with os_errors(f"The file {self._path}", VaultUnavailable):
            make_folder(self._path.parent)
            with exclusive(self._path.parent):
                yield

    def _replace(self, secrets: Mapping[str, Any]) -> None:
        content = json.dumps(secrets, indent=1).encode() + b"\n"
        # A rename replaces a symbolic link that is put there meanwhile; it does not follow it.
        with os_errors(f"The file {self._path}", VaultUnavailable):
            with spooled(self._path, content) as (file, _):
                sync(file)
                file.replace(self._path)
            sync(self._path.parent)

    def _secrets(self, name: str) -> dict[str, Any]:
        try:
            with os_errors(f"The file {self._path}", VaultUnavailable):
                content = read_private(self._path, LONGEST_FILE)
        except NotFound:
            raise NotFound(
                f"The secret {name} can't be read: the file {self._path} does not exist."
            ) from None
        try:
            secrets = json.loads(content)
        except (ValueError, RecursionError):
            secrets = None
        if not isinstance(secrets, dict):
            problem = Problem("", "must be a JSON object of secret names and their keys")
            raise InvalidDocument(str(self._path), [problem])
        return secrets


# Seconds for a secret in total: the token, the request, its answer.
PATIENCE = 20.0
# Secrets that are requested at once.
MOST_CALLS = 16
# Bytes of an answer: a secret has at most 25 KB.
MOST_BYTES = 1_000_000
# One retry if the connection failed, and none after an answer: the client would sleep through any
# Retry-After, but only the caller knows how long it can wait.
_CLIENT = {
    "connection_timeout": 5,
    "read_timeout": 10,
    "retry_connect": 1,
    "retry_read": 1,
    "retry_status": 0,
    "retry_backoff_max": 2,
}


class KeyVault:
    """The secrets of one Azure Key Vault; `options` are its client's own, `patience` is in seconds."""

    def __init__(
        self,
        url: str,
        credential: "TokenCredential",
        *,
        is_writable: bool = False,
        patience: float = PATIENCE,
        **options: Any,
    ) -> None:
        # Azure's libraries load slowly: users of a file need not wait for them.
        from azure.core.pipeline.transport import RequestsTransport
        from azure.keyvault.secrets import SecretClient

        self.is_writable = is_writable
        self._url = url
        options = _CLIENT | options
        transport = RequestsTransport(**options)
        transport.open()
        transport.session.hooks["response"].append(_Bounded(patience))
        self._client = SecretClient(url, credential, transport=transport, **options)
        self._patience = Patience(
            patience,
            MOST_CALLS,
            lambda: VaultUnavailable(f"The vault {url} did not answer within {patience:g} seconds."),
        )

    def secret(self, name: str) -> str:
        _check_name(name)
        try:
            return self._read(name)
        except Denied:
            telemetry.vault_refusals.add(1, {"secret": name})
            raise

    def write(self, name: str, key: str) -> None:
        """Checks that the name is free: the vault itself would add a version to an existing secret."""
        _check_name(name)
        _key(name, key)
        with suppress(NotFound):
            self._read(name)
            raise AlreadyExists(f"The secret {name} already exists in {self._url}.")
        self._change(name, lambda: self._client.set_secret(name, key.strip()))

    def replace(self, name: str, key: str) -> None:
        """Adds a version. The name of a removed secret stays reserved: the vault then refuses it."""
        _check_name(name)
        _key(name, key)
        self._change(name, lambda: self._client.set_secret(name, key.strip()))

    def remove(self, name: str) -> None:
        _check_name(name)
        with suppress(NotFound):
            self._change(name, lambda: self._client.begin_delete_secret(name))

    def _change(self, name: str, change: Callable[[], object]) -> None:
        from shared.adapters.azure_errors import azure_errors

        def act() -> None:
            with azure_errors(f"The secret {name} in {self._url}", VaultUnavailable):
                change()

        try:
            self._patience.wait_for(act)
        except Denied:
            vault = self._url.partition("//")[2].partition(".")[0]
            raise Denied(
                f"The app may not change secrets in {self._url}. Do it yourself: az keyvault secret set "
                f"--vault-name {vault} --name NAME --file key.txt; then enter NAME instead of the key.",
                code="vault_read_only",
            ) from None

    def _read(self, name: str) -> str:
        from shared.adapters.azure_errors import azure_errors

        def get() -> "KeyVaultSecret":
            with azure_errors(f"The secret {name} in {self._url}", VaultUnavailable):
                return self._client.get_secret(name)

        secret = self._patience.wait_for(get)
        # The vault returns expired secrets: it does not enforce the date.
        expires = secret.properties.expires_on
        if expires and expires <= datetime.now(UTC):
            raise Denied(
                f"The secret {name} in {self._url} expired on {expires:%Y-%m-%d}: set a new version."
            )
        return _key(name, secret.value)


class _Bounded:
    """Reads an answer, before the client does, up to a maximum size and time.

    The timeouts of the underlying library (requests) count from read to read.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __call__(self, response: "Response", *_: Any, **__: Any) -> None:
        from requests.exceptions import ContentDecodingError

        ends = time.monotonic() + self._seconds
        content = bytearray()
        for piece in response.iter_content(1_024):
            content += piece
            if len(content) > MOST_BYTES or time.monotonic() > ends:
                response.close()
                raise ContentDecodingError("the answer is too large, or too slow")
        response._content = bytes(content)  # where requests itself stores the content


def open_vault(settings: Settings) -> Vault:
    """The vault that the settings name, else the local file."""
    if settings.key_vault_url is None:
        return FileVault(settings.secrets_file)
    from shared.adapters.credential import azure_credential

    return KeyVault(settings.key_vault_url, azure_credential(), is_writable=settings.app_writes_secrets)


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[0-9a-zA-Z-]{1,127}", name):
        raise InvalidRequest("A secret's name must have 1 to 127 letters, digits and hyphens.")


def _key(name: str, value: Any) -> str:
    """The key, which must be valid in a header; the error shows nothing of the value."""
    key = value.strip() if isinstance(value, str) else ""
    if not key or not key.isascii() or not key.isprintable():
        raise InvalidSettings(f"The secret {name} must be a key: printable ASCII text, not blank.")
    return key
