"""Who may do what: each role, each action, each thing, over HTTP."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.sample import example_documents
from shared.administration.rights import RIGHTS, Action, Person, Role, is_shared, may
from tests.administration.conftest import ADA, CARL, ROUTES, URL, VERA, Api
from tests.support.world import LIST, SEGMENT, World

GROUP = "00000000-0000-4000-8000-0000000000f0"
IN_GROUP = Person(
    "greta@example.org", Role.CONTRIBUTOR, "00000000-0000-4000-8000-0000000096e7", frozenset({GROUP})
)
CALLERS = {"administrator": ADA, "contributor": CARL, "viewer": VERA, "operator": None}
ROW = {"segments": [SEGMENT], "list_id": LIST, "match": {"email": "EMail"}, "schedule": {"active": False}}

# Every route: what each role gets where the connection is shared with contributors, and where it is not. The
# connection and the export exist; what a caller may do succeeds.
OK, FORBIDDEN, HIDDEN = "ok", 403, 404
EVERYBODY = {"contributor": OK, "viewer": OK, "operator": OK}
RUNNERS = {"contributor": OK, "operator": OK}
CONTRIBUTORS = {"contributor": OK}
UNSEEN = {"contributor": HIDDEN}
NOT_THEIRS = {"contributor": FORBIDDEN}
MATRIX: list[tuple[str, str, Any, dict[str, Any], dict[str, Any]]] = [
    # method, path, body, shared: what others than administrators get, not shared: the same
    ("GET", "/api/me", None, EVERYBODY, {}),
    ("GET", "/api/openapi.json", None, EVERYBODY, {}),
    ("GET", "/api/connections", None, CONTRIBUTORS, {}),
    ("POST", "/api/connections", {"display_name": "New", "api_key": "pk_sandbox", "consent": True}, {}, {}),
    ("GET", "/api/connections/{c}", None, CONTRIBUTORS, UNSEEN),
    ("PUT", "/api/connections/{c}", {"display_name": "Renamed"}, {}, {}),
    ("POST", "/api/connections/{c}/test", None, {}, {}),
    ("POST", "/api/connections/{c}/key", {"api_key": "pk_sandbox"}, {}, {}),
    ("GET", "/api/connections/{c}/lists", None, CONTRIBUTORS, UNSEEN),
    ("POST", "/api/connections/{c}/lists", {"name": "Made"}, CONTRIBUTORS, UNSEEN),
    ("POST", "/api/connections/{c}/detach", None, {}, {}),
    ("DELETE", "/api/connections/{u}", None, {}, {}),
    ("GET", "/api/exports", None, EVERYBODY, {}),
    (
        "POST",
        "/api/exports",
        ROW | {"id": "{new}", "connection": "{c}"},
        CONTRIBUTORS,
        {"contributor": 422},
    ),
    ("GET", "/api/exports/{e}", None, EVERYBODY, {}),
    ("PUT", "/api/exports/{e}", ROW | {"connection": "{c}"}, CONTRIBUTORS, NOT_THEIRS),
    ("POST", "/api/exports/{e}/duplicate", None, CONTRIBUTORS, NOT_THEIRS),
    (
        "POST",
        "/api/exports/{e}/attach",
        {"connection": "{c}"},
        CONTRIBUTORS,
        NOT_THEIRS,
    ),
    ("POST", "/api/exports/{e}/detach", None, CONTRIBUTORS, NOT_THEIRS),
    ("DELETE", "/api/exports/{e}", None, CONTRIBUTORS, NOT_THEIRS),
    (
        "POST",
        "/api/exports/{e}/runs",
        None,
        RUNNERS,
        {"contributor": FORBIDDEN, "operator": OK},
    ),
    (
        "POST",
        "/api/exports/{e}/preview",
        None,
        RUNNERS,
        {"contributor": FORBIDDEN, "operator": OK},
    ),
    ("POST", "/api/exports/{e}/preview", {"rows": True}, CONTRIBUTORS, NOT_THEIRS),
    ("GET", "/api/exports/{e}/runs", None, EVERYBODY, {}),
    ("GET", "/api/runs", None, EVERYBODY, {}),
    ("POST", "/api/runs", None, RUNNERS, {}),
    ("GET", "/api/runs/{r}", None, EVERYBODY, {}),
    ("GET", "/api/runs/{r}/rejected", None, EVERYBODY, {}),
    (
        "POST",
        "/api/runs/{r}/cancel",
        None,
        {"contributor": 409, "operator": 409},
        {"contributor": FORBIDDEN, "operator": 409},
    ),
    ("GET", "/api/segments", None, CONTRIBUTORS, {}),
    ("GET", f"/api/segments/{SEGMENT}", None, CONTRIBUTORS, {}),
    ("GET", "/api/audit", None, {}, {}),
    ("POST", "/api/tick", None, {"operator": OK}, {}),
    ("GET", "/api/health", None, EVERYBODY, {}),
]
# Signing in takes more than one call; test_sign_in.py has the callers.
OTHERS = {("POST", "connections/*/sign-in"), ("GET", "oauth/callback")}


@pytest.fixture
def ids(world: World) -> Iterator[dict[str, str]]:
    """Ids that the matrix asks for, with what they name: new ones for each test."""
    state = world.services.state
    number = sum(1 for _ in state.list("connections/"))
    found = {"c": f"used-{number}", "u": f"unused-{number}", "e": f"export-{number}", "new": f"new-{number}"}
    export = ROW | {"id": found["e"], "connection": found["c"]}
    state.write(f"exports/{found['e']}.json", json.dumps(export).encode())
    yield found
    for folder in ("exports/", "heads/"):
        for blob in list(state.list(folder)):
            state.delete(blob.name)


def share(world: World, ids: dict[str, str], shared_with: Any) -> None:
    for connection in (ids["c"], ids["u"]):
        document = example_documents()["connections/sandbox.json"] | {
            "id": connection,
            "shared_with": shared_with,
            "secret_name": "klaviyo-sandbox",
        }
        world.services.state.write(f"connections/{connection}.json", json.dumps(document).encode())


def filled(body: Any, ids: dict[str, str]) -> Any:
    text = json.dumps(body)
    for name, value in ids.items():
        text = text.replace(f"{{{name}}}", value)
    return json.loads(text)


@pytest.mark.parametrize("is_shared", [True, False], ids=["shared", "not shared"])
@pytest.mark.parametrize("role", CALLERS)
@pytest.mark.parametrize(
    ("method", "path", "body", "shared", "not_shared"), MATRIX, ids=[f"{m} {p}" for m, p, *_ in MATRIX]
)
def test_the_matrix(
    api: Api,
    world: World,
    ids: dict[str, str],
    method: str,
    path: str,
    body: Any,
    shared: dict[str, Any],
    not_shared: dict[str, Any],
    role: str,
    is_shared: bool,
) -> None:
    """Each role gets what the table of rights gives it, before anything of the request is read."""
    share(world, ids, "contributors" if is_shared else "administrators")
    if "{r}" in path:
        ids["r"] = api("POST", f"/api/exports/{ids['e']}/runs").json["id"]
    path = path.format(**ids)
    headers: dict[str, Any] = {}
    if method == "PUT":
        headers["if_match"] = api("GET", path).headers["etag"]

    answered = api(method, path, filled(body, ids), by=CALLERS[role], **headers)

    given = shared if is_shared or role not in not_shared else not_shared
    expected = OK if role == "administrator" else given.get(role, FORBIDDEN)
    if role == "administrator" and path.endswith("/cancel"):
        expected = 409  # the run has ended
    if expected == OK:
        assert answered.status // 100 == 2, answered.json
    else:
        assert answered.status == expected, answered.json
    if expected == FORBIDDEN:
        assert answered.json["code"] == "forbidden"
        assert "Administrator" in answered.json["detail"]


def test_the_matrix_has_every_operation() -> None:
    """A route that somebody adds has its rights tested, too."""

    def shape(path: str) -> str:
        return "/".join("*" if part.startswith("{") or part == SEGMENT else part for part in path.split("/"))

    walked = {(method, shape(path.removeprefix("/api/"))) for method, path, *_ in MATRIX}
    assert walked | OTHERS == {(method, shape(route.path)) for route in ROUTES for method in route.operations}


def test_rights_come_before_the_body_and_its_conditions(api: Api) -> None:
    """Who may not do it learns nothing of what is there."""
    for path in ("/api/connections/sandbox", "/api/connections/gone"):
        for method, body in (("PUT", b"no JSON"), ("DELETE", None), ("GET", None)):
            assert api(method, path, body, by=VERA).status == 403
    assert api("PUT", "/api/exports/vip", b"no JSON", by=VERA).status == 403
    assert api("PUT", "/api/exports/gone", b"no JSON", by=VERA).status == 403


def test_rights_to_a_thing_come_before_the_body_and_its_conditions(
    api: Api, world: World, ids: dict[str, str]
) -> None:
    """A contributor with whom the connection is not shared."""
    share(world, ids, "administrators")
    run = api("POST", f"/api/exports/{ids['e']}/runs").json["id"]

    for method, path, status in (
        ("PUT", f"/api/exports/{ids['e']}", 403),
        ("POST", f"/api/exports/{ids['e']}/duplicate", 403),
        ("POST", f"/api/exports/{ids['e']}/attach", 403),
        ("POST", f"/api/exports/{ids['e']}/detach", 403),
        ("POST", f"/api/exports/{ids['e']}/runs", 403),
        ("POST", f"/api/exports/{ids['e']}/preview", 403),
        ("POST", f"/api/runs/{run}/cancel", 403),
        ("POST", f"/api/connections/{ids['c']}/lists", 404),
    ):
        assert api(method, path, b"no JSON", by=CARL).status == status, path


def test_a_connection_that_is_not_shared_looks_as_if_it_were_not_there(
    api: Api, world: World, ids: dict[str, str]
) -> None:
    """The same answer, but for the id."""
    share(world, ids, [GROUP])
    hidden = api("GET", f"/api/connections/{ids['c']}", by=CARL)
    missing = api("GET", "/api/connections/missing", by=CARL)

    assert (hidden.status, missing.status) == (404, 404)
    assert hidden.body.replace(ids["c"].encode(), b"missing") == missing.body
    assert hidden.headers == missing.headers
    listed = api("GET", "/api/connections", by=CARL).json["connections"]
    assert ids["c"] not in [each["id"] for each in listed]


def test_a_contributor_sees_name_and_state_of_a_connection_only(
    api: Api, world: World, ids: dict[str, str]
) -> None:
    share(world, ids, [GROUP])

    shown = api("GET", f"/api/connections/{ids['c']}", by=IN_GROUP)

    assert shown.json == {"id": ids["c"], "display_name": "Klaviyo sandbox", "state": "active"}
    assert "etag" not in shown.headers
    assert shown.json in api("GET", "/api/connections", by=IN_GROUP).json["connections"]


@pytest.mark.parametrize(
    ("shared_with", "person", "expected"),
    [
        ("administrators", CARL, False),
        ("contributors", CARL, True),
        ((CARL.object_id,), CARL, True),
        ((CARL.object_id.upper(),), CARL, True),
        ((GROUP,), IN_GROUP, True),
        ((GROUP,), CARL, False),
        (("carl@example.org",), CARL, False),
        (("",), Person("somebody", Role.CONTRIBUTOR), False),
    ],
)
def test_sharing_goes_by_object_ids(shared_with: Any, person: Person, expected: bool) -> None:
    """A name in an old document matches nobody."""
    assert is_shared(shared_with, person) is expected


def test_every_action_has_its_rights() -> None:
    """Administrators may do everything, and operators no more than run, read, cancel and preview counts."""
    assert set(RIGHTS) == set(Action)
    assert all(may(ADA, action, "administrators") for action in Action)
    operator = Person("http", Role.OPERATOR)
    assert {action for action in Action if may(operator, action, "administrators")} == {
        Action.SEE_EXPORT,
        Action.PREVIEW,
        Action.START_RUN,
        Action.CANCEL_RUN,
        Action.SEE_RUN,
        Action.SEE_SELF,
        Action.TICK,
    }


def test_what_administrators_alone_may_do() -> None:
    """Neither sharing nor a function key opens it to anybody else."""
    assert {action for action, roles in RIGHTS.items() if set(roles) == {Role.ADMINISTRATOR}} == {
        Action.READ_CONNECTION,
        Action.ADD_CONNECTION,
        Action.CHANGE_CONNECTION,
        Action.TEST_CONNECTION,
        Action.CHANGE_KEY,
        Action.SIGN_IN,
        Action.DETACH_CONNECTION,
        Action.REMOVE_CONNECTION,
        Action.READ_AUDIT,
        Action.CHECK_HEALTH,
        Action.FORGET,
    }


def test_a_role_that_is_taken_away_ends_what_one_may_do(api: Api, world: World, ids: dict[str, str]) -> None:
    """The next request is refused; an export that runs goes on."""
    share(world, ids, "contributors")
    path = f"/api/exports/{ids['e']}"
    assert api("POST", f"{path}/runs", by=CARL, prefer="respond-async").status == 202

    demoted = Person(CARL.name, Role.VIEWER, CARL.object_id)

    assert api("DELETE", path, by=demoted).status == 403
    assert api("GET", path, by=demoted).status == 200


def test_when_sharing_ends_only_administrators_change_the_exports(
    api: Api, world: World, ids: dict[str, str]
) -> None:
    """They run on; a contributor still sees them."""
    share(world, ids, "administrators")
    path = f"/api/exports/{ids['e']}"
    shown = api("GET", path, by=CARL)

    refused = api("PUT", path, shown.json, by=CARL, if_match=shown.headers["etag"])

    assert refused.status == 403
    assert "not shared with you" in refused.json["detail"]
    assert api("GET", "/api/exports", by=CARL).json["exports"][0]["may"] == []
    assert api("POST", f"{path}/runs").status == 200


def test_a_change_of_connection_needs_the_right_on_both(api: Api, world: World, ids: dict[str, str]) -> None:
    """From one's own to one that is not one's own, which looks as if it were not there; nor the other way."""
    share(world, ids, "contributors")
    world.document("connections/sandbox.json", shared_with="administrators")
    path = f"/api/exports/{ids['e']}"

    refused = api("POST", f"{path}/attach", {"connection": "sandbox"}, by=CARL)
    missing = api("POST", f"{path}/attach", {"connection": "nowhere"}, by=CARL)

    assert (refused.status, missing.status) == (422, 422)
    assert refused.body.replace(b"sandbox", b"nowhere") == missing.body
    assert api("POST", f"{path}/attach", {"connection": "sandbox"}).status == 200
    assert api("POST", f"{path}/attach", {"connection": ids["c"]}, by=CARL).status == 403


def test_links_lead_to_the_routes(api: Api, world: World, ids: dict[str, str]) -> None:
    share(world, ids, "contributors")
    made = api("POST", "/api/exports", ROW | {"id": ids["new"], "connection": ids["c"]})

    assert made.headers["location"] == f"{URL}/api/exports/{ids['new']}"
