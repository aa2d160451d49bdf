"""What the administration's replies have in common: documents with their versions, pages, and conditions."""

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
    """The id of a connection or an export in the address. Raises NotFound for what can't be one."""
    given = call.route(what)
    if re.fullmatch(ID_PATTERN, given) is None:
        raise NotFound(f"There is no such {what}: that can't be the id of one.", code=f"unknown_{what}")
    return given


def reply_of_export(status: int, saved: Saved | Stored[Export], headers: dict[str, str]) -> Reply:
    """An export's document, with its state and what could not be checked beside it, and its version."""
    stored = saved.stored if isinstance(saved, Saved) else saved
    members = written(stored.document) | {"state": state_of_export(stored.document)}
    if isinstance(saved, Saved) and saved.not_checked:
        members["not_checked"] = [{"pointer": p.pointer, "message": p.message} for p in saved.not_checked]
    return reply(status, members, headers | {"etag": f'"{stored.etag}"'})


def written(document: Connection | Export) -> dict[str, Any]:
    """The document as it was written: what nobody gave has its default."""
    return document.model_dump(mode="json", exclude_unset=True)


def document_in(call: Call) -> bytes:
    """A document that is sent. Raises BadRequest: 413 for one over 64 KiB."""
    if len(call.http.body) > LONGEST_BODY:
        message = f"The body is longer than {LONGEST_BODY:,} bytes."
        raise BadRequest(message, status=413, code="too_large")
    return call.http.body


def wanted_version(call: Call, stored_etag: str | None = None) -> str | None:
    """The version that a PUT may replace, from If-Match; None for any that is there (`*`).

    Raises BadRequest: 428 without a condition.
    """
    given = call.header("if-match").strip()
    if not given:
        message = "If-Match is required: send the ETag with which you read the document."
        raise BadRequest(message, status=428, code="if_match_required")
    if given == "*":
        return None
    if not _ETAGS.fullmatch(given):
        raise BadRequest("If-Match must be the ETag of the document, with its quotes.")
    etags = re.findall(_ETAG, given)
    return stored_etag if stored_etag in etags else "".join(etags[:1])


def page(name: str, items: Iterable[Any], following: str | None = None) -> Reply:
    return reply(200, {name: list(items), "next": following})
