"""The settings of the environment, read once and checked as a whole."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from shared.errors import InvalidSettings

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
# An account can have its own DNS zone: account.z01.queue.storage.azure.net.
_HOST = re.compile(r"[a-z0-9]{3,24}(?:\.z[0-9]+)?\.queue\.", re.ASCII)
_STORAGE = "AzureWebJobsStorage"
_EMULATOR = "http://127.0.0.1:10001/devstoreaccount1"
# Azure allows 63 characters; the queue of failed messages adds -poison to the name.
_QUEUE = re.compile(r"(?=.{3,56}$)[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)


class Auth(StrEnum):
    """How HTTP callers sign in: with a function key, with Microsoft Entra, or simulated by the local host."""

    KEY = "key"
    ENTRA = "entra"
    LOCAL = "local"


@dataclass(frozen=True)
class Settings:
    """The settings; times are in seconds.

    `segments_url` and `state_url` are `file:<folder>` or `https://<account>/<container>[/<prefix>]`
    (plain http on loopback only, for an emulator). `notify_secret` names the secret with the address that is
    notified of failed runs. `queue_url` is `https://<account>/<queue>`, or None if the timer does the work
    itself. `app_writes_secrets`: whether the app creates its own secrets in a Key Vault.
    """

    segments_url: str = "file:./data/segments"
    state_url: str = "file:./data/state"
    queue_url: str | None = None
    key_vault_url: str | None = None
    secrets_file: Path = Path("data/secrets.json")
    klaviyo_url: str = "https://a.klaviyo.com"
    http_time_budget: float = 45.0
    timer_time_budget: float = 240.0
    exports_paused: bool = False
    public_url: str | None = None
    notify_secret: str | None = None
    klaviyo_client_id: str | None = None
    app_writes_secrets: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Reads the settings; those that are unset or blank have defaults.

        Raises InvalidSettings, which names the setting but never its value: a URL may contain a key.
        """

        def text(name: str, default: str) -> str:
            return environment.get(name, "").strip() or default

        return cls(
            segments_url=_store_url("SEGMENTS_URL", text("SEGMENTS_URL", cls.segments_url)),
            state_url=_store_url("STATE_URL", text("STATE_URL", cls.state_url)),
            queue_url=_queue_url(environment),
            key_vault_url=https_url("KEY_VAULT_URL", text("KEY_VAULT_URL", ""), loopback=False) or None,
            secrets_file=Path(text("SECRETS_FILE", str(cls.secrets_file))),
            klaviyo_url=https_url("KLAVIYO_URL", text("KLAVIYO_URL", cls.klaviyo_url)).rstrip("/"),
            http_time_budget=_seconds("HTTP_TIME_BUDGET", text("HTTP_TIME_BUDGET", "45")),
            timer_time_budget=_seconds("TIMER_TIME_BUDGET", text("TIMER_TIME_BUDGET", "240")),
            exports_paused=_flag("EXPORTS_PAUSED", text("EXPORTS_PAUSED", "false")),
            public_url=_public_url(text("PUBLIC_URL", ""), text("WEBSITE_HOSTNAME", "")),
            notify_secret=text("NOTIFY_SECRET", "") or None,
            klaviyo_client_id=_client_id(text("KLAVIYO_CLIENT_ID", "")),
            app_writes_secrets=_flag("APP_WRITES_SECRETS", text("APP_WRITES_SECRETS", "false")),
        )

    @property
    def segments_prefix(self) -> str:
        """The path after the container in SEGMENTS_URL; blank for a folder."""
        return container_and_prefix(self.segments_url)[1] if "://" in self.segments_url else ""


@dataclass(frozen=True)
class SignIn:
    """The platform's sign-in: whether it is on, and for which tenants of Microsoft Entra."""

    is_on: bool
    tenants: frozenset[str]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "SignIn":
        tenants = environment.get("WEBSITE_AUTH_AAD_ALLOWED_TENANTS", "").replace(",", " ").lower().split()
        is_on = environment.get("WEBSITE_AUTH_ENABLED", "").strip().lower() == "true"
        return cls(is_on, frozenset(tenants))


def auth_of(environment: Mapping[str, str] = os.environ) -> Auth:
    """How callers sign in; if AUTH is unset or misspelled, they need the function key."""
    given = environment.get("AUTH", "").strip().lower()
    return Auth(given) if given in Auth else Auth.KEY


def auth_is_misspelt(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether AUTH has an unknown value."""
    given = environment.get("AUTH", "").strip().lower()
    return given != "" and given not in Auth


def queue_of(environment: Mapping[str, str] = os.environ) -> str | None:
    """The name of the queue that the host listens to; None without one, or if QUEUE_URL is not valid:
    `Settings.from_environment` reports that."""
    try:
        url = _queue_url(environment)
    except InvalidSettings:
        return None
    return url.rpartition("/")[2] if url else None


def folder_of(url: str) -> Path | None:
    """The folder of a store's address; None for a container."""
    return Path(url.removeprefix("file:")) if url.startswith("file:") else None


def container_and_prefix(url: str) -> tuple[str, str]:
    """The container's URL, and the prefix after it, without leading and trailing slashes.

    On loopback it is an emulator's, whose path begins with the account's name.
    """
    parts = urlsplit(url)
    names = parts.path.strip("/").split("/")
    count = 2 if parts.hostname in LOOPBACK else 1
    return f"{parts.scheme}://{parts.netloc}/{'/'.join(names[:count])}", "/".join(names[count:])


def _store_url(name: str, url: str) -> str:
    if url.startswith("file:"):
        if not url.removeprefix("file:"):
            raise InvalidSettings(f"{name}: a folder is missing after `file:`.")
        return url
    if "://" not in url:
        raise InvalidSettings(f"{name} must be a folder, file:<path>, or https://<account>/<container>.")
    if urlsplit(https_url(name, url)).path.strip("/") == "":
        raise InvalidSettings(f"{name} must name a container: https://<account>/<container>[/<prefix>].")
    return url


def _queue_url(environment: Mapping[str, str]) -> str | None:
    """The queue's address. It must be in the account of the host's own setting, where the host listens."""
    url, (setting, service) = environment.get("QUEUE_URL", "").strip(), _host_listens_at(environment)
    if not url:
        return None
    parts = urlsplit(_plain(https_url("QUEUE_URL", url)))
    *account, name = parts.path.removeprefix("/").split("/")
    is_emulator = parts.hostname in LOOPBACK
    is_queue = _QUEUE.fullmatch(name) and not name.endswith("-poison")
    if not is_queue or len(account) != is_emulator or not (is_emulator or _HOST.match(parts.netloc)):
        raise InvalidSettings(
            "QUEUE_URL must name a queue: https://<account>.queue.core.windows.net/<queue>, with a name of 3 "
            "to 56 lower-case letters, digits and single hyphens that does not end in -poison."
        )
    if service and _plain(service) != parts.geturl().removesuffix(f"/{name}"):
        raise InvalidSettings(f"QUEUE_URL must be a queue of {setting}, where the Functions host listens.")
    return parts.geturl()


def _host_listens_at(environment: Mapping[str, str]) -> tuple[str, str]:
    """The setting of the host's storage, and the address of its queues; blank if that is unknown.

    Source: https://learn.microsoft.com/azure/azure-functions/functions-reference#connections
    """
    for setting, form in (
        ("__queueServiceUri", "{}"),
        ("__accountName", "https://{}.queue.core.windows.net"),
    ):
        if value := environment.get(f"{_STORAGE}{setting}", "").strip():
            return f"{_STORAGE}{setting}", form.format(value)
    pairs = environment.get(_STORAGE, "").strip().split(";")
    parts = {
        name.strip().lower(): value.strip() for name, _, value in (pair.partition("=") for pair in pairs)
    }
    if parts.get("usedevelopmentstorage", "").lower() == "true":
        return _STORAGE, _EMULATOR
    account, suffix = parts.get("accountname"), parts.get("endpointsuffix", "core.windows.net")
    return _STORAGE, parts.get("queueendpoint") or (f"https://{account}.queue.{suffix}" if account else "")


def _plain(url: str) -> str:
    """Normalizes: lower-case host, no default port, no trailing slashes."""
    parts = urlsplit(url)
    host = parts.netloc.lower().removesuffix(":443" if parts.scheme == "https" else ":80")
    return parts._replace(netloc=host, path=parts.path.rstrip("/")).geturl()


def https_url(name: str, url: str, *, loopback: bool = True, query: bool = False) -> str:
    """Returns the URL if it is https, or http on loopback, without credentials and fragment.

    Raises InvalidSettings, which names the setting but not the URL. A query is refused unless `query`.
    """
    if not url:
        return url
    if not url.isprintable() or " " in url:  # the parser would drop some of it
        raise InvalidSettings(f"{name} is not a URL.")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise InvalidSettings(f"{name} is not a URL.") from None
    if parts.scheme != "https" and not (loopback and parts.scheme == "http" and host in LOOPBACK):
        raise InvalidSettings(f"{name} must be an https URL (http is for loopback only).")
    if not host:
        raise InvalidSettings(f"{name} has no host.")
    if parts.username or parts.password or (parts.query and not query) or parts.fragment:
        parts_refused = "user, key or fragment" if query else "user, key, query or fragment"
        raise InvalidSettings(f"{name} must be an address only, without {parts_refused}.")
    return url


def _public_url(url: str, host_name: str) -> str | None:
    """The address at which people reach the app; on Azure, the platform provides the host name."""
    return https_url("PUBLIC_URL", url or (f"https://{host_name}" if host_name else "")).rstrip("/") or None


def _client_id(text: str) -> str | None:
    """A colon would end the id where it is sent together with the secret."""
    if not text.isascii() or not text.isprintable() or ":" in text:
        raise InvalidSettings("KLAVIYO_CLIENT_ID must be printable ASCII text without a colon.")
    return text or None


def _seconds(name: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        raise InvalidSettings(f"{name} must be a number of seconds.") from None
    if not 1 <= seconds <= 86_400:
        raise InvalidSettings(f"{name} must be between 1 and 86400 seconds.")
    return seconds


def _flag(name: str, text: str) -> bool:
    try:
        return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
    except KeyError:
        raise InvalidSettings(f"{name} must be true or false.") from None
