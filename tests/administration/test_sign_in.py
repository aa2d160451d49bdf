"""Signing in at Klaviyo over HTTP: begun by an administrator, agreed to at Klaviyo, ended by the callback."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sandbox.klaviyo import SCOPES, Fault
from sandbox.sample import example_documents
from shared.administration.rights import Person, Role
from shared.administration.secrets import OTHERS_SECRET
from tests.administration.conftest import ADA, CARL, VERA, Answered, Api
from tests.support.signing_in import SECRET, SETTINGS, click, query_of
from tests.support.world import LIST, SEGMENT, World

WISH = {"id": "eu", "display_name": "Klaviyo EU", "sign_in": "oauth", "consent": True}
BERT = Person("bert@example.org", Role.ADMINISTRATOR, "00000000-0000-4000-8000-00000000be27")
START = {"klaviyo-sandbox": "pk_sandbox", "klaviyo-client-secret": SECRET}


@pytest.fixture(autouse=True)
def _ready(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test finds the example's documents, and an app that people can sign in to."""
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    world.secrets(START)
    if "OTHER" not in world.stand_in.accounts:
        world.stand_in.add_account("OTHER", "Other", keys={})
    yield
    state = world.services.state
    for folder in ("connections/", "exports/", "heads/", "locks/"):
        for blob in list(state.list(folder)):
            state.delete(blob.name)
    for name in example_documents():
        world.document(name)
    world.stand_in.faults.clear()


def secrets(world: World) -> dict[str, str]:
    """What the vault has beside what it had at the start."""
    found: dict[str, str] = json.loads(world.services.settings.secrets_file.read_text())
    return {name: value for name, value in found.items() if name not in (*START, "digest-key")}


def callback(location: str) -> str:
    """The path of a redirect, which goes to the address of the settings."""
    assert location.startswith("http://127.0.0.1:7071/api/oauth/callback?")
    return location.removeprefix("http://127.0.0.1:7071")


def begin(api: Api) -> str:
    made = api("POST", "/api/connections", WISH)
    assert made.status == 201, made.json
    url: str = made.json["authorize_url"]
    return url


def connect(api: Api) -> Answered:
    answered = api("GET", callback(click(begin(api))))
    assert answered.status == 200, answered.json
    return answered


def shown(api: Api) -> dict[str, Any]:
    document: dict[str, Any] = api("GET", "/api/connections/eu").json
    return document


def test_somebody_signs_in(api: Api, world: World) -> None:
    """The connection is there before, without an account; then it has one, and opens it."""
    url = begin(api)
    before = shown(api)
    assert (before["state"], before.get("account"), secrets(world)) == ("not_connected", None, {})
    query = query_of(url)
    assert query["redirect_uri"] == "http://127.0.0.1:7071/api/oauth/callback"
    assert set(query["scope"].split()) == SCOPES

    answered = api("GET", callback(click(url)))

    assert answered.status == 200
    document = shown(api)
    assert answered.json == document
    assert document["state"] == "active"
    assert document["account"] == {"id": "SNDBOX", "name": "Sandbox"}
    assert document["secret_name"] != before["secret_name"]
    ((name, secret),) = secrets(world).items()
    assert name == document["secret_name"]
    assert set(json.loads(secret)) == {"access_token", "refresh_token", "expires_at", "scope"}
    tested = api("POST", "/api/connections/eu/test")
    assert (tested.status, tested.json["account"]["id"]) == (200, "SNDBOX")
    assert [each["id"] for each in api("GET", "/api/connections/eu/lists").json["lists"]] == [LIST]


def test_an_export_runs_over_it(api: Api, world: World) -> None:
    """As over any connection."""
    connect(api)
    wish = example_documents()["exports/vip.json"] | {"id": "people", "connection": "eu"}
    made = api("POST", "/api/exports", wish)
    assert made.status == 201, made.json

    run = api("POST", "/api/exports/people/runs", prefer="wait=60")

    assert (run.status, run.json["error"]) == (200, None)
    assert run.json["counts"]["imported"] == len(world.members()) > 0
    assert run.json["segments"][0]["name"] == SEGMENT


def test_both_changes_are_in_the_audit(api: Api) -> None:
    """That the connection was added, and that somebody signed in; with the members that changed."""
    connect(api)

    entries = api("GET", "/api/audit?document=connections/eu&limit=2").json["audit"]

    assert [entry["action"] for entry in entries] == ["connections.sign_in", "connections.add"]
    assert entries[0]["changed"] == ["account", "revoked", "secret_name"]
    assert {entry["outcome"] for entry in entries} == {"done"}
    assert {entry["who"]["object_id"] for entry in entries} == {ADA.object_id}


def test_somebody_signs_in_again(api: Api, world: World) -> None:
    """The tokens get another secret, and the old one goes."""
    before = connect(api).json["secret_name"]

    begun = api("POST", "/api/connections/eu/sign-in")
    assert (begun.status, set(begun.json)) == (200, {"authorize_url", "expires_at"})
    assert list(secrets(world)) == [before]
    again = api("GET", callback(click(begun.json["authorize_url"])))

    assert again.status == 200
    assert list(secrets(world)) == [again.json["secret_name"]] != [before]


@pytest.mark.parametrize("state", ["", "another", "x" * 5_000])
def test_a_state_that_nobody_began_is_refused(api: Api, world: World, state: str) -> None:
    """Whatever the code."""
    given = query_of(click(begin(api)))

    refused = api("GET", f"/api/oauth/callback?code={given['code']}&state={state}")

    assert (refused.status, refused.json["code"]) == (400, "unknown_state")
    assert secrets(world) == {}
    assert shown(api)["state"] == "not_connected"


def test_a_callback_counts_once(api: Api, world: World) -> None:
    """Who comes again with the same state and code changes nothing, and asks Klaviyo nothing."""
    path = callback(click(begin(api)))
    assert api("GET", path).status == 200
    before = secrets(world), shown(api)
    world.stand_in.requests.clear()

    again = api("GET", path)

    assert (again.status, again.json["code"]) == (400, "unknown_state")
    assert not world.stand_in.requests
    assert (secrets(world), shown(api)) == before


def test_a_code_counts_once(api: Api, world: World) -> None:
    """One that was used belongs to no other sign-in either: PKCE holds it to its own."""
    used = query_of(click(begin(api)))
    assert api("GET", f"/api/oauth/callback?code={used['code']}&state={used['state']}").status == 200
    before = secrets(world)
    fresh = api("POST", "/api/connections/eu/sign-in").json["authorize_url"]

    refused = api("GET", f"/api/oauth/callback?code={used['code']}&state={query_of(fresh)['state']}")

    assert (refused.status, refused.json["code"]) == (400, "sign_in_refused")
    assert secrets(world) == before


@pytest.mark.parametrize("by", [BERT, Person("ada@example.org", Role.ADMINISTRATOR)])
def test_nobody_ends_what_another_began(api: Api, world: World, by: Person) -> None:
    """Nor somebody of the same name; and who began it still can."""
    path = callback(click(begin(api)))

    refused = api("GET", path, by=by)

    assert (refused.status, refused.json["code"]) == (400, "not_your_sign_in")
    assert secrets(world) == {}
    assert api("GET", path).status == 200


@pytest.mark.parametrize("by", [CARL, VERA, None], ids=["contributor", "viewer", "operator"])
def test_only_administrators_sign_in(api: Api, by: Person | None) -> None:
    """Rights come before everything: nothing is used up."""
    path = callback(click(begin(api)))

    for method, where in (("POST", "/api/connections/eu/sign-in"), ("GET", path)):
        assert api(method, where, by=by).status == 403

    assert api("GET", path).status == 200


def test_who_denies_changes_nothing(api: Api, world: World) -> None:
    """And has to begin again."""
    path = callback(click(begin(api), "deny"))

    refused = api("GET", path)

    assert (refused.status, refused.json["code"]) == (400, "sign_in_refused")
    assert "denied" in refused.json["detail"]
    assert secrets(world) == {}
    assert api("GET", path).json["code"] == "unknown_state"


def test_another_account_is_refused(api: Api, world: World) -> None:
    """The connection keeps what it has, and the tokens of the other account are revoked."""
    before = connect(api).json
    kept = secrets(world)
    url = api("POST", "/api/connections/eu/sign-in").json["authorize_url"]

    refused = api("GET", callback(click(url, account="OTHER")))

    assert (refused.status, refused.json["code"]) == (422, "wrong_account")
    assert (secrets(world), shown(api)) == (kept, before)
    assert not [grant for grant in world.stand_in.oauth.grants.values() if grant.account == "OTHER"]


@pytest.mark.parametrize("kind", ["cut", "html", "garbage", "redirect"])
def test_klaviyo_away_changes_nothing(api: Api, world: World, kind: Any) -> None:
    """Whatever answers in its place."""
    path = callback(click(begin(api)))
    world.stand_in.faults.add([Fault(kind, path="/oauth/token", status=503)])

    refused = api("GET", path)

    assert refused.status == 503
    assert secrets(world) == {}
    assert shown(api)["state"] == "not_connected"


def test_a_connection_with_a_key_is_not_signed_in_to(api: Api) -> None:
    """It gets another key instead; and one with OAuth gets no key."""
    refused = api("POST", "/api/connections/sandbox/sign-in")
    assert (refused.status, refused.json["problems"][0]["pointer"]) == (422, "/sign_in")

    begin(api)
    refused = api("POST", "/api/connections/eu/key", {"api_key": "pk_sandbox"})
    assert (refused.status, refused.json["problems"][0]["pointer"]) == (422, "/sign_in")


@pytest.mark.parametrize("given", [{"api_key": "pk_sandbox"}, {"secret_name": "klaviyo-sandbox"}])
def test_a_key_has_no_use_with_oauth(api: Api, given: dict[str, str]) -> None:
    """Somebody has mixed two things up."""
    refused = api("POST", "/api/connections", WISH | given)

    assert (refused.status, refused.json["problems"][0]["pointer"]) == (422, f"/{next(iter(given))}")


@pytest.mark.parametrize("name", ["klaviyo-client-secret", "Klaviyo-Client-Secret"])
def test_the_apps_own_secret_is_no_connections(api: Api, name: str) -> None:
    """Nobody sends it to Klaviyo as a key."""
    wish = {"id": "sly", "display_name": "Sly", "consent": True, "secret_name": name}

    refused = api("POST", "/api/connections", wish)

    assert (refused.status, refused.json["problems"]) == (
        422,
        [{"pointer": "/secret_name", "message": OTHERS_SECRET}],
    )


@pytest.mark.parametrize("change", [{"sign_in": "api_key"}, {"revoked": True}, {"secret_name": "other"}])
def test_how_a_connection_signs_in_is_the_apps_own(api: Api, change: dict[str, Any]) -> None:
    """A PUT has it as it is, or not at all."""
    read = api("GET", "/api/connections/eu") if connect(api) else None
    assert read is not None

    refused = api("PUT", "/api/connections/eu", read.json | change, if_match=read.headers["etag"])

    assert (refused.status, refused.json["problems"][0]["pointer"]) == (422, f"/{next(iter(change))}")
    kept = api("PUT", "/api/connections/eu", read.json, if_match=read.headers["etag"])
    assert kept.status == 200


@pytest.mark.parametrize("missing", ["KLAVIYO_CLIENT_ID", "PUBLIC_URL"])
def test_nobody_signs_in_without_the_settings(
    api: Api, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no connection is left behind that nobody can sign in to."""
    monkeypatch.delenv(missing)

    refused = api("POST", "/api/connections", WISH)

    (problem,) = refused.json["problems"]
    assert (refused.status, problem["pointer"]) == (422, "/sign_in")
    assert missing in problem["message"]
    assert api("GET", "/api/connections/eu").status == 404


def test_a_host_header_changes_no_redirect(api: Api) -> None:
    """Who sets it could have the code sent elsewhere."""
    begin(api)

    begun = api("POST", "/api/connections/eu/sign-in", host="evil.example.org")

    query = query_of(begun.json["authorize_url"])
    assert query["redirect_uri"] == "http://127.0.0.1:7071/api/oauth/callback"


def test_who_removes_a_connection_ends_its_sign_in(api: Api, world: World) -> None:
    """At Klaviyo too; the secret goes."""
    connect(api)
    ((_, secret),) = secrets(world).items()

    assert api("DELETE", "/api/connections/eu").status == 204

    assert secrets(world) == {}
    assert json.loads(secret)["refresh_token"] not in world.stand_in.oauth.grants
    token = {"Authorization": f"Bearer {json.loads(secret)['access_token']}", "revision": "2026-10-15"}
    accounts = f"{world.services.settings.klaviyo_url}/api/accounts"
    assert httpx.get(accounts, headers=token).status_code == 401


def test_no_answer_has_a_token(api: Api, world: World) -> None:
    """Nor a code, nor the app's secret; whether or not it goes well."""
    url = begin(api)
    path = callback(click(url))
    answers = [api("GET", path), api("GET", path)]
    world.stand_in.oauth.access.clear()
    answers += [api("POST", "/api/connections/eu/test"), api("GET", "/api/connections/eu/lists")]
    world.stand_in.oauth.uninstall("SNDBOX")
    answers += [api("GET", "/api/connections/eu/lists"), api("GET", "/api/connections")]
    begun = api("POST", "/api/connections/eu/sign-in")
    world.stand_in.faults.add([Fault("error", path="/oauth/token", status=401)])
    answers += [begun, api("GET", callback(click(begun.json["authorize_url"])))]
    answers += [api("GET", "/api/audit?limit=100"), api("DELETE", "/api/connections/eu")]

    assert [answer.status for answer in answers] == [200, 400, 200, 200, 422, 200, 200, 422, 200, 204]
    for answer in answers:
        told = f"{answer.body!r} {dict(answer.headers)}"
        assert not re.search("sandbox-(access|refresh|code|app-secret)", told), told


def test_a_connection_goes_although_klaviyo_is_away(api: Api, world: World) -> None:
    """That its sign-in can't be ended there is no reason to keep it."""
    connect(api)
    world.stand_in.faults.add([Fault("error", path="/oauth/revoke", status=503, nth=None)])

    assert api("DELETE", "/api/connections/eu").status == 204

    assert secrets(world) == {}
