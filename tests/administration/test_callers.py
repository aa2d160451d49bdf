"""Who is calling: by which proof, and what happens where there is none."""

import base64
import json
from typing import Any

import pytest

from shared.administration.rights import Role
from shared.api.callers import LONGEST_PRINCIPAL, NotSignedIn, SignInOff, caller_of, play
from shared.errors import PermanentError
from shared.settings import Auth, SignIn, auth_of
from tests.administration.conftest import ADA, CARL, ROUTES, Answered, Api
from tests.support.world import World

TENANT = "00000000-0000-4000-8000-00000000a2d0"
PLATFORM = {"WEBSITE_AUTH_ENABLED": "True", "WEBSITE_AUTH_AAD_ALLOWED_TENANTS": TENANT}
OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
TENANT_ID = "http://schemas.microsoft.com/identity/claims/tenantid"


def principal(*claims: tuple[str, str], auth_typ: str = "aad", tenant: str = TENANT) -> str:
    """The header as the platform makes it."""
    document = {
        "auth_typ": auth_typ,
        "name_typ": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
        "role_typ": "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
        "claims": [{"typ": kind, "val": value} for kind, value in ((TENANT_ID, tenant), *claims)],
    }
    return encoded(document)


def encoded(document: Any) -> str:
    return base64.b64encode(json.dumps(document).encode()).decode()


def signed_in(header: str, **environment: str) -> Any:
    sign_in = SignIn.from_environment(PLATFORM | environment)
    return caller_of({"x-ms-client-principal": header}, Auth.ENTRA, sign_in)


def test_a_person_is_who_the_platform_says() -> None:
    """Name, object id, groups, and the strongest of the roles."""
    person = signed_in(
        principal(
            ("preferred_username", "ada@example.org"),
            (OBJECT_ID, "AAAAAAAA-0000-4000-8000-000000000001"),
            ("groups", "BBBBBBBB-0000-4000-8000-000000000002"),
            ("roles", "Viewer"),
            ("roles", "Administrator"),
        )
    )

    assert (person.name, person.role) == ("ada@example.org", Role.ADMINISTRATOR)
    assert person.object_id == "aaaaaaaa-0000-4000-8000-000000000001"
    assert person.groups == {"bbbbbbbb-0000-4000-8000-000000000002"}


def test_an_application_is_called_by_its_id() -> None:
    """Data Factory with a managed identity has no name."""
    person = signed_in(
        principal(("appid", "cccccccc-0000-4000-8000-000000000003"), ("oid", "dd"), ("roles", "Contributor"))
    )

    assert (person.name, person.role) == ("cccccccc-0000-4000-8000-000000000003", Role.CONTRIBUTOR)


@pytest.mark.parametrize("kind", ["roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"])
def test_roles_have_either_name(kind: str) -> None:
    assert signed_in(principal((kind, "viewer"), ("oid", "dd"))).role is Role.VIEWER


def test_a_name_can_be_shown_anywhere() -> None:
    """Control and bidi characters go, and it has an end."""
    person = signed_in(
        principal(("name", "a\x1b[31m\u202eb" + "c" * 500), ("oid", "dd"), ("roles", "Viewer"))
    )

    assert person.name.startswith("a[31mbccc")
    assert len(person.name) == 200


@pytest.mark.parametrize(
    ("header", "environment", "error", "code"),
    [
        ("", {}, NotSignedIn, "not_signed_in"),
        ("no base64!", {}, NotSignedIn, "not_signed_in"),
        (base64.b64encode(b"no JSON").decode(), {}, NotSignedIn, "not_signed_in"),
        (encoded([1]), {}, NotSignedIn, "not_signed_in"),
        ("A" * (LONGEST_PRINCIPAL + 4), {}, NotSignedIn, "not_signed_in"),
        (base64.b64encode(b"[" * 70_000).decode(), {}, NotSignedIn, "not_signed_in"),
        (principal(("oid", "dd")), {}, PermanentError, "forbidden"),
        (principal(("roles", "Administrator"), ("name", "Ada")), {}, NotSignedIn, "not_signed_in"),
        (principal(("roles", "Owner"), ("oid", "dd")), {}, PermanentError, "forbidden"),
        (principal(("roles", "Viewer"), ("oid", "dd"), auth_typ="google"), {}, SignInOff, "sign_in_off"),
        (principal(("roles", "Viewer"), tenant="another"), {}, SignInOff, "sign_in_off"),
        (principal(("roles", "Viewer"), tenant=""), {}, SignInOff, "sign_in_off"),
        (encoded({"auth_typ": "aad", "claims": "none"}), {}, SignInOff, "sign_in_off"),
        (principal(("roles", "Viewer")), {"WEBSITE_AUTH_ENABLED": ""}, SignInOff, "sign_in_off"),
        (principal(("roles", "Viewer")), {"WEBSITE_AUTH_ENABLED": "False"}, SignInOff, "sign_in_off"),
        (principal(("roles", "Viewer")), {"WEBSITE_AUTH_AAD_ALLOWED_TENANTS": ""}, SignInOff, "sign_in_off"),
    ],
)
def test_without_proof_nobody_is_let_in(
    header: str, environment: dict[str, str], error: type[PermanentError], code: str
) -> None:
    """While the platform's sign-in is off, anybody could have written the header."""
    with pytest.raises(error) as problem:
        signed_in(header, **environment)

    assert problem.value.code == code


def paths() -> list[str]:
    return [route.path for route in ROUTES if not route.is_open]


@pytest.mark.parametrize("path", paths())
def test_every_route_but_health_is_closed_while_the_sign_in_is_off(api: Api, path: str) -> None:
    """A forged header and a function key open nothing."""
    for method in ("GET", "POST", "PUT", "DELETE"):
        answered = call_with_everything(api, method, path)

        assert (answered.status, answered.json["code"]) == (503, "sign_in_off")


def call_with_everything(api: Api, method: str, path: str) -> Answered:
    """What somebody would send who wants to be let in."""
    return api(
        method,
        f"/api/{path}",
        auth=Auth.ENTRA,
        x_functions_key="local",
        x_ms_client_principal=principal(("roles", "Administrator"), ("oid", "dd")),
        x_ms_client_principal_name="ada@example.org",
    )


@pytest.mark.parametrize("path", paths())
def test_every_route_but_health_is_closed_without_the_hand_over(api: Api, path: str) -> None:
    """AUTH=local is for the local host, which says in its own process who is calling."""
    answered = api("GET", f"/api/{path}", by=None, auth=Auth.LOCAL)

    assert (answered.status, answered.json["code"]) == (503, "sign_in_off")


def test_health_needs_nobody(api: Api) -> None:
    for auth in Auth:
        assert api("GET", "/api/health", by=None, auth=auth).status == 200


def test_with_a_function_key_the_headers_say_nothing(api: Api, world: World) -> None:
    """Whoever holds the key is an operator, whatever is sent with it."""
    forged: dict[str, Any] = {
        "x_ms_client_principal": principal(("roles", "Administrator"), ("oid", "dd")),
        "x_ms_client_principal_name": "ada@example.org",
        "x_ms_client_principal_id": ADA.object_id,
    }

    me = api("GET", "/api/me", by=None, **forged)
    started = api("POST", "/api/exports/vip/runs", by=None, **forged)

    assert (me.json["role"], me.json["object_id"]) == ("operator", "")
    assert started.json["requested_by"] == "http"
    assert api("GET", "/api/connections", by=None, **forged).status == 403


def test_who_has_signed_in_asks_for_the_run(api: Api) -> None:
    """Whatever the body says; a holder of the key may say who asks."""
    body = {"requested_by": "somebody else"}

    assert api("POST", "/api/exports/vip/runs", body, by=ADA).json["requested_by"] == ADA.name
    assert api("POST", "/api/exports/vip/runs", body, by=None).json["requested_by"] == "somebody else"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, Auth.KEY),
        ({"AUTH": ""}, Auth.KEY),
        ({"AUTH": "entar"}, Auth.KEY),
        ({"AUTH": " Entra "}, Auth.ENTRA),
        ({"AUTH": "local"}, Auth.LOCAL),
        ({"AUTH": "key"}, Auth.KEY),
    ],
)
def test_a_misspelt_setting_leaves_the_routes_to_the_key(given: dict[str, str], expected: Auth) -> None:
    assert auth_of(given) is expected


ORIGINS = {
    "another site's page": {"origin": "https://elsewhere.example.org"},
    "a sandboxed page": {"origin": "null"},
    "a page of another port": {"origin": "http://127.0.0.1:8000"},
    "a form of another site": {"sec_fetch_site": "cross-site"},
    "a page of a sister domain": {"sec_fetch_site": "same-site"},
}


@pytest.mark.parametrize("headers", ORIGINS.values(), ids=ORIGINS)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/exports/vip/runs"), ("DELETE", "/api/exports/vip"), ("POST", "/api/tick")],
)
def test_a_page_of_another_site_does_nothing(
    api: Api, method: str, path: str, headers: dict[str, Any]
) -> None:
    """In the name of somebody whose browser has signed in."""
    answered = api(method, path, **headers)

    assert (answered.status, answered.json["code"]) == (403, "cross_site")


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a"]
)
def test_a_body_that_a_form_could_send_is_refused(api: Api, kind: str) -> None:
    answered = api("POST", "/api/exports/vip/runs", b'{"full": true}', content_type=kind)

    assert (answered.status, answered.json["code"]) == (415, "not_json")


def test_the_apps_own_page_may_act(api: Api) -> None:
    """And scripts, which send no such headers."""
    own: dict[str, Any] = {"origin": "http://127.0.0.1:7071", "sec_fetch_site": "same-origin"}

    assert api("POST", "/api/exports/vip/runs", {}, **own).status == 200
    assert (
        api("POST", "/api/exports/vip/runs", {}, content_type="application/json; charset=utf-8").status == 200
    )
    assert api("GET", "/api/exports/vip", origin="https://elsewhere.example.org").status == 200


def test_behind_the_platforms_sign_in_the_public_address_counts(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never the Host header, which a proxy or an attacker may have written."""
    for name, value in (PLATFORM | {"PUBLIC_URL": "https://exports.example.org/"}).items():
        monkeypatch.setenv(name, value)
    header = principal(("roles", "Administrator"), ("oid", "dd"), ("name", "Ada"))

    def posted(origin: str) -> int:
        return api(
            "POST",
            "/api/exports/vip/runs",
            {},
            auth=Auth.ENTRA,
            x_ms_client_principal=header,
            origin=origin,
            host="elsewhere.example.org",
        ).status

    assert posted("https://exports.example.org") == 200
    assert posted("https://elsewhere.example.org") == 403


def test_the_hand_over_ends() -> None:
    play(CARL)
    assert caller_of({}, Auth.LOCAL, SignIn.from_environment({})) is CARL
    play(None)
    with pytest.raises(SignInOff):
        caller_of({}, Auth.LOCAL, SignIn.from_environment({}))
