"""The pages of connections: all that the visitor may see, one with its actions, and a new one."""

import json
from collections.abc import Callable
from contextlib import suppress

from page_trigger.codes import remedy_of
from page_trigger.forms import Form
from page_trigger.rendering import render, render_problem, see
from page_trigger.visits import Visit, part_of
from shared.administration import connecting, connections, signing_in
from shared.administration.connecting import NewConnection
from shared.administration.connections import state_of, uses_of
from shared.administration.consent import CONSENT
from shared.administration.rights import Action, check_role, may
from shared.api import BadRequest, Reply, deadline_of
from shared.catalog import Connection
from shared.catalog.connection import Sharing
from shared.errors import Changed, ExportError, InvalidDocument, Problem
from shared.services import Services, process_services

A_PAGE = 50
# Exports of a connection that the page names.
MOST_USES = 50
# The fields that a form keeps when it is shown again with problems: never a key.
_KEPT = ("display_name", "id", "sharing", "people", "sign_in")


def show_all(visit: Visit) -> Reply:
    """The connections that the visitor may see, in pages; the first page also has the problems of others."""
    found = list(connections.visible(process_services(), visit.by))
    good = [each for each in found if isinstance(each, Connection)]
    part = part_of(visit, len(good), A_PAGE)
    return render(
        visit,
        "connections.html",
        connections=[(each, state_of(each)) for each in good[part.first : part.first + A_PAGE]],
        problems=[each for each in found if not isinstance(each, Connection)] if part.number == 1 else [],
        part=part,
        removed=visit.query("removed"),
    )


def show(visit: Visit) -> Reply:
    try:
        return _shown(visit, saved=visit.query("saved"))
    except InvalidDocument as error:
        return render_problem(visit, error, 422, removable=True)  # other visitors don't learn that it exists


def _shown(visit: Visit, *, status: int = 200, **more: object) -> Reply:
    services = process_services()
    stored = connections.show(services, visit.by, visit.route("connection"))
    connection = stored.document
    is_administrator = may(visit.by, Action.READ_CONNECTION)
    values = {
        "tested": None,
        "saved": "",
        "problem": None,
        "problems": (),
        "detached": None,
        "given": None,
    } | more
    uses = uses_of(services, connection.id) if is_administrator else []
    return render(
        visit,
        "connection.html",
        status=status,
        connection=connection,
        state=state_of(connection),
        is_administrator=is_administrator,
        etag=stored.etag,
        uses=uses[:MOST_USES],
        more_uses=len(uses[MOST_USES:]),
        people="\n".join(connection.shared_with) if isinstance(connection.shared_with, tuple) else "",
        **values,
    )


def act(visit: Visit) -> Reply:
    """Does what the pressed button requests; the page itself shows the problems of the input."""
    done = _ACTIONS.get(visit.form.text("action"))
    if done is None:
        raise BadRequest("This page does not have that button.")
    services, connection_id = process_services(), visit.route("connection")
    with suppress(InvalidDocument):  # a connection that is not shared with the visitor seems not to exist
        connections.show(services, visit.by, connection_id)
    try:
        return done(services, visit, connection_id)
    except (InvalidDocument, Changed) as error:
        given = (
            {name: visit.form.text(name) for name in _KEPT} if visit.form.text("action") == "save" else None
        )
        return _shown(visit, status=422, problem=error, problems=_problems(error), given=given)


def _problems(error: ExportError | None) -> tuple[Problem, ...]:
    return tuple(error.problems) if isinstance(error, InvalidDocument) else ()


def _save(services: Services, visit: Visit, connection_id: str) -> Reply:
    before = connections.show(services, visit.by, connection_id).document.shared_with
    shared_with = _sharing(visit.form, before)
    members = {"display_name": visit.form.text("display_name"), "shared_with": shared_with}
    content, etag = json.dumps(members).encode(), visit.form.text("etag")
    connections.change(services, visit.by, connection_id, content, etag)
    return see(f"/connections/{connection_id}", saved="1")


def _pause(services: Services, visit: Visit, connection_id: str) -> Reply:
    paused = visit.form.text("action") == "pause"
    connections.change_members(services, visit.by, connection_id, {"paused": paused})
    return see(f"/connections/{connection_id}", saved="1")


def _test(services: Services, visit: Visit, connection_id: str) -> Reply:
    tested = connections.test(services, visit.by, connection_id, deadline_of(services))
    return _shown(visit, tested=tested)


def _change_key(services: Services, visit: Visit, connection_id: str) -> Reply:
    key = visit.form.text("api_key")
    connecting.change_key(services, visit.by, connection_id, key, deadline_of(services))
    return see(f"/connections/{connection_id}", saved="1")


def _go_to_klaviyo(services: Services, visit: Visit, connection_id: str) -> Reply:
    begun = signing_in.begin(services, visit.by, connection_id)
    headers = {"location": begun.authorize_url, "cache-control": "no-store"}
    return Reply(303, b"", "text/plain", headers)


def _detach(services: Services, visit: Visit, connection_id: str) -> Reply:
    return _shown(visit, detached=connections.detach(services, visit.by, connection_id))


def _remove(services: Services, visit: Visit, connection_id: str) -> Reply:
    connections.remove(services, visit.by, connection_id)
    return see("/connections", removed="1")


_ACTIONS: dict[str, Callable[[Services, Visit, str], Reply]] = {
    "save": _save,
    "pause": _pause,
    "resume": _pause,
    "test": _test,
    "key": _change_key,
    "sign_in": _go_to_klaviyo,
    "detach": _detach,
    "remove": _remove,
}


def show_new(visit: Visit) -> Reply:
    return _form(visit, {"sharing": "administrators", "sign_in": "api_key"})


def _form(visit: Visit, given: dict[str, str], error: ExportError | None = None) -> Reply:
    services = process_services()
    return render(
        visit,
        "new_connection.html",
        status=200 if error is None else 422,
        given={name: given.get(name, "") for name in _KEPT},
        consent=CONSENT,
        error=error,
        problems=_problems(error),
        remedy=remedy_of(error.code) if error is not None else "",
        has_oauth=services.settings.klaviyo_client_id is not None,
    )


def add(visit: Visit) -> Reply:
    """Adds the connection; with OAuth, redirects to Klaviyo. A form with problems keeps all but the key."""
    services, form = process_services(), visit.form
    check_role(visit.by, Action.ADD_CONNECTION)
    try:
        stored = connecting.add(services, visit.by, _wish(form), deadline_of(services))
    except ExportError as error:
        return _form(visit, {name: form.text(name) for name in _KEPT}, error)
    if stored.document.sign_in == "oauth":
        return _go_to_klaviyo(services, visit, stored.document.id)
    return see(f"/connections/{stored.document.id}", saved="1")


def _wish(form: Form) -> NewConnection:
    signs_in = form.text("sign_in")
    given = {
        "display_name": form.text("display_name"),
        "id": form.text("id") or None,
        "sign_in": "oauth" if signs_in == "oauth" else "api_key",
        "api_key": form.text("api_key") or None if signs_in == "api_key" else None,
        "secret_name": form.text("secret_name") or None if signs_in == "secret" else None,
        "shared_with": _sharing(form),
        "consent": form.is_on("consent"),
    }
    members = {name: value for name, value in given.items() if value is not None}
    return NewConnection.parse("The connection", json.dumps(members).encode())


def _sharing(form: Form, before: Sharing = "administrators") -> Sharing:
    """Who may use the connection, from the form. Raises InvalidDocument, also if the form names people, but
    another choice is selected."""
    known = before if isinstance(before, tuple) else ()
    if form.text("sharing") != "people" and not {*form.lines("people")} <= {*known}:
        problem = Problem("/shared_with", "names people, but another choice is selected: use one of them")
        raise InvalidDocument("The connection", [problem])
    match form.text("sharing"):
        case "contributors":
            return "contributors"
        case "people":
            people = tuple(form.lines("people"))
            if not people:
                problem = Problem("/shared_with", "names no one: enter one object id per line")
                raise InvalidDocument("The connection", [problem])
            return people
    return "administrators"


def finish_sign_in(visit: Visit) -> Reply:
    """Completes the sign-in when the browser returns from Klaviyo."""
    services = process_services()
    token, code, error = (visit.query(name) for name in ("state", "code", "error"))
    stored = signing_in.finish(services, visit.by, token, code, error, deadline_of(services))
    return see(f"/connections/{stored.document.id}", saved="1")
