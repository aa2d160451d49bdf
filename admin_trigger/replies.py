"""Shared parts of the administration's replies: documents with their versions, pages and conditions."""

import re
from collections.abc import Iterable
from typing import Any

from shared.administration.documents import Stored
from shared.administration.exports import Saved
from shared.administration.overview import state_of as state_of_export
from shared.api import BadRequest, Call, Reply, reply
from shared.api.bodies import LONGEST_BODY
from shared.catalog import Connection, Export
from shared.catalog.document import ID_PATTERN
from shared.errors import NotFound

_ETAG = r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"'
_ETAGS = re.compile(rf"{_ETAG}(?:\s*,\s*{_ETAG})*")


def id_in(call: Call, what: str) -> str:
    """The id of a connection or an export in the URL. Raises NotFound if it can't be an id."""
    given = call.route(what)
    if re.fullmatch(ID_PATTERN, given) is None:
        raise NotFound(f"This {what} does not exist: its id is not valid.", code=f"unknown_{what}")
    return given


def reply_of_export(status: int, saved: Saved | Stored[Export], headers: dict[str, str]) -> Reply:
    """An export's document with its version, its state, and what could not be checked."""
    stored = saved.stored if isinstance(saved, Saved) else saved
    members = written(stored.document) | {"state": state_of_export(stored.document)}
    if isinstance(saved, Saved) and saved.not_checked:
        members["not_checked"] = [{"pointer": p.pointer, "message": p.message} for p in saved.not_checked]
    return reply(status, members, headers | {"etag": f'"{stored.etag}"'})


def written(document: Connection | Export) -> dict[str, Any]:
    """The document as it was written, without members that have their default."""
    return document.model_dump(mode="json", exclude_unset=True)


def document_in(call: Call) -> bytes:
    """The document in the request's body. Raises BadRequest: 413 for more than 64 KiB."""
    if len(call.http.body) > LONGEST_BODY:
        message = f"The body is longer than {LONGEST_BODY:,} bytes."
        raise BadRequest(message, status=413, code="too_large")
    return call.http.body


def wanted_version(call: Call, stored_etag: str | None = None) -> str | None:
    """The version that a PUT may replace, from If-Match; None for any version (`*`).

    Raises BadRequest: 428 without a condition.
    """
    given = call.header("if-match").strip()
    if not given:
        message = "If-Match is required. Send the document's ETag from when you read it."
        raise BadRequest(message, status=428, code="if_match_required")
    if given == "*":
        return None
    if not _ETAGS.fullmatch(given):
        raise BadRequest("If-Match must be the ETag of the document, with its quotes.")
    etags = re.findall(_ETAG, given)
    return stored_etag if stored_etag in etags else "".join(etags[:1])


def page(name: str, items: Iterable[Any], following: str | None = None) -> Reply:
    return reply(200, {name: list(items), "next": following})
