"""Replies of the HTTP API: JSON documents, and problems as RFC 9457 describes them."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from shared.adapters.telemetry import log_bug
from shared.errors import (
    AlreadyRunning,
    Denied,
    ExportError,
    InvalidDocument,
    InvalidRequest,
    InvalidSettings,
    NotFound,
    TakenElsewhere,
    TryLater,
)
from shared.runs.record import RunRecord

logger = logging.getLogger(__name__)

# What a caller asked for by its address; everything else that is missing is a document's fault.
ASKED_FOR = frozenset({"unknown_export", "unknown_run"})
COME_BACK = 15


@dataclass(frozen=True, slots=True)
class Reply:
    """A response: status, body, its media type, and further headers."""

    status: int
    body: bytes
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def reply(status: int, document: Any, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, orjson.dumps(document), headers={"cache-control": "no-store", **(headers or {})})


def csv_reply(content: bytes) -> Reply:
    return Reply(200, content, "text/csv", {"cache-control": "no-store"})


def reply_of_run(
    record: RunRecord, location: str, headers: Mapping[str, str], status: int | None = None
) -> Reply:
    """200, or `status`, with a closed run; 202 with where and when to look again at an open one."""
    document = record.model_dump(mode="json")
    if record.is_closed:
        return reply(status or 200, document, headers)
    return reply(202, document, {"location": location, "retry-after": str(COME_BACK), **headers})


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
    headers: dict[str, str] = {}
    if isinstance(error, TryLater):
        headers["retry-after"] = str(round(error.retry_after or COME_BACK))
    more = {}
    if isinstance(error, InvalidDocument):
        more["problems"] = [{"pointer": p.pointer, "message": p.message} for p in error.problems]
    return problem_reply(_status(error), error.code, error.message, headers, more)


def _status(error: ExportError) -> int:
    match error:
        case InvalidRequest():
            return 413 if error.code == "too_large" else 400
        case NotFound() if error.code in ASKED_FOR:
            return 404
        case AlreadyRunning() | TakenElsewhere():
            return 409
        case TryLater():
            return 503
        case InvalidSettings() | Denied():
            return 500
        case _:
            return 422


def problem_reply(
    status: int,
    code: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> Reply:
    """A problem document: `code` is stable, `detail` says what to do."""
    document = {
        "type": "about:blank",
        "title": code.replace("_", " "),
        "status": status,
        "code": code,
        "detail": detail,
        **(more or {}),
    }
    body = orjson.dumps(document)
    return Reply(status, body, "application/problem+json", {"cache-control": "no-store", **(headers or {})})
