"""What other processes see of the stand-in Klaviyo and script over HTTP."""

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
    """Profiles and members, jobs with their counts, requests by endpoint and status."""
    client.post(JOBS, json=import_body(*people(2), *people(1)))
    client.post(JOBS, json=import_body({"email": "nobody"}))
    client.get(f"/api/lists/{LIST}/")
    client.get("/api/nothing")
    state = client.get("/sandbox/state").json()
    [account] = state["accounts"]
    [job] = account.pop("jobs")
    assert account == {
        "id": "SNDBOX",
        "name": "Sandbox",
        "profiles": 2,
        "lists": [{"id": LIST, "name": "VIP", "profiles": 2}],
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
    assert members[-1].items() >= {"email": "a@example.org", "phone_number": "+15005550006"}.items()
    assert client.get("/sandbox/lists/NoList/members").status_code == 404


def test_a_profile_shows_what_is_kept(client: httpx.Client) -> None:
    """A profile is found by its email, with its attributes."""
    client.post(JOBS, json=import_body({"email": "a+b@example.org", "first_name": "A"}))
    profile = client.get("/sandbox/profiles/a+b@example.org").json()
    assert (profile["email"], profile["attributes"]) == ("a+b@example.org", {"first_name": "A"})
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


def test_accounts_are_added_over_http(client: httpx.Client) -> None:
    """A new key opens a new account, with the scopes and lists it was given."""
    new = {"id": "Other1", "name": "Other", "keys": {"pk_other": ["lists:read"]}, "lists": {"Other2": "VIP"}}
    assert client.post("/sandbox/accounts", json=new).status_code == 204
    client.headers["Authorization"] = "Klaviyo-API-Key pk_other"
    assert client.get("/api/lists/Other2").status_code == 200
    assert client.get("/api/profiles").status_code == 403
    assert client.post("/sandbox/accounts", json={"id": "Other1"}).status_code == 400


def test_the_log_holds_no_query_and_no_body(client: httpx.Client) -> None:
    """What was asked and answered, in order, and nothing of anybody."""
    body = json.dumps(import_body(*people(5_000))).encode()
    client.post(JOBS, content=body)
    for _ in range(2):
        client.get("/api/accounts", params={"filter": 'any(email,["person0@example.org"])'})
    now = Clock().now
    assert client.get("/sandbox/requests").json()["requests"] == [
        {
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
