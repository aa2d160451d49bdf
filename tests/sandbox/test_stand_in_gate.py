"""What every request to the stand-in Klaviyo needs: key, headers, scopes."""

from collections.abc import Iterator

import httpx
import pytest

from sandbox.klaviyo import SCOPES, StandIn
from tests.support.klaviyo import HEADERS, JOBS, import_body, klaviyo_client, people


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    stand_in = StandIn(limits=False)
    for scope in SCOPES:
        name = scope.replace(":", "")
        stand_in.add_account(name, name, keys={f"pk_without_{scope}": SCOPES - {scope}})
    with klaviyo_client(stand_in) as client:
        yield client


@pytest.mark.parametrize(
    ("authorization", "code", "detail"),
    [
        (None, "not_authenticated", "Missing or invalid authorization scheme. Please use Klaviyo-API-Key."),
        ("Bearer x", "authentication_failed", "Incorrect authentication credentials."),
        (
            "Basic x",
            "not_authenticated",
            "Missing or invalid authorization scheme. Please use Klaviyo-API-Key.",
        ),
        ("Klaviyo-API-Key pk_wrong", "authentication_failed", "Incorrect authentication credentials."),
    ],
)
def test_a_request_needs_a_known_key(
    client: httpx.Client, authorization: str | None, code: str, detail: str
) -> None:
    """A missing key and a wrong one get different errors, as in recorded responses."""
    headers = {name: value for name, value in HEADERS.items() if name != "Authorization"}
    if authorization is not None:
        headers["Authorization"] = authorization
    response = httpx.get(client.base_url.join("/api/accounts"), headers=headers)
    [error] = response.json()["errors"]
    assert (response.status_code, error["status"]) == (401, 401)
    assert (error["code"], error["detail"], error["source"]) == (code, detail, {"pointer": "/data/"})


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("revision", "", 400),
        ("revision", "newest", 400),
        ("revision", "2026-10", 400),
        ("revision", "2026-07-15.pre", 202),
        ("Accept", "application/json", 406),
        ("Accept", "*/*", 202),
        ("Content-Type", "application/json", 415),
        ("Content-Type", "application/vnd.api+json; charset=utf-8", 202),
        ("Content-Encoding", "gzip", 415),
    ],
)
def test_headers_are_checked(client: httpx.Client, header: str, value: str, status: int) -> None:
    """A revision of the known form, and JSON:API both ways, uncompressed."""
    response = client.post(JOBS, json=import_body(*people(1)), headers={header: value})
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/vnd.api+json"


@pytest.mark.parametrize(("opted_out", "status"), [("1", 410), ("0", 202), ("", 202)])
def test_a_retired_revision(client: httpx.Client, opted_out: str, status: int) -> None:
    """It is treated as a newer one, unless the client opts out."""
    headers = {"revision": "2024-10-15", "X-Klaviyo-Revision-Fall-Forward-Opt-Out": opted_out}

    assert client.post(JOBS, json=import_body(*people(1)), headers=headers).status_code == status


@pytest.mark.parametrize(
    ("method", "path", "scopes"),
    [
        ("POST", JOBS, ["lists:write", "profiles:write"]),
        ("GET", JOBS, ["lists:read", "profiles:read"]),
        ("GET", f"{JOBS}/x", ["lists:read", "profiles:read"]),
        ("GET", f"{JOBS}/x/import-errors", ["profiles:read"]),
        ("GET", f"{JOBS}/x/relationships/profiles", ["profiles:read"]),
        ("GET", "/api/lists", ["lists:read"]),
        ("POST", "/api/lists", ["lists:write"]),
        ("GET", "/api/lists/x", ["lists:read"]),
        ("GET", "/api/lists/x/profiles", ["lists:read", "profiles:read"]),
        ("GET", "/api/lists/x/relationships/profiles", ["lists:read", "profiles:read"]),
        ("POST", "/api/lists/x/relationships/profiles", ["lists:write", "profiles:write"]),
        ("DELETE", "/api/lists/x/relationships/profiles", ["lists:write", "profiles:write"]),
        ("GET", "/api/profiles", ["profiles:read"]),
        ("GET", "/api/accounts", ["accounts:read"]),
        ("GET", "/api/lists/x/flow-triggers", ["flows:read", "lists:read"]),
        (
            "POST",
            "/api/profile-subscription-bulk-create-jobs",
            ["lists:write", "profiles:write", "subscriptions:write"],
        ),
        ("POST", "/api/data-privacy-deletion-jobs", ["data-privacy:write"]),
        ("GET", "/api/billing-usage", ["usage:read"]),
    ],
)
def test_a_missing_scope_is_named(client: httpx.Client, method: str, path: str, scopes: list[str]) -> None:
    """Each endpoint needs exactly its scopes; a 403 names the one that the key lacks."""
    for scope in SCOPES:
        authorization = f"Klaviyo-API-Key pk_without_{scope}"
        response = client.request(method, path, headers={"Authorization": authorization})
        if scope in scopes:
            [error] = response.json()["errors"]
            assert response.status_code == 403
            assert error["code"] == "permission_denied"
            assert error["detail"] == f"Your API key is missing required scopes: {scope}"
        else:
            assert response.status_code != 403


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/nothing"), ("PUT", "/api/lists"), ("GET", "/")])
def test_an_unknown_path_is_a_404_in_json(client: httpx.Client, method: str, path: str) -> None:
    """An unknown path also responds with JSON:API."""
    response = client.request(method, path)
    assert response.status_code == 404
    assert response.json()["errors"][0]["code"] == "not_found"


@pytest.mark.parametrize("path", ["/api/accounts", "/api/lists", JOBS])
def test_a_trailing_slash_changes_nothing(client: httpx.Client, path: str) -> None:
    """Both forms are answered, without a redirect."""
    assert client.get(path).json()["data"] == client.get(f"{path}/").json()["data"]
