"""What `doctor` advises: by the error that it met, and by the place where a code alone doesn't tell."""

from collections.abc import Mapping
from pathlib import Path

from shared.errors import ExportError, TakenElsewhere, TryLater
from shared.settings import Settings

DOCUMENT = "Mend it and write it again: segment-export apply -f FILE."
CONNECTION_FIRST = "Mend or write the connection first, or name another one in the export."
NO_CONNECTION = "Check STATE_URL; `segment-export connections add` makes a first one."
NO_EXPORT = "Check STATE_URL; `segment-export apply -f FILE` writes a first one."
NO_FOLDER = "Check STATE_URL; the first document that is written makes the folder."
PAUSED = "Set `paused` to false in its document."
ALL_PAUSED = "Set it to false."
CLOCK = "Set this machine's clock by a time server."
REVISION = "Klaviyo deprecates a revision after a year: install a newer segment-export."
LATER = "Look again later; if it lasts, check the addresses in the settings, the network and firewalls."

_REFRESH = "Refresh the export in Customer Insights."
_ANY = "docs/codes.md has the code, and what to do."

# What to do about an error, by its code, whatever was looked at.
BY_CODE = {
    "ambiguous_column": "Rename one of the columns in Customer Insights.",
    "ambiguous_segment": DOCUMENT,
    "blocked": "Ask Klaviyo's support about the address that this machine calls from.",
    "incomplete_snapshot": f"Wait until the refresh has ended; if it has: {_REFRESH}",
    "invalid_csv": _REFRESH,
    "invalid_key": "Put a private key that Klaviyo knows into the vault, under the secret's name.",
    "invalid_model": _REFRESH,
    "invalid_segment": _REFRESH,
    "missing_scope": "Put a private key with the scopes of docs/security.md into the vault.",
    "unknown_column": DOCUMENT,
    "unknown_list": f"Its id stands in the address of the list's page at Klaviyo. {DOCUMENT}",
    "unknown_segment": f"`segment-export segments` shows those that there are. {DOCUMENT}",
    "wrong_account": "Put a key of the connection's own account into the vault, or make another connection.",
}

# Codes that mean another thing at each place.
SEGMENTS = {
    "denied": "Let our identity read SEGMENTS_URL: on a container, Storage Blob Data Reader.",
    "invalid_settings": "Check SEGMENTS_URL.",
    "not_found": "Check SEGMENTS_URL, and whether Customer Insights has exported to it yet.",
}
STATE = {
    "denied": "Let our identity write STATE_URL: on a container, Storage Blob Data Owner.",
    "invalid_request": "Check STATE_URL.",
    "invalid_settings": "Check STATE_URL.",
    "not_found": "Check STATE_URL.",
}
HEAD = STATE | {
    "invalid_document": "Stop the app, then restore or delete the head: docs/runbook.md says how."
}
KEY_VAULT = {
    "denied": "Let our identity read secrets (Key Vault Secrets User), also through the vault's firewall; "
    "enable a secret that is disabled, or set a new version.",
    "invalid_settings": "Check KEY_VAULT_URL, and store the key once more under this name.",
    "not_found": "Check KEY_VAULT_URL, and store the key under this name: az keyvault secret set.",
}


def secrets_file(path: Path) -> Mapping[str, str]:
    """Whatever is wrong with the file of keys, it is mended in one way."""
    mend = f"Let {path} have the key under this name, and run `chmod 600 {path}`; or set KEY_VAULT_URL."
    return dict.fromkeys(
        ("denied", "invalid_document", "invalid_request", "invalid_settings", "not_found"), mend
    )


def vault(settings: Settings) -> Mapping[str, str]:
    """Of the vault that the settings name."""
    return KEY_VAULT if settings.key_vault_url else secrets_file(settings.secrets_file)


def mend_of(error: ExportError, place: Mapping[str, str]) -> str:
    """What to do about an error that was met at one of these places."""
    if isinstance(error, TryLater | TakenElsewhere):
        return LATER
    return {**BY_CODE, **place}.get(error.code, _ANY)
