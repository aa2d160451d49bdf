"""Replies of the HTTP API: JSON documents, refused rows, and problems (RFC 9457)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from math import ceil
from typing import Any

import orjson

from shared.api.preferences import Preferences
from shared.runs.record import RunRecord
from shared.runs.run import OpenRun
from shared.runs.views.estimate import estimate_of

# Seconds after which callers should look again.
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


def reply_of_run(run: RunRecord | OpenRun, location: str, now: datetime, preferences: Preferences) -> Reply:
    """200 with a closed run's record (500 for a failed run if the caller is strict).

    202 with an open run's record, its progress, and where and when to look again.
    """
    applied = {"preference-applied": preferences.applied} if preferences.applied else {}
    if isinstance(run, RunRecord):
        status = 500 if preferences.strict and run.status == "failed" else 200
        return reply(status, run.model_dump(mode="json"), applied)
    progress = estimate_of(run, now)
    document = run.summary().model_dump(mode="json") | {"progress": progress.model_dump(mode="json")}
    return reply(202, document, come_back(run, location, now) | applied)


def come_back(run: OpenRun, location: str, now: datetime) -> dict[str, str]:
    """The headers for where and when to look at an open run again."""
    wait = run.wait_at(now)
    pause = (wait.until - now).total_seconds() if wait else 0.0
    return {"location": location, "retry-after": str(max(COME_BACK, ceil(pause)))}


def problem_reply(
    status: int,
    code: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> Reply:
    """A problem document: `code` is stable, `detail` explains what to do."""
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **(more or {}),
    }
    body = orjson.dumps(document)
    return Reply(status, body, "application/problem+json", {"cache-control": "no-store", **(headers or {})})
