"""The stand-in's OAuth: the page, codes with PKCE, tokens and how they end."""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sandbox.klaviyo import SCOPES, StandIn
from tests.support.klaviyo import HEADERS, Clock, klaviyo_client
from tests.support.signing_in import CLIENT, SECRET, click, query_of

VERIFIER = "a-verifier-that-is-long-enough-for-anybody-to-be-happy-with"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
HERE = "http://127.0.0.1:1/api/oauth/callback"
ASKED = {
    "response_type": "code",
    "client_id": CLIENT,
    "redirect_uri": HERE,
    "scope": "accounts:read lists:read",
    "state": "s&t<a>te",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stand_in(clock: Clock) -> StandIn:
    return StandIn(clock=clock)


@pytest.fixture
def client(stand_in: StandIn) -> Iterator[httpx.Client]:
    with klaviyo_client(stand_in) as client:
        yield client


def agreed(client: httpx.Client, decision: str = "allow", **asked: str) -> dict[str, str]:
    url = client.build_request("GET", "/oauth/authorize", params=ASKED | asked).url
    location = click(str(url), decision)
    assert location.startswith(f"{HERE}?")
    return query_of(location)


def call(
    client: httpx.Client, form: dict[str, str], path: str = "token", auth: tuple[str, str] = (CLIENT, SECRET)
) -> httpx.Response:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return client.post(f"/oauth/{path}", data=form, auth=auth, headers=headers)


def exchange(client: httpx.Client, code: str, **form: str) -> httpx.Response:
    whole = {"grant_type": "authorization_code", "redirect_uri": HERE, "code_verifier": VERIFIER}
    return call(client, whole | {"code": code} | form)


def refresh(client: httpx.Client, token: str) -> httpx.Response:
    return call(client, {"grant_type": "refresh_token", "refresh_token": token})


def tokens(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = exchange(client, agreed(client)["code"]).raise_for_status().json()
    return found


def lists(client: httpx.Client, token: str) -> int:
    return client.get("/api/lists", headers={"Authorization": f"Bearer {token}"}).status_code


def test_who_allows_gets_a_code_and_who_denies_an_error(client: httpx.Client) -> None:
    """The redirect has the state unchanged."""
    assert agreed(client)["state"] == ASKED["state"]
    assert agreed(client, "deny") == {"error": "access_denied", "state": ASKED["state"]}


def test_the_page_shows_nothing_as_html(client: httpx.Client) -> None:
    """This holds for anything that an app requests."""
    page = client.get("/oauth/authorize", params=ASKED).text
    assert "<a>te" not in page
    assert "<script" not in page


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "another"},
        {"response_type": "token"},
        {"code_challenge_method": "plain"},
        {"code_challenge": "short"},
        {"scope": "everything"},
        {"state": ""},
        {"redirect_uri": "javascript:alert(1)"},
    ],
)
def test_what_an_app_may_not_ask_is_refused(client: httpx.Client, change: dict[str, str]) -> None:
    """The page and its form refuse it, without a redirect."""
    assert client.get("/oauth/authorize", params=ASKED | change).status_code == 400
    form = ASKED | change | {"decision": "allow", "account": "SNDBOX"}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.post("/oauth/authorize", data=form, headers=headers).status_code == 400


def test_a_code_gets_tokens_for_what_was_allowed(client: httpx.Client) -> None:
    """And nothing beyond."""
    given = tokens(client)

    assert given["scope"] == ASKED["scope"]
    assert given["expires_in"] == 3_600
    assert lists(client, given["access_token"]) == 200
    refused = client.get("/api/profiles", headers={"Authorization": f"Bearer {given['access_token']}"})
    assert refused.status_code == 403


@pytest.mark.parametrize("change", [{"code_verifier": "another"}, {"redirect_uri": f"{HERE}/"}])
def test_a_code_is_bound(client: httpx.Client, change: dict[str, str]) -> None:
    """To its verifier and its redirect; a try uses it up."""
    code = agreed(client)["code"]

    refused = exchange(client, code, **change)

    assert (refused.status_code, refused.json()) == (400, {"error": "invalid_grant"})
    assert exchange(client, code).status_code == 400


def test_a_code_counts_once_and_for_five_minutes(client: httpx.Client, clock: Clock) -> None:
    """Later it is refused."""
    code = agreed(client)["code"]
    assert [exchange(client, code).status_code for _ in range(2)] == [200, 400]

    code = agreed(client)["code"]
    clock.now += 300
    assert exchange(client, code).status_code == 400


@pytest.mark.parametrize("auth", [(CLIENT, "wrong"), ("another", SECRET)])
def test_only_the_app_itself_gets_tokens(client: httpx.Client, auth: tuple[str, str]) -> None:
    """By its id and its secret."""
    refused = call(client, {"grant_type": "refresh_token", "refresh_token": "x"}, auth=auth)
    assert (refused.status_code, refused.json()) == (401, {"error": "invalid_client"})


def test_a_token_lives_for_an_hour(client: httpx.Client, clock: Clock) -> None:
    """And a refresh brings another one, which ends the one before."""
    first = tokens(client)
    clock.now += 3_599
    assert lists(client, first["access_token"]) == 200
    second = refresh(client, first["refresh_token"]).json()
    assert lists(client, first["access_token"]) == 401
    clock.now += 3_600
    assert lists(client, second["access_token"]) == 401


@pytest.mark.parametrize("replaced", [True, False])
def test_a_refresh_token_is_replaced_or_not(client: httpx.Client, replaced: bool) -> None:
    """The switch decides."""
    client.patch("/sandbox/switches", json={"refresh_tokens_replaced": replaced}).raise_for_status()
    first = tokens(client)["refresh_token"]

    second = refresh(client, first).json()["refresh_token"]

    assert (second != first) == replaced
    assert refresh(client, first).status_code == (400 if replaced else 200)


def test_a_refresh_token_ends_unused_after_90_days(client: httpx.Client, clock: Clock) -> None:
    """Each use restarts the 90 days."""
    token = tokens(client)["refresh_token"]
    for _ in range(2):
        clock.now += 89 * 86_400
        token = refresh(client, token).json()["refresh_token"]
    clock.now += 91 * 86_400
    assert refresh(client, token).status_code == 400


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_revoked_sign_in_is_over(client: httpx.Client, kind: str) -> None:
    """Whichever of its tokens is revoked."""
    given = tokens(client)

    assert call(client, {"token": given[kind]}, "revoke").status_code == 200

    assert lists(client, given["access_token"]) == 401
    assert refresh(client, given["refresh_token"]).json() == {"error": "invalid_grant"}
    assert call(client, {"token": given[kind]}, "revoke").status_code == 200


def test_an_app_has_limits_of_its_own(client: httpx.Client) -> None:
    """Its requests do not use up the limits of keys."""
    token = {"Authorization": f"Bearer {tokens(client)['access_token']}"}

    def statuses(headers: dict[str, str]) -> list[int]:
        return [client.get("/api/accounts", headers=headers).status_code for _ in range(2)]

    assert statuses(token) == [200, 429]
    assert statuses({"Authorization": HEADERS["Authorization"]}) == [200, 429]


def test_every_scope_can_be_asked_for(client: httpx.Client) -> None:
    """A key of the account has them too."""
    assert agreed(client, scope=" ".join(sorted(SCOPES)))["code"]
