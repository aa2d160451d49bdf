"""Exports over HTTP."""

from itertools import islice

from admin_trigger.bodies import AttachBody, DuplicateBody
from admin_trigger.replies import (
    document_in,
    id_in,
    page,
    reply_of_export,
    wanted_version,
)
from shared import state
from shared.administration import exports
from shared.administration.documents import Stored, read_export
from shared.administration.exports import Saved
from shared.administration.overview import overview
from shared.administration.rights import Action
from shared.api import BadRequest, Call, EmptyBody, Reply, deadline_of, limit_in, next_page, read_body
from shared.catalog import Export
from shared.errors import Changed
from shared.services import process_services


def show_all(call: Call) -> Reply:
    """The exports by id; `before` is the last id of the page before."""
    services, limit = process_services(), limit_in(call, 100)
    after = call.http.query.get("before", "")
    # The listing is sorted by the blobs' names.
    entries = (e for e in services.catalog.entries() if not after or e.name > state.export(after))
    found = list(islice(entries, limit + 1))
    rows = list(overview(services, call.by, found[:limit]))
    following = state.id_of(found[limit - 1].name) if len(found) > limit else None
    return page("exports", rows, next_page(call, limit, following))


def show(call: Call) -> Reply:
    return reply_of_export(200, read_export(process_services(), id_in(call, "export")), {})


def add(call: Call) -> Reply:
    services = process_services()
    saved = exports.add(services, call.by, document_in(call), deadline_of(services))
    return _created(saved, call.here.rstrip("/"))


def change(call: Call) -> Reply:
    services, export_id = process_services(), id_in(call, "export")
    before = exports.mine(services, call.by, Action.CHANGE_EXPORT, export_id)
    etag = wanted_version(call, before.etag)
    try:
        saved = exports.change(services, call.by, export_id, document_in(call), etag, deadline_of(services))
    except Changed as error:
        raise BadRequest(error.message, status=412, code=error.code) from None
    return reply_of_export(200, saved, {})


def duplicate(call: Call) -> Reply:
    services, export_id = process_services(), id_in(call, "export")
    exports.mine(services, call.by, Action.ADD_EXPORT, export_id)
    body = read_body(DuplicateBody, call.http.body)
    new_id, name = body.id or exports.copy_id(export_id), body.display_name
    saved = exports.duplicate(services, call.by, export_id, new_id, name, deadline_of(services))
    return _created(saved, call.here.removesuffix("/duplicate").rpartition("/")[0])


def attach(call: Call) -> Reply:
    services, export_id = process_services(), id_in(call, "export")
    exports.mine(services, call.by, Action.CHANGE_EXPORT, export_id)
    connection_id = read_body(AttachBody, call.http.body).connection
    return reply_of_export(
        200, exports.attach(services, call.by, export_id, connection_id, deadline_of(services)), {}
    )


def detach(call: Call) -> Reply:
    services, export_id = process_services(), id_in(call, "export")
    exports.mine(services, call.by, Action.DETACH_EXPORT, export_id)
    read_body(EmptyBody, call.http.body)
    return reply_of_export(200, exports.detach(services, call.by, export_id), {})


def remove(call: Call) -> Reply:
    exports.remove(process_services(), call.by, id_in(call, "export"))
    return Reply(204, b"", headers={"cache-control": "no-store"})


def _created(saved: Saved | Stored[Export], folder: str) -> Reply:
    stored = saved.stored if isinstance(saved, Saved) else saved
    return reply_of_export(201, saved, {"location": f"{folder}/{stored.document.id}"})
