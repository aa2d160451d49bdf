"""How other processes inspect and script the stand-in Klaviyo over HTTP."""

import json
from collections.abc import Iterator

import httpx
import pytest

from sandbox.klaviyo import StandIn
from tests.support.klaviyo import JOBS, LIST, Clock, import_body, klaviyo_client, people


@pytest.fixture
def stand_in() -> StandIn:
    return StandIn(clock=Clock(), keep_attributes=True)


@pytest.fixture
def client(stand_in: StandIn) -> Iterator[httpx.Client]:
    with klaviyo_client(stand_in) as client:
        yield client


def test_the_state_counts(client: httpx.Client) -> None:
    """Profiles, consent and members, jobs with their counts, requests by endpoint and status."""
    client.post(JOBS, json=import_body(*people(2), *people(1)))
    client.post(JOBS, json=import_body({"email": "nobody"}))
    client.get(f"/api/lists/{LIST}/")
    client.get("/api/nothing")
    client.post("/sandbox/profiles/person0@example.org/suppressions")
    state = client.get("/sandbox/state").json()
    [account] = state["accounts"]
    [job] = account.pop("jobs")
    assert account == {
        "id": "SNDBOX",
        "name": "Sandbox",
        "profiles": 2,
        "consent": {"UNSUBSCRIBED": 1},
        "lists": [{"id": LIST, "name": "VIP", "profiles": 2, "opt_in_process": "single_opt_in", "flows": []}],
    }
    assert (job["list"], job["status"], job["total"]) == (LIST, "complete", 3)
    assert (job["imported"], job["failed"], job["merged"]) == (2, 0, 1)
    assert state["requests"] == {
        f"POST {JOBS}": {"202": 1, "400": 1},
        "GET /api/lists/{id}": {"200": 1},
        "GET /api/nothing": {"404": 1},
    }


def test_members_are_lines(client: httpx.Client) -> None:
    """Each member of a list on a line of its own, also beyond one chunk."""
    for start in (0, 9_000):
        client.post(JOBS, json=import_body(*people(start + 5_000)[start:]))
    client.post(JOBS, json=import_body({"email": "a@example.org", "phone_number": "+15005550006"}))
    members = [json.loads(line) for line in client.get(f"/sandbox/lists/{LIST}/members").iter_lines()]
    assert len(members) == 10_001
    assert members[0]["email"] == "person0@example.org"
    assert members[-1].pop("id")
    assert members[-1] == {
        "email": "a@example.org",
        "phone_number": "+15005550006",
        "external_id": None,
        "joined_group_at": "2024-10-04T00:00:00+00:00",
        "consent": "NEVER_SUBSCRIBED",
    }
    assert client.get("/sandbox/lists/NoList/members").status_code == 404


def test_a_profile_shows_what_is_kept(client: httpx.Client) -> None:
    """A profile is found by its email or id, with its addresses, attributes, lists and consent."""
    client.post(JOBS, json=import_body({"email": "a+b@example.org", "first_name": "A"}))
    client.post("/sandbox/profiles/a+b@example.org/suppressions", json={"reason": "HARD_BOUNCE"})
    profile = client.get("/sandbox/profiles/a+b@example.org").json()
    assert client.get(f"/sandbox/profiles/{profile.pop('id')}").json().items() > profile.items()
    assert profile == {
        "email": "a+b@example.org",
        "phone_number": None,
        "external_id": None,
        "emails": ["a+b@example.org"],
        "attributes": {"first_name": "A"},
        "lists": [LIST],
        "consent": {
            "email": "NEVER_SUBSCRIBED",
            "consented_at": None,
            "custom_source": None,
            "suppressions": ["HARD_BOUNCE"],
        },
    }
    assert client.get("/sandbox/profiles/no@example.org").status_code == 404


def test_faults_are_scripted_over_http(client: httpx.Client) -> None:
    """Faults are added, strike, and are forgotten; one that doesn't exist is refused."""
    faults = [{"kind": "error", "status": 500, "nth": None}]
    assert client.post("/sandbox/faults", json=faults).status_code == 204
    assert client.get(JOBS).status_code == 500
    assert client.delete("/sandbox/faults").status_code == 204
    assert client.get(JOBS).status_code == 200
    for wrong in ([{"kind": "earthquake"}], [{"kind": "cut", "when": "now"}], {"kind": "cut"}):
        assert client.post("/sandbox/faults", json=wrong).status_code == 400


def test_accounts_are_added_over_http(stand_in: StandIn, client: httpx.Client) -> None:
    """A new key opens a new account, with the scopes, lists and plan it was given."""
    new: dict[str, object] = {
        "id": "Other1",
        "name": "Other",
        "keys": {"pk_other": ["lists:read"]},
        "lists": {"Other2": "VIP"},
    }
    new["plan"] = 7
    assert client.post("/sandbox/accounts", json=new).status_code == 204
    client.headers["Authorization"] = "Klaviyo-API-Key pk_other"
    assert client.get("/api/lists/Other2").status_code == 200
    assert client.get("/api/profiles").status_code == 403
    assert stand_in.accounts["Other1"].plan == 7
    assert client.post("/sandbox/accounts", json={"id": "Other1"}).status_code == 400


def test_people_are_changed_by_hand_over_http(stand_in: StandIn, client: httpx.Client) -> None:
    """Merge, primary address, suppression, deletion, joining and leaving."""
    client.post(JOBS, json=import_body(*people(4)))
    members = f"/sandbox/lists/{LIST}/members"
    for method, path, body in (
        ("POST", "/sandbox/merges", {"source": "person0@example.org", "destination": "person1@example.org"}),
        ("PUT", "/sandbox/profiles/person1@example.org/primary", {"email": "new@example.org"}),
        ("POST", "/sandbox/profiles/person2@example.org/suppressions", {"list": LIST}),
        ("DELETE", "/sandbox/profiles/person3@example.org", None),
        ("POST", members, {"email": "stranger@example.org"}),
        ("POST", members, {"email": "guest@example.org"}),
        ("DELETE", f"{members}/guest@example.org", None),
    ):
        assert client.request(method, path, json=body).status_code == 204
    assert [member.email for member in stand_in.members(LIST)] == ["new@example.org", "stranger@example.org"]
    account, profile = stand_in.find("person0@example.org")
    assert account.profiles.emails(profile) == [
        f"{name}@example.org" for name in ("new", "person1", "person0")
    ]
    assert {consent.email for consent in account.consents.values()} == {"UNSUBSCRIBED"}
    assert len(account.profiles) == 4


def test_what_is_not_there_is_not_changed(client: httpx.Client) -> None:
    """404 for an unknown profile or list, 400 for a body that is not valid or not possible."""
    client.post(JOBS, json=import_body(*people(2)))
    someone, nobody = (f"/sandbox/profiles/{name}@example.org" for name in ("person0", "nobody"))
    for method, path, body, status in (
        ("DELETE", nobody, None, 404),
        ("PUT", f"{nobody}/primary", {"email": "a@example.org"}, 404),
        ("PUT", f"{someone}/primary", {"email": "person1@example.org"}, 400),
        ("PUT", f"{someone}/primary", {}, 400),
        ("POST", f"{someone}/suppressions", {"list": "NoList"}, 404),
        ("POST", f"{someone}/suppressions", {"reason": "BORED"}, 400),
        ("POST", "/sandbox/merges", {"source": "x", "destination": "y"}, 404),
        ("POST", "/sandbox/lists/NoList/members", {"email": "a@example.org"}, 404),
        ("PATCH", "/sandbox/lists/NoList", {}, 404),
        ("PATCH", f"/sandbox/lists/{LIST}", {"opt_in_process": "none"}, 400),
        ("PATCH", "/sandbox/switches", {"lights": True}, 400),
    ):
        assert client.request(method, path, json=body).status_code == status, path


def test_lists_and_switches_are_scripted_over_http(stand_in: StandIn, client: httpx.Client) -> None:
    """Named members change, the others do not."""
    path = f"/sandbox/lists/{LIST}"
    for change in ({"opt_in_process": "double_opt_in"}, {"flows": ["Welcome"]}, {}):
        assert client.patch(path, json=change).status_code == 204
    listed = stand_in.accounts["SNDBOX"].lists[LIST]
    assert (listed.opt_in_process, listed.flows) == ("double_opt_in", ["Welcome"])
    for switch in ({"secondary_addresses_found": True}, {"unknown_ids_ignored": True}, {}):
        assert client.patch("/sandbox/switches", json=switch).status_code == 204
    assert (stand_in.secondary_addresses_found, stand_in.unknown_ids_ignored) == (True, True)
    assert client.patch("/sandbox/switches", json={"unknown_ids_ignored": False}).status_code == 204
    assert (stand_in.secondary_addresses_found, stand_in.unknown_ids_ignored) == (True, False)


def test_the_log_holds_no_query_and_no_body(client: httpx.Client) -> None:
    """It has requests and statuses, in order, and no personal data."""
    body = json.dumps(import_body(*people(5_000))).encode()
    client.post(JOBS, content=body)
    for _ in range(2):
        client.get("/api/accounts", params={"filter": 'any(email,["person0@example.org"])'})
    now = Clock().now
    assert client.get("/sandbox/requests").json()["requests"] == [
        {
            "arrived": now,
            "time": now,
            "method": method,
            "path": path,
            "endpoint": f"{method} {path}",
            "status": status,
            "size": size,
            "retry_after": retry_after,
        }
        for method, path, status, size, retry_after in [
            ("POST", JOBS, 202, len(body), None),
            ("GET", "/api/accounts", 200, 0, None),
            ("GET", "/api/accounts", 429, 0, 1),
        ]
    ]
