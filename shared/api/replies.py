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


def reply_of_run(record: RunRecord, location: str, headers: Mapping[str, str] | None = None) -> Reply:
    """200 with the record of a closed run; 202, with where and when to look again, of an open one."""
    document = record.model_dump(mode="json")
    if record.is_closed:
        return reply(200, document, headers)
    return reply(202, document, {"location": location, "retry-after": str(COME_BACK), **(headers or {})})


def guarded(handler: Callable[[], Reply]) -> Reply:
    """What the handler replies, or the problem that it met."""
    try:
        return handler()
    except ExportError as error:
        return _problem(error)
    except Exception as error:
        log_bug(logger, error)
        return _document(500, "internal_error", "Something unexpected went wrong; nothing is lost.")


def _problem(error: ExportError) -> Reply:
    headers: dict[str, str] = {}
    if isinstance(error, TryLater):
        headers["retry-after"] = str(round(error.retry_after or COME_BACK))
    more = {}
    if isinstance(error, InvalidDocument):
        more["problems"] = [{"pointer": p.pointer, "message": p.message} for p in error.problems]
    return _document(_status(error), error.code, error.message, more, headers)


def _status(error: ExportError) -> int:
    match error:
        case InvalidRequest():
            return 400
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


def _document(
    status: int,
    code: str,
    detail: str,
    more: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    document = {
        "type": "about:blank",
        "title": code.replace("_", " "),
        "status": status,
        "code": code,
        "detail": detail,
        **(more or {}),
    }
    return Reply(
        status,
        orjson.dumps(document),
        "application/problem+json",
        {"cache-control": "no-store", **(headers or {})},
    )
