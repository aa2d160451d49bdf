"""Connections over HTTP."""

from typing import Any
from urllib.parse import urlencode

from admin_trigger.bodies import KeyBody, ListBody
from admin_trigger.replies import document_in, id_in, page, wanted_version, written
from shared.administration import connecting, connections, signing_in
from shared.administration.connecting import NewConnection
from shared.administration.connections import state_of
from shared.administration.documents import Stored
from shared.administration.rights import Action, may
from shared.api import BadRequest, Call, EmptyBody, Reply, deadline_of, read_body, reply
from shared.catalog import Connection
from shared.errors import Changed
from shared.services import process_services


def _shown(call: Call, connection: Connection) -> dict[str, Any]:
    """The document for administrators; its id, name and state for others."""
    state = {"state": state_of(connection)}
    if may(call.by, Action.READ_CONNECTION):
        return written(connection) | state
    return {"id": connection.id, "display_name": connection.display_name} | state


def _reply(call: Call, status: int, stored: Stored[Connection], **headers: str) -> Reply:
    if may(call.by, Action.READ_CONNECTION):
        headers["etag"] = f'"{stored.etag}"'
    return reply(status, _shown(call, stored.document), headers)


def show_all(call: Call) -> Reply:
    services = process_services()
    shown, problems = [], []
    for each in connections.visible(services, call.by):
        if isinstance(each, Connection):
            shown.append(_shown(call, each))
        else:
            problems.append({"code": each.code, "detail": each.message})
    return reply(200, {"connections": shown, "next": None} | ({"problems": problems} if problems else {}))


def show(call: Call) -> Reply:
    return _reply(call, 200, connections.show(process_services(), call.by, id_in(call, "connection")))


def add(call: Call) -> Reply:
    services = process_services()
    wish = read_body(NewConnection, call.http.body)
    stored = connecting.add(services, call.by, wish, deadline_of(services))
    headers = {"location": f"{call.here.rstrip('/')}/{stored.document.id}", "etag": f'"{stored.etag}"'}
    members = _shown(call, stored.document)
    if wish.sign_in == "oauth":
        begun = signing_in.begin(services, call.by, stored.document.id)
        members["authorize_url"] = begun.authorize_url
    return reply(201, members, headers)


def change(call: Call) -> Reply:
    services, connection_id = process_services(), id_in(call, "connection")
    before = connections.show(services, call.by, connection_id)
    try:
        etag = wanted_version(call, before.etag)
        stored = connections.change(services, call.by, connection_id, document_in(call), etag)
    except Changed as error:
        raise BadRequest(error.message, status=412, code=error.code) from None
    return _reply(call, 200, stored)


def test(call: Call) -> Reply:
    services = process_services()
    read_body(EmptyBody, call.http.body)
    made = connections.test(services, call.by, id_in(call, "connection"), deadline_of(services))
    return reply(200, made)


def change_key(call: Call) -> Reply:
    services, connection_id = process_services(), id_in(call, "connection")
    key = read_body(KeyBody, call.http.body).api_key
    return _reply(
        call, 200, connecting.change_key(services, call.by, connection_id, key, deadline_of(services))
    )


def sign_in(call: Call) -> Reply:
    read_body(EmptyBody, call.http.body)
    return reply(200, signing_in.begin(process_services(), call.by, id_in(call, "connection")))


def finish_sign_in(call: Call) -> Reply:
    """Klaviyo redirects the browser here after a sign-in. A request for HTML is redirected to a page."""
    services, query = process_services(), call.http.query
    if "text/html" in call.header("accept"):
        place = f"/new/sign-in?{urlencode(query)}"
        return Reply(303, b"", headers={"location": place, "cache-control": "no-store"})
    token, code, error = (query.get(name, "") for name in ("state", "code", "error"))
    return _reply(call, 200, signing_in.finish(services, call.by, token, code, error, deadline_of(services)))


def lists(call: Call) -> Reply:
    services = process_services()
    found = connections.lists(services, call.by, id_in(call, "connection"), deadline_of(services))
    return page("lists", found)


def add_list(call: Call) -> Reply:
    services, connection_id = process_services(), id_in(call, "connection")
    connections.show(services, call.by, connection_id, Action.ADD_LIST)
    name = read_body(ListBody, call.http.body).name
    return reply(201, connections.add_list(services, call.by, connection_id, name, deadline_of(services)))


def detach(call: Call) -> Reply:
    read_body(EmptyBody, call.http.body)
    detached = connections.detach(process_services(), call.by, id_in(call, "connection"))
    return reply(200, {"exports": [{"id": each.id, "display_name": each.display_name} for each in detached]})


def remove(call: Call) -> Reply:
    connections.remove(process_services(), call.by, id_in(call, "connection"))
    return Reply(204, b"", headers={"cache-control": "no-store"})
