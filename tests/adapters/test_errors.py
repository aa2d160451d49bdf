"""Nothing of the system's or of Azure's errors leaks: each becomes one of ours."""

import errno
import inspect
import json
from dataclasses import dataclass, field

import pytest
from azure.core import exceptions
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)

from shared.adapters.azure_errors import azure_errors
from shared.adapters.os_errors import os_errors
from shared.errors import (
    AlreadyExists,
    AlreadyRunning,
    Changed,
    Denied,
    ExportError,
    InvalidRequest,
    InvalidSettings,
    LeaseLost,
    NotFound,
    StorageUnavailable,
    VaultUnavailable,
)

SECRET = "a value that nobody may see"


@dataclass
class Answer:
    """As much of an HTTP answer as Azure's errors look at."""

    status_code: int
    headers: dict[str, str] = field(default_factory=dict)
    content: str = SECRET
    reason: str = SECRET
    request: object = None

    def text(self) -> str:
        return self.content


def storage(status: int, code: str = "", **headers: str) -> HttpResponseError:
    """An answer of Azure Storage, with its code in a header."""
    return HttpResponseError(SECRET, Answer(status, {"x-ms-error-code": code} | headers))


def vault(status: int, **error: object) -> HttpResponseError:
    """An answer of Key Vault, with its code in the body."""
    return HttpResponseError(SECRET, Answer(status, content=json.dumps({"error": error})))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (storage(409, "LeaseAlreadyPresent"), AlreadyRunning),
        (storage(409, "LeaseIsBreakingAndCannotBeAcquired"), AlreadyRunning),
        (storage(409, "LeaseIdMismatchWithLeaseOperation"), LeaseLost),
        (storage(409, "LeaseIsBreakingAndCannotBeChanged"), LeaseLost),
        (storage(409, "LeaseIsBrokenAndCannotBeRenewed"), LeaseLost),
        (storage(409, "LeaseNotPresentWithLeaseOperation"), LeaseLost),
        (storage(412, "LeaseIdMismatchWithBlobOperation"), LeaseLost),
        (storage(412, "LeaseIdMissing"), LeaseLost),
        (storage(412, "LeaseLost"), LeaseLost),
        (storage(412, "LeaseNotPresentWithBlobOperation"), LeaseLost),
        (storage(409, "BlobAlreadyExists"), AlreadyExists),
        (storage(412, "ConditionNotMet"), Changed),
        (storage(412), Changed),
        (storage(404, "BlobNotFound"), NotFound),
        (storage(404, "ContainerNotFound"), NotFound),
        (storage(404), NotFound),
        (storage(409, "ContainerBeingDeleted"), NotFound),
        (storage(401, "NoAuthenticationInformation"), Denied),
        (storage(403, "AuthorizationPermissionMismatch"), Denied),
        (storage(403), Denied),
        (ClientAuthenticationError(SECRET), Denied),
        (ClientAuthenticationError(SECRET, Answer(400)), Denied),
        (storage(400, "InvalidResourceName"), InvalidRequest),
        (storage(409, "BlobArchived"), InvalidRequest),
        (storage(408), StorageUnavailable),
        (storage(429), StorageUnavailable),
        (storage(500, "InternalError"), StorageUnavailable),
        (storage(503, "ServerBusy"), StorageUnavailable),
        (IncompleteReadError(SECRET, Answer(206)), StorageUnavailable),
        (HttpResponseError(SECRET), StorageUnavailable),
        (ServiceRequestError(SECRET), StorageUnavailable),
        (ServiceResponseError(SECRET), StorageUnavailable),
        (vault(404, code="SecretNotFound"), NotFound),
        (vault(403, code="Forbidden", innererror={"code": "SecretDisabled"}), Denied),
        (vault(403, code="Forbidden"), Denied),
        (ValueError(SECRET), InvalidSettings),
    ],
    ids=lambda value: None if isinstance(value, type) else type(value).__name__,
)
def test_an_error_of_azure_becomes_ours(error: Exception, kind: type[ExportError]) -> None:
    """The code decides, then the status; the message names the subject and nothing of the answer."""
    with pytest.raises(ExportError) as raised, azure_errors("heads/vip.json"):
        raise error

    assert type(raised.value) is kind
    assert raised.value.message.startswith("heads/vip.json")
    assert SECRET not in raised.value.message
    assert raised.value.__suppress_context__


@pytest.mark.parametrize(
    "kind",
    [kind for _, kind in inspect.getmembers(exceptions, inspect.isclass) if issubclass(kind, AzureError)],
)
def test_no_error_of_azure_leaks(kind: type[AzureError]) -> None:
    """Whatever Azure's library can raise is translated, also what it adds in a later version."""
    error = kind.__new__(kind)
    error.response = error.error = None  # type: ignore[attr-defined]

    with pytest.raises(ExportError), azure_errors("heads/vip.json"):
        raise error


def test_a_wait_is_passed_on() -> None:
    """Retry-After is in seconds; a date or nonsense in it counts as none. The kind is the caller's."""
    for text, seconds in (("7", 7.0), ("Tue, 24 Nov 2026 03:00:00 GMT", None), ("-1", None)):
        with pytest.raises(VaultUnavailable) as raised, azure_errors("The secret key", VaultUnavailable):
            raise storage(429, **{"Retry-After": text})
        assert raised.value.retry_after == seconds


def test_a_code_that_is_no_code_is_not_told() -> None:
    """A header that holds more than a code does not get into a message."""
    with pytest.raises(Denied) as raised, azure_errors("heads/vip.json"):
        raise storage(403, SECRET)
    assert SECRET not in raised.value.message


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOENT, NotFound),
        (errno.ENOTDIR, NotFound),
        (errno.EACCES, Denied),
        (errno.EPERM, Denied),
        (errno.EROFS, Denied),
        (errno.ENAMETOOLONG, InvalidRequest),
        (errno.EEXIST, InvalidRequest),
        (errno.ENOSPC, StorageUnavailable),
        (errno.EDQUOT, StorageUnavailable),
        (errno.EIO, StorageUnavailable),
        (errno.EMFILE, StorageUnavailable),
        (errno.ESTALE, StorageUnavailable),
        (None, StorageUnavailable),
    ],
)
def test_an_error_of_the_system_becomes_ours(number: int | None, kind: type[ExportError]) -> None:
    """The message has the errno's name; the error's text, which can hold a path, stays out."""
    with pytest.raises(ExportError) as raised, os_errors("heads/vip.json"):
        raise OSError(number, SECRET) if number else OSError(SECRET)

    assert type(raised.value) is kind
    assert SECRET not in raised.value.message
    assert raised.value.message.startswith("heads/vip.json")
    if number and kind is not NotFound:
        assert errno.errorcode[number] in raised.value.message
