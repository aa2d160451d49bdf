"""Connections over HTTP: made with a key that works and consent, changed, detached and removed."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from sandbox.sample import example_documents
from shared.administration.consent import CONSENT
from shared.errors import StorageUnavailable, VaultUnavailable
from shared.services import process_services
from tests.administration.conftest import ADA, CARL, URL, Answered, Api
from tests.support.stores import ActingStore
from tests.support.world import LIST, SEGMENT, World

KEY = "pk_sandbox"
WISH = {"id": "eu", "display_name": "Klaviyo EU", "api_key": KEY, "consent": True}


@pytest.fixture(autouse=True)
def _only_the_example(world: World) -> Iterator[None]:
    """Each test finds the example's documents and its one secret."""
    world.secrets({"klaviyo-sandbox": KEY})
    yield
    state = world.services.state
    for folder in ("connections/", "exports/", "heads/"):
        for blob in list(state.list(folder)):
            state.delete(blob.name)
    for name in example_documents():
        world.document(name)
    world.stand_in.faults.clear()


def secrets(world: World) -> dict[str, str]:
    found: dict[str, str] = json.loads(world.services.settings.secrets_file.read_text())
    found.pop("digest-key", None)
    return found


def documents(world: World) -> list[str]:
    return [blob.name for blob in world.services.state.list("connections/")]


def pointers(answered: Answered) -> list[str]:
    return [problem["pointer"] for problem in answered.json["problems"]]


def test_a_connection_is_made(api: Api, world: World) -> None:
    """By who has signed in, who becomes the export user; the account is pinned, the key in the vault only."""
    made = api("POST", "/api/connections", WISH)

    assert made.status == 201
    assert made.headers["location"] == f"{URL}/api/connections/eu"
    document = made.json
    assert re.fullmatch(r"eu--key-[0-9a-f]{12}", document["secret_name"])
    accepted_at = datetime.fromisoformat(document["consent"].pop("accepted_at"))
    assert abs(datetime.now(UTC) - accepted_at) < timedelta(minutes=1)
    assert document["consent"] == {
        "accepted_by": ADA.name,
        "object_id": ADA.object_id,
        "text_digest": sha256(CONSENT.encode()).hexdigest(),
    }
    assert document["export_user"] == document["created_by"] == document["updated_by"] == ADA.name
    assert document["account"] == {"id": "SNDBOX", "name": "Sandbox"}
    assert document["shared_with"] == "administrators"
    assert document["state"] == "active"
    assert secrets(world)[document["secret_name"]] == KEY
    assert KEY not in made.body.decode()
    shown = api("GET", "/api/connections/eu")
    assert shown.headers["etag"] == made.headers["etag"]


def test_a_secret_that_is_there_can_be_named(api: Api, world: World) -> None:
    wish = WISH | {"secret_name": "klaviyo-sandbox"}
    del wish["api_key"]

    assert api("POST", "/api/connections", wish).json["secret_name"] == "klaviyo-sandbox"
    assert list(secrets(world)) == ["klaviyo-sandbox"]


def test_an_id_is_made_from_the_name(api: Api) -> None:
    """And a number is put behind it, where another connection has it."""
    wish = {name: value for name, value in WISH.items() if name != "id"}

    assert [api("POST", "/api/connections", wish).json["id"] for _ in range(3)] == [
        "klaviyo-eu",
        "klaviyo-eu-2",
        "klaviyo-eu-3",
    ]
    assert api("POST", "/api/connections", wish | {"display_name": "Ölçü ✓"}).json["id"] == "l"
    assert api("POST", "/api/connections", wish | {"display_name": "✓"}).json["id"] == "klaviyo"


WRONG: list[tuple[dict[str, Any], int, list[str]]] = [
    ({"consent": False}, 422, ["/consent"]),
    ({"consent": None}, 400, ["/consent"]),
    ({"consent": "yes"}, 400, ["/consent"]),
    ({"api_key": None}, 422, ["/api_key"]),
    ({"api_key": ""}, 422, ["/api_key"]),
    ({"api_key": "pk_wrong"}, 422, ["/api_key"]),
    ({"api_key": "pk\x00"}, 422, ["/api_key"]),
    ({"api_key": "ключ"}, 422, ["/api_key"]),
    ({"secret_name": "klaviyo-sandbox"}, 422, ["/api_key"]),
    ({"api_key": None, "secret_name": "missing"}, 422, ["/secret_name"]),
    ({"api_key": None, "secret_name": "a/../b"}, 422, ["/secret_name"]),
    ({"api_key": None, "secret_name": "digest-key"}, 422, ["/secret_name"]),
    ({"api_key": None, "secret_name": "Digest-Key"}, 422, ["/secret_name"]),
    ({"api_key": None, "secret_name": "us--key-0123456789ab"}, 422, ["/secret_name"]),
    ({"display_name": ""}, 422, ["/display_name"]),
    ({"display_name": " \t"}, 422, ["/display_name"]),
    ({"display_name": "a" * 201}, 422, ["/display_name"]),
    ({"display_name": "a\x1b[31m"}, 422, ["/display_name"]),
    ({"display_name": "a\u202eb"}, 422, ["/display_name"]),
    ({"display_name": 1}, 400, ["/display_name"]),
    ({"id": "../exports/vip"}, 400, ["/id"]),
    ({"id": "EU"}, 400, ["/id"]),
    ({"id": "a" * 64}, 400, ["/id"]),
    ({"shared_with": "everybody"}, 400, ["/shared_with"]),
    ({"shared_with": []}, 400, ["/shared_with"]),
    ({"shared_with": ["carl@example.org"]}, 422, ["/shared_with/0"]),
    ({"export_user": "somebody"}, 400, ["/export_user"]),
    (
        {"consent": False, "shared_with": ["carl@example.org"], "display_name": " "},
        422,
        [
            "/display_name",
            "/consent",
            "/shared_with/0",
        ],
    ),
]


@pytest.mark.parametrize(
    ("changes", "status", "expected"), WRONG, ids=[json.dumps(c)[:50] for c, *_ in WRONG]
)
def test_nothing_is_left_of_what_can_not_be(
    api: Api, world: World, changes: dict[str, Any], status: int, expected: list[str]
) -> None:
    """All problems at once, each with a pointer; no document, no secret, and no value in the answer."""
    before = documents(world)

    refused = api("POST", "/api/connections", WISH | changes)

    assert (refused.status, pointers(refused)) == (status, expected)
    assert documents(world) == before
    assert list(secrets(world)) == ["klaviyo-sandbox"]
    assert "pk_" not in refused.body.decode()


def test_a_member_that_is_given_twice_or_unknown_is_refused(api: Api) -> None:
    twice = api("POST", "/api/connections", b'{"display_name": "a", "display_name": "b", "consent": true}')
    unknown = api("POST", "/api/connections", WISH | {"displayname": "a"})

    assert (twice.status, pointers(twice)) == (400, ["/display_name"])
    assert unknown.json["problems"] == [
        {"pointer": "/displayname", "message": "is not known here; did you mean display_name?"}
    ]


def test_an_id_that_is_taken_is_refused(api: Api, world: World) -> None:
    assert api("POST", "/api/connections", WISH).status == 201
    before = secrets(world)

    again = api("POST", "/api/connections", WISH)

    assert (again.status, again.json["code"]) == (409, "already_exists")
    assert secrets(world) == before


def test_a_key_without_the_scope_is_the_callers_mistake(api: Api, world: World) -> None:
    """Klaviyo's 401 and 403 on a typed key are no failure of the app."""
    world.stand_in.add_account("OTHERS", "Others", keys={"pk_narrow": frozenset({"lists:read"})})

    refused = api("POST", "/api/connections", WISH | {"api_key": "pk_narrow"})

    assert refused.status == 422
    assert pointers(refused) == ["/api_key"]
    assert "accounts:read" in refused.json["detail"]


def test_a_test_tells_what_the_key_may_read(api: Api, world: World) -> None:
    """And what only a write would show."""
    world.stand_in.add_account(
        "NARROW", "Narrow", keys={"pk_few": frozenset({"accounts:read", "lists:read"})}
    )
    api("POST", "/api/connections", WISH | {"api_key": "pk_few"})

    assert api("POST", "/api/connections/eu/test").json == {
        "account": {"id": "NARROW", "name": "Narrow"},
        "scopes": ["accounts:read", "lists:read"],
        "missing": ["profiles:read"],
        "not_checked": ["lists:write", "profiles:write"],
    }


def test_where_the_document_can_not_be_written_the_secret_is_removed(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is half-written; the attempt is in the audit."""

    def fail(what: str, name: str) -> None:
        if (what, name) == ("write", "connections/eu.json"):
            raise StorageUnavailable("There is no room.")

    services = process_services()
    monkeypatch.setitem(services.__dict__, "state", ActingStore(services.state, fail))

    refused = api("POST", "/api/connections", WISH)

    assert refused.status == 503
    assert list(secrets(world)) == ["klaviyo-sandbox"]
    entry = api("GET", "/api/audit?limit=1").json["audit"][0]
    assert (entry["action"], entry["outcome"], entry["code"]) == (
        "connections.add",
        "failed",
        "storage_unavailable",
    )


def test_where_the_audit_can_not_be_written_nothing_changes(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(what: str, name: str) -> None:
        if what == "append":
            raise StorageUnavailable("There is no room.")

    services = process_services()
    monkeypatch.setitem(services.__dict__, "state", ActingStore(services.state, fail))

    assert api("POST", "/api/connections", WISH).status == 503
    assert api("DELETE", "/api/exports/vip").status == 503
    assert list(secrets(world)) == ["klaviyo-sandbox"]
    assert documents(world) == ["connections/sandbox.json"]
    assert world.services.state.stat("exports/vip.json")


def test_a_vault_that_is_away_leaves_nothing_behind(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(name: str, key: str) -> None:
        raise VaultUnavailable("The vault is away.")

    monkeypatch.setattr(process_services().vault, "write", away)

    assert api("POST", "/api/connections", WISH).status == 503
    assert documents(world) == ["connections/sandbox.json"]


def test_a_change_keeps_what_is_the_apps_own(api: Api) -> None:
    """Name, sharing and pause can change; the same document can be sent back."""
    made = api("POST", "/api/connections", WISH)
    wish = {"display_name": "Klaviyo DE", "shared_with": [CARL.object_id], "paused": True}

    changed = api("PUT", "/api/connections/eu", wish, if_match=made.headers["etag"])
    same = api("PUT", "/api/connections/eu", changed.json, if_match=f"W/{changed.headers['etag']}")

    assert (changed.status, same.status) == (200, 200)
    stamps = ("updated_at", "state")
    assert {k: v for k, v in changed.json.items() if k not in stamps} == {
        k: v for k, v in (made.json | wish).items() if k not in stamps
    }
    assert changed.json["state"] == "paused"
    assert same.headers["etag"] == changed.headers["etag"]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("id", "other"),
        ("type", "other"),
        ("secret_name", "klaviyo-sandbox"),
        ("consent", {"accepted_by": "somebody", "accepted_at": "2026-01-01T00:00:00Z"}),
        ("account", {"id": "OTHERS"}),
        ("account", None),
        ("export_user", "somebody"),
        ("created_by", "somebody"),
        ("updated_at", "2026-01-01T00:00:00Z"),
    ],
)
def test_what_is_the_apps_own_can_not_be_changed(api: Api, member: str, value: Any) -> None:
    made = api("POST", "/api/connections", WISH)

    refused = api("PUT", "/api/connections/eu", made.json | {member: value}, if_match=made.headers["etag"])

    assert refused.status == 422
    assert f"/{member}" in pointers(refused)[0]
    assert api("GET", "/api/connections/eu").json == made.json


def test_a_lost_update_is_refused(api: Api) -> None:
    """Who changes a document has to know the version that is there."""
    made = api("POST", "/api/connections", WISH)
    changed = api("PUT", "/api/connections/eu", {"paused": True}, if_match=made.headers["etag"])

    stale = api("PUT", "/api/connections/eu", {"paused": False}, if_match=made.headers["etag"])
    blind = api("PUT", "/api/connections/eu", {"paused": False})

    assert changed.status == 200
    assert (stale.status, stale.json["code"]) == (412, "changed")
    assert (blind.status, blind.json["code"]) == (428, "if_match_required")
    assert api("PUT", "/api/connections/eu", {}, if_match="nonsense").status == 400
    assert api("PUT", "/api/connections/eu", {}, if_match=f'"other", {changed.headers["etag"]}').status == 200
    assert api("PUT", "/api/connections/eu", {}, if_match="*").status == 200


def test_another_key_takes_the_place_of_the_old_one(api: Api, world: World) -> None:
    """The old one is removed, since the app wrote it; a run reads the new one when it next needs it."""
    made = api("POST", "/api/connections", WISH)

    changed = api("POST", "/api/connections/eu/key", {"api_key": KEY})

    assert changed.status == 200
    assert changed.json["secret_name"] != made.json["secret_name"]
    assert set(secrets(world)) == {"klaviyo-sandbox", changed.json["secret_name"]}


@pytest.mark.parametrize("key", ["pk_wrong", "", "\u2028"])
def test_the_old_key_stays_until_the_new_one_has_passed(api: Api, world: World, key: str) -> None:
    made = api("POST", "/api/connections", WISH)

    refused = api("POST", "/api/connections/eu/key", {"api_key": key})

    assert refused.status in (400, 422)
    assert pointers(refused) == ["/api_key"]
    assert api("GET", "/api/connections/eu").json == made.json
    assert set(secrets(world)) == {"klaviyo-sandbox", made.json["secret_name"]}


def test_a_key_of_another_account_is_refused(api: Api, world: World) -> None:
    """Data for one company must not reach another."""
    made = api("POST", "/api/connections", WISH)
    scopes = frozenset({"accounts:read"})
    world.stand_in.add_account("OTHERS", "Others", keys={"pk_other": scopes})

    refused = api("POST", "/api/connections/eu/key", {"api_key": "pk_other"})

    assert (refused.status, pointers(refused)) == (422, ["/api_key"])
    assert "OTHERS" in refused.json["detail"]
    assert api("GET", "/api/connections/eu").json == made.json


def test_a_secret_that_the_app_did_not_write_stays(api: Api, world: World) -> None:
    """It may serve others."""
    changed = api("POST", "/api/connections/sandbox/key", {"api_key": KEY})
    assert set(secrets(world)) == {"klaviyo-sandbox", changed.json["secret_name"]}

    api("POST", "/api/connections/sandbox/detach")
    assert api("DELETE", "/api/connections/sandbox").status == 204
    assert set(secrets(world)) == {"klaviyo-sandbox"}


def test_a_connection_in_use_is_not_removed(api: Api, world: World) -> None:
    """The exports are named; detached, they keep all but the connection, and do not run."""
    before = api("GET", "/api/exports/vip").json

    refused = api("DELETE", "/api/connections/sandbox")
    detached = api("POST", "/api/connections/sandbox/detach")
    removed = api("DELETE", "/api/connections/sandbox")

    assert (refused.status, refused.json["code"]) == (409, "connection_in_use")
    assert refused.json["exports"] == [{"id": "vip", "display_name": before["display_name"]}]
    assert detached.json == {"exports": [{"id": "vip", "display_name": before["display_name"]}]}
    assert removed.status == 204
    after = api("GET", "/api/exports/vip").json
    kept = {k: v for k, v in before.items() if k not in ("connection", "state")}
    assert {k: v for k, v in after.items() if k in kept} == kept
    assert (after["connection"], after["state"]) == (None, "detached")
    run = api("POST", "/api/exports/vip/runs")
    assert (run.status, run.json["code"]) == (422, "no_connection")
    assert api("POST", "/api/runs").json == {"runs": [], "problems": []}
    assert api("GET", "/api/connections/sandbox").status == 404


def test_detaching_cancels_an_open_run(api: Api) -> None:
    """Nothing more is posted over the connection."""
    started = api("POST", "/api/exports/vip/runs", prefer="respond-async")
    api("POST", "/api/connections/sandbox/detach")
    api("POST", "/api/tick")

    run = api("GET", f"/api/runs/{started.json['id']}").json

    assert (run["status"], run["counts"]["sent"]) == ("canceled", 0)


def test_lists_are_shown_and_made(api: Api) -> None:
    """With their opt-in process, since it decides who gets mail."""
    made = api("POST", "/api/connections/sandbox/lists", {"name": "Made here"})
    shown = api("GET", "/api/connections/sandbox/lists")

    assert made.status == 201
    assert made.json["name"] == "Made here"
    assert made.json in shown.json["lists"]
    assert {"id": LIST, "name": "VIP", "opt_in": "single_opt_in"} in shown.json["lists"]


def test_a_broken_document_hides_no_other(api: Api, world: World) -> None:
    """Somebody has edited it by hand: administrators see what is wrong, contributors see the others."""
    world.services.state.write("connections/broken.json", b'{"id": "broken"')
    world.document("connections/sandbox.json", shared_with="contributors")

    shown = api("GET", "/api/connections")
    others = api("GET", "/api/connections", by=CARL)

    assert [each["id"] for each in shown.json["connections"]] == ["sandbox"]
    assert [each["code"] for each in shown.json["problems"]] == ["invalid_document"]
    assert others.json == {
        "connections": [{"id": "sandbox", "display_name": "Klaviyo sandbox", "state": "active"}],
        "next": None,
    }
    assert api("GET", "/api/connections/broken").status == 422


@pytest.mark.parametrize("bad", ["..%2Fexports%2Fvip", "%00", "EU", "a" * 64, "%E2%80%AE"])
def test_what_can_not_be_an_id_is_not_found(api: Api, bad: str) -> None:
    for method, path in (
        ("GET", f"/api/connections/{bad}"),
        ("DELETE", f"/api/connections/{bad}"),
        ("POST", f"/api/connections/{bad}/test"),
        ("GET", f"/api/exports/{bad}"),
        ("DELETE", f"/api/exports/{bad}"),
    ):
        assert api(method, path).status == 404


def test_a_segment_is_shown_with_its_members(api: Api) -> None:
    """The list counts nobody; one segment is counted, with the share of blank cells and without any cell."""
    listed = api("GET", "/api/segments").json["segments"]
    shown = api("GET", f"/api/segments/{SEGMENT}").json

    assert [(each["name"], each["members"]) for each in listed] == [(SEGMENT, None)]
    assert shown["members"] == 50
    assert {"name": "EMail", "type": "string", "blank": 0.0} in shown["columns"]
    assert api("GET", "/api/segments/None").status == 404


def test_a_key_of_another_account_is_refused_where_none_is_pinned_yet(api: Api, world: World) -> None:
    """The present key says which account it is."""
    scopes = frozenset({"accounts:read"})
    world.stand_in.add_account("OTHERS", "Others", keys={"pk_other": scopes})
    world.document("connections/sandbox.json", account=None)

    refused = api("POST", "/api/connections/sandbox/key", {"api_key": "pk_other"})
    taken = api("POST", "/api/connections/sandbox/key", {"api_key": KEY})

    assert (refused.status, pointers(refused)) == (422, ["/api_key"])
    assert taken.json["account"]["id"] == "SNDBOX"


@pytest.mark.parametrize("condition", ['junk"{}"', '"{}" junk', '"{}', "{}"])
def test_a_condition_that_is_no_list_of_versions_is_refused(api: Api, condition: str) -> None:
    etag = api("GET", "/api/connections/sandbox").headers["etag"].strip('"')
    wish = {"display_name": "Renamed"}

    assert api("PUT", "/api/connections/sandbox", wish, if_match=condition.format(etag)).status == 400


def test_a_name_can_not_become_blank(api: Api) -> None:
    refused = api("PUT", "/api/connections/sandbox", {"display_name": " "}, if_match="*")

    assert (refused.status, pointers(refused)) == (422, ["/display_name"])


def test_what_a_change_does_not_name_stays(api: Api) -> None:
    """Who renames a connection does not take it away from those with whom it is shared."""
    api("POST", "/api/connections", WISH | {"shared_with": "contributors"})

    renamed = api("PUT", "/api/connections/eu", {"display_name": "Renamed"}, if_match="*").json
    paused = api("PUT", "/api/connections/eu", {"paused": True}, if_match="*").json

    assert (renamed["display_name"], renamed["shared_with"]) == ("Renamed", "contributors")
    assert (paused["display_name"], paused["shared_with"]) == ("Renamed", "contributors")
