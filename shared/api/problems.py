"""Turns errors into problems for callers of the HTTP API."""

import logging
from collections.abc import Callable, Sequence
from math import ceil

from shared.adapters.telemetry import log_bug
from shared.administration.connections import ConnectionInUse
from shared.administration.rights import Forbidden
from shared.administration.signing_in import SignInFailed
from shared.api.callers import NotSignedIn, SignInOff
from shared.api.replies import COME_BACK, Reply, problem_reply
from shared.errors import (
    Denied,
    ExportError,
    InvalidDocument,
    InvalidRequest,
    InvalidSettings,
    NotFound,
    Problem,
    TakenElsewhere,
    TryLater,
)

logger = logging.getLogger(__name__)

# Resources that the address names; anything else that is missing is a document's fault.
ASKED_FOR = frozenset({"unknown_export", "unknown_run"})
# Errors of a connection's key or sign-in.
AT_KLAVIYO = frozenset(
    {
        "connection_unusable",
        "invalid_key",
        "missing_scope",
        "not_connected",
        "sign_in_revoked",
        "wrong_account",
    }
)


class BadRequest(InvalidRequest):
    """The caller's mistake; `problems` are those of the body."""

    def __init__(
        self, message: str, *, status: int = 400, code: str | None = None, problems: Sequence[Problem] = ()
    ) -> None:
        super().__init__(message, code=code)
        self.status = status
        self.problems = tuple(problems)


def guarded(handler: Callable[[], Reply], named: frozenset[str] = frozenset()) -> Reply:
    """The handler's reply, or the problem for its error; `named` are the parameters of the address."""
    try:
        return handler()
    except ExportError as error:
        return _problem(error, ASKED_FOR | {f"unknown_{name}" for name in named})
    except Exception as error:
        log_bug(logger, error)
        return problem_reply(500, "internal_error", "Something unexpected went wrong; nothing is lost.")


def _problem(error: ExportError, asked_for: frozenset[str]) -> Reply:
    status = status_of(error, asked_for)
    if status >= 500:
        logger.error("%s: %s", error.code, error.message)
    headers = {}
    if isinstance(error, TryLater):
        headers["retry-after"] = str(ceil(error.retry_after or COME_BACK))
    more = {}
    if isinstance(error, InvalidDocument | BadRequest) and error.problems:
        more["problems"] = [{"pointer": p.pointer, "message": p.message} for p in error.problems]
    if isinstance(error, ConnectionInUse):
        more["exports"] = [{"id": export.id, "display_name": export.display_name} for export in error.exports]
    return problem_reply(status, error.code, error.message, headers, more)


def status_of(error: ExportError, asked_for: frozenset[str] = ASKED_FOR) -> int:
    """The status of an error; `asked_for` are the codes of resources that the address names."""
    match error:
        case BadRequest():
            return error.status
        case SignInFailed():
            return 400
        case NotSignedIn():
            return 401
        case Forbidden():
            return 403
        case SignInOff():
            return 503
        case NotFound() if error.code in asked_for:
            return 404
        case Denied() if error.code in AT_KLAVIYO:
            return 422
        case Denied(code="vault_read_only"):
            return 409
        case TakenElsewhere():
            return 409
        case TryLater():
            return 503
        case InvalidSettings() | Denied() | InvalidRequest():
            return 500  # the app is not set up correctly; not the caller's mistake
        case _:
            return 422
