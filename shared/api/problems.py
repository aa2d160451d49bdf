"""What each error means to a caller of the HTTP API."""

import logging
from collections.abc import Callable, Sequence
from math import ceil

from shared.adapters.telemetry import log_bug
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

# What a caller asked for by its address; everything else that is missing is a document's fault.
ASKED_FOR = frozenset({"unknown_export", "unknown_run"})


class BadRequest(InvalidRequest):
    """The caller's own mistake; `problems` are those of its body."""

    def __init__(
        self, message: str, *, status: int = 400, code: str | None = None, problems: Sequence[Problem] = ()
    ) -> None:
        super().__init__(message, code=code)
        self.status = status
        self.problems = tuple(problems)


def guarded(handler: Callable[[], Reply]) -> Reply:
    """What the handler replies, or the problem that it met."""
    try:
        return handler()
    except ExportError as error:
        return _problem(error)
    except Exception as error:
        log_bug(logger, error)
        return problem_reply(500, "internal_error", "Something unexpected went wrong; nothing is lost.")


def _problem(error: ExportError) -> Reply:
    status = _status(error)
    if status >= 500:
        logger.error("%s: %s", error.code, error.message)
    headers = {}
    if isinstance(error, TryLater):
        headers["retry-after"] = str(ceil(error.retry_after or COME_BACK))
    more = {}
    if isinstance(error, InvalidDocument | BadRequest) and error.problems:
        more["problems"] = [{"pointer": p.pointer, "message": p.message} for p in error.problems]
    return problem_reply(status, error.code, error.message, headers, more)


def _status(error: ExportError) -> int:
    match error:
        case BadRequest():
            return error.status
        case NotFound() if error.code in ASKED_FOR:
            return 404
        case TakenElsewhere():
            return 409
        case TryLater():
            return 503
        case InvalidSettings() | Denied() | InvalidRequest():
            return 500  # the state is not set up as it must be; nothing of it is the caller's
        case _:
            return 422
