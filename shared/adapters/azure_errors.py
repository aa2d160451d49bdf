"""Translates the errors of Azure's libraries into ours."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

from shared.adapters.retry_after import retry_after
from shared.adapters.translation import Translation
from shared.errors import (
    AlreadyExists,
    AlreadyRunning,
    BlobFull,
    Changed,
    Denied,
    ExportError,
    InvalidRequest,
    InvalidSettings,
    LeaseLost,
    NotFound,
    StorageUnavailable,
    TryLater,
)

_HELD = (AlreadyRunning, "is locked by another process.")
_LOST = (LeaseLost, "is not, or no longer, locked by this process.")
# https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes, and Key Vault's own.
_BY_CODE: Mapping[str, tuple[type[ExportError], str]] = {
    "LeaseAlreadyPresent": _HELD,
    "LeaseIsBreakingAndCannotBeAcquired": _HELD,
    "LeaseIdMissing": _LOST,
    "LeaseIdMismatchWithBlobOperation": _LOST,
    "LeaseIdMismatchWithLeaseOperation": _LOST,
    "LeaseIsBreakingAndCannotBeChanged": _LOST,
    "LeaseIsBrokenAndCannotBeRenewed": _LOST,
    "LeaseLost": _LOST,
    "LeaseNotPresentWithBlobOperation": _LOST,
    "LeaseNotPresentWithLeaseOperation": _LOST,
    "BlobAlreadyExists": (AlreadyExists, "already exists."),
    "BlockCountExceedsLimit": (BlobFull, "has the maximum number of blocks."),
    "ConditionNotMet": (Changed, "was changed by another process."),
    "ContainerNotFound": (
        NotFound,
        "is in a container that does not exist. Check SEGMENTS_URL and STATE_URL.",
    ),
    "ContainerBeingDeleted": (NotFound, "is in a container that is being deleted."),
    "SecretDisabled": (Denied, "is disabled in the vault: enable it, or set a new version."),
}


def azure_errors(subject: str, unavailable: type[TryLater] = StorageUnavailable) -> Translation:
    """Turns an error of the block, which calls only Azure, into an ExportError about `subject`."""
    return Translation((AzureError, ValueError), lambda error: translated(error, subject, unavailable))


def translated(
    error: Exception, subject: str, unavailable: type[TryLater] = StorageUnavailable
) -> ExportError:
    """The error for the caller; of the answer, it shows only the status and the code."""
    if not isinstance(error, AzureError):
        # Raised by the libraries for an answer or a challenge that isn't Azure's.
        return InvalidSettings(
            f"{subject}: the server at its address does not answer as Azure does. Check its URL."
        )
    response: Any = error.response if isinstance(error, HttpResponseError) else None
    status, headers = (response.status_code, response.headers) if response is not None else (0, {})
    code = _code(error, headers)
    if code in _BY_CODE:
        kind, sentence = _BY_CODE[code]
        return kind(f"{subject} {sentence}")
    cause = f"{status} {code}".strip()
    if isinstance(error, ClientAuthenticationError) and not status:
        return Denied(
            f"{subject}: Azure issued no token for this identity. Check AZURE_CLIENT_ID, or sign in."
        )
    if isinstance(error, ClientAuthenticationError) or status in (401, 403):
        return Denied(f"{subject}: access is denied ({cause}). Check the firewall and this identity's roles.")
    if status == 404:
        return NotFound(f"{subject} does not exist.")
    if status == 412:
        return Changed(f"{subject} was changed by another process.")
    if 400 <= status < 500 and status not in (408, 429):
        return InvalidRequest(f"{subject}: Azure refused the request ({cause}).")
    return unavailable(
        f"{subject} can't be reached now ({cause if status else type(error).__name__}).",
        retry_after=retry_after({k.lower(): v for k, v in headers.items()}, datetime.now(UTC)),
    )


def _code(error: AzureError, headers: Mapping[str, str]) -> str:
    """The error code: Storage sends it in a header, Key Vault in the body; an inner code is more precise."""
    code = headers.get("x-ms-error-code")
    if not code and isinstance(error, HttpResponseError) and error.error:
        code = (error.error.innererror or {}).get("code") or error.error.code
    return code if code and re.fullmatch(r"[A-Za-z]{1,80}", code) else ""
