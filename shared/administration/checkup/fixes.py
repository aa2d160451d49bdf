"""How to fix findings: by error code, and by place if the code alone is not enough."""

from collections.abc import Mapping
from pathlib import Path

from shared.errors import ExportError, TakenElsewhere, TryLater
from shared.settings import Settings

DOCUMENT = "Fix it and write it again: segment-export apply -f FILE."
CONNECTION_FIRST = "Fix or create the connection first, or name another one in the export."
SHARING = "Share with object ids of Microsoft Entra: segment-export connections share."
AUTH = "Set it to key or entra."
DETACHED = "Attach one: segment-export exports attach."
NO_CONNECTION = "Check STATE_URL; `segment-export connections add` adds the first one."
NO_EXPORT = "Check STATE_URL; `segment-export apply -f FILE` writes the first one."
NO_FOLDER = "Check STATE_URL; writing the first document creates the folder."
PAUSED = "Set `paused` to false in its document."
POISON = "Look at them, then delete them: docs/runbook.md. Other messages have done their work."
TIMER = "If an app is deployed, find out why its timer does not run: docs/runbook.md, “The timer is silent”."
NO_WORKER = "Check whether workers run: docs/runbook.md, “An account waits for a worker”."
ALL_PAUSED = "Set it to false."
CLOCK = "Synchronize this machine's clock with a time server."
AHEAD = "A machine's clock was ahead: check the clocks of all machines that run exports."
REVISION = "Klaviyo deprecates a revision after a year: install a newer segment-export."
NOTIFY = (
    "Set NOTIFY_SECRET to the name of a secret, and store the webhook's https address under that name. "
    "A space and the key that signs, whsec_..., may follow the address."
)
LATER = "Try again later; if the problem persists, check the URLs in the settings, the network and firewalls."

_REFRESH = "Refresh the export in Customer Insights."
_ANY = "See the code in docs/codes.md."

# By the code of the error, regardless of the place.
BY_CODE = {
    "ambiguous_column": "Rename one of the columns in Customer Insights.",
    "ambiguous_segment": DOCUMENT,
    "blocked": "Ask Klaviyo's support about the IP address of this machine.",
    "erased_unreadable": "Put back the digest-key secret that the list was made with, or restore the list.",
    "incomplete_snapshot": f"Wait until the refresh has ended; if it has ended: {_REFRESH}",
    "invalid_client": "Check KLAVIYO_CLIENT_ID and the secret klaviyo-client-secret.",
    "invalid_csv": _REFRESH,
    "invalid_key": "Put a private key that Klaviyo knows into the vault, under the secret's name.",
    "invalid_model": _REFRESH,
    "invalid_segment": _REFRESH,
    "missing_scope": "Put a key with the scopes of docs/security.md into the vault, or sign in again.",
    "not_connected": "Sign in: segment-export connections sign-in.",
    "sign_in_revoked": "Sign in again: segment-export connections sign-in.",
    "unknown_column": DOCUMENT,
    "unknown_list": f"The list's id is in the URL of its page at Klaviyo. {DOCUMENT}",
    "unknown_segment": f"`segment-export segments` shows the segments. {DOCUMENT}",
    "wrong_account": "Put a key of the connection's own account into the vault, or add another connection.",
}

# Codes whose fix depends on the place.
SEGMENTS = {
    "denied": "Give the app's identity read access to SEGMENTS_URL: Storage Blob Data Reader on a container.",
    "invalid_settings": "Check SEGMENTS_URL.",
    "not_found": "Check SEGMENTS_URL, and that Customer Insights has exported to it.",
}
STATE = {
    "denied": "Give the app's identity write access to STATE_URL: Storage Blob Data Owner on a container.",
    "invalid_request": "Check STATE_URL.",
    "invalid_settings": "Check STATE_URL.",
    "not_found": "Check STATE_URL.",
}
QUEUE = {
    "denied": "Give the app's identity access to QUEUE_URL: Storage Queue Data Contributor on the queue "
    "and on its -poison.",
    "invalid_settings": "Check QUEUE_URL.",
}
HEAD = STATE | {
    "invalid_document": "Stop the app, then restore or delete the head as described in docs/runbook.md."
}
KEY_VAULT = {
    "denied": "Let the app's identity read secrets (Key Vault Secrets User, or Key Vault Secrets Officer "
    "where it writes them), also through the vault's firewall. If the secret is disabled, enable it or set a "
    "new version.",
    "invalid_settings": "Check KEY_VAULT_URL, and store the key again under this name.",
    "not_found": "Check KEY_VAULT_URL, and store the key under this name: az keyvault secret set.",
}


def secrets_file(path: Path) -> Mapping[str, str]:
    """Every problem with the secrets file has the same fix."""
    fix = f"Add the key to {path} under this name and run `chmod 600 {path}`, or set KEY_VAULT_URL."
    return dict.fromkeys(
        ("denied", "invalid_document", "invalid_request", "invalid_settings", "not_found"), fix
    )


def vault(settings: Settings) -> Mapping[str, str]:
    """The fixes for the vault in the settings."""
    return KEY_VAULT if settings.key_vault_url else secrets_file(settings.secrets_file)


def notifications(settings: Settings) -> Mapping[str, str]:
    """The fixes for the secret that NOTIFY_SECRET names."""
    codes = ("invalid_request", "invalid_settings", "not_found")
    return {**vault(settings), **dict.fromkeys(codes, NOTIFY)}


def fix_of(error: ExportError, place: Mapping[str, str]) -> str:
    """How to fix an error that occurred at this place."""
    if isinstance(error, TryLater | TakenElsewhere):
        return LATER
    return {**BY_CODE, **place}.get(error.code, _ANY)
