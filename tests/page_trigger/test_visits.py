"""Who gets a page, how its headers protect it, and what a form needs."""

import json
from datetime import UTC, datetime

import pytest

from page_trigger import overviews
from page_trigger.assets import assets, find
from page_trigger.routes import PAGES, ROOT, asset
from page_trigger.visits import cookie_name
from shared import state
from shared.adapters.http import HttpCall
from shared.administration.rights import Person
from shared.runs.record import ErrorRecord, RunRecord
from shared.settings import Auth
from tests.page_trigger.conftest import ADA, CARL, TOKEN, VERA, Browser
from tests.support.records import record_of
from tests.support.world import World

EVERY_PAGE = [
    "/"
    if page.path == ROOT
    else f"/{page.path.replace('{export}', 'vip').replace('{connection}', 'sandbox')}"
    for page in PAGES
    if page.path not in ("runs/{run}", "new/sign-in")
]


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_every_page_keeps_to_itself(browser: Browser, path: str) -> None:
    """It is not kept, not framed, and loads nothing from elsewhere; nothing in it is inline."""
    seen = browser.get(path)
    assert seen.status == 200
    assert seen.headers["cache-control"] == "no-store"
    policy = dict(each.split(" ", 1) for each in seen.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert "style=" not in seen.text
    assert "<style" not in seen.text
    assert " on" + "click" not in seen.text
    assert len(seen.text.encode()) <= 60_000


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_with_function_keys_a_page_only_says_how_to_sign_in(browser: Browser, path: str) -> None:
    """Nothing is read for an unknown caller."""
    seen = browser.get(path, by=None, auth=Auth.KEY)
    assert seen.status == 403
    assert "serve --as administrator" in seen.text
    assert "vip" not in seen.text.replace(path, "")


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_without_a_sign_in_a_page_offers_one(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Where the platform's sign-in is on, and this request has none."""
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", "True")
    seen = browser.get(path, by=None, auth=Auth.ENTRA)
    assert seen.status == 401
    assert "/.auth/login/aad?post_login_redirect_uri=" in seen.text


def test_where_the_platform_does_not_sign_in_nobody_gets_a_page(browser: Browser) -> None:
    """Anything in the request could be forged."""
    seen = browser.get("/", by=None, auth=Auth.ENTRA, x_ms_client_principal="e30=")
    assert seen.status == 503
    assert "sign_in_off" in seen.text


FOR_ADMINISTRATORS = {"/new/connection", "/audit", "/health"}
# Over a connection that is not shared.
FOR_ITS_USERS = {"/exports/vip/edit", "/connections/sandbox"}


@pytest.mark.parametrize(
    ("by", "allowed"),
    [
        (ADA, set(EVERY_PAGE)),
        (CARL, set(EVERY_PAGE) - FOR_ADMINISTRATORS - FOR_ITS_USERS),
        (VERA, {"/", "/exports/vip", "/runs"}),
    ],
)
def test_a_role_reaches_as_far_on_pages_as_over_http(browser: Browser, by: Person, allowed: set[str]) -> None:
    """A contributor does not even see a connection that is not shared."""
    found = {path: browser.get(path, by=by) for path in EVERY_PAGE}
    assert {path for path, seen in found.items() if seen.status == 200} == allowed
    assert {seen.status for path, seen in found.items() if path not in allowed} <= {403, 404}
    assert (browser.get("/connections/sandbox", by=CARL).status) == 404


def test_the_way_shows_only_what_a_role_may_see(browser: Browser) -> None:
    """Links to pages that would refuse are not there."""
    assert 'href="/audit"' in browser.get("/").text
    for by in (CARL, VERA):
        assert 'href="/audit"' not in browser.get("/", by=by).text
    assert 'href="/connections"' not in browser.get("/", by=VERA).text
    assert "Add export" not in browser.get("/", by=VERA).text


@pytest.mark.parametrize("token", ["", "another", TOKEN + "x", "é"])
def test_a_form_of_another_page_does_nothing(browser: Browser, world: World, token: str) -> None:
    """It has not the token that is in this browser's cookie."""
    seen = browser.post("/exports/vip", {"action": "deactivate"}, token=token)
    assert seen.status == 403
    assert "stale_form" in seen.text
    assert world.services.catalog.export("vip").is_active


def test_without_the_cookie_a_form_does_nothing(browser: Browser) -> None:
    """This includes a blank token with a blank cookie."""
    for token in ("", TOKEN):
        seen = browser.post("/exports/vip", {"action": "deactivate"}, token=token, cookie="")
        assert seen.status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
def test_a_form_of_another_site_does_nothing(browser: Browser, headers: dict[str, str]) -> None:
    """Even with the right token."""
    seen = browser.post("/exports/vip", {"action": "deactivate"}, by=ADA, **headers)
    assert seen.status == 403
    assert "cross_site" in seen.text


def test_a_browser_gets_a_token_once(browser: Browser) -> None:
    """With its first page, in a cookie that scripts can't read; the forms have the same."""
    first = browser.get("/exports/vip", cookie="")
    name, _, value = first.headers["set-cookie"].partition(";")[0].partition("=")
    assert name == cookie_name(Auth.LOCAL)
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(first.headers["set-cookie"].split("; "))
    assert f'name="token" value="{value}"' in first.text
    assert len(value) >= 40
    assert browser.get("/exports/vip", cookie="").headers["set-cookie"] != first.headers["set-cookie"]
    assert "set-cookie" not in browser.get("/exports/vip").headers


def test_where_tls_is_no_other_host_can_set_the_cookie() -> None:
    """By its name, for which browsers want Secure, Path=/ and no domain."""
    assert cookie_name(Auth.ENTRA).startswith("__Host-")


@pytest.mark.parametrize("cookie", ["segment-export=" + "x" * 65, "=;=;", 'segment-export="', "\x00"])
def test_a_strange_cookie_is_none(browser: Browser, cookie: str) -> None:
    """The browser gets a new one."""
    assert "set-cookie" in browser.get("/", cookie=cookie).headers


def test_a_page_takes_its_own_methods_only(browser: Browser) -> None:
    """HEAD asks as GET does."""
    assert browser.ask("HEAD", "/", b"").status == 200
    refused = browser.ask("PUT", "/", b"")
    assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD, POST")
    refused = browser.ask("POST", "/runs", b"")
    assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/exports/lost", "/exports/lost/edit", "/connections/lost", "/runs/lost"])
def test_what_is_not_there_is_not_found(browser: Browser, path: str) -> None:
    """The page has a fix."""
    seen = browser.get(path)
    assert seen.status == 404
    assert "Code: <code>unknown_" in seen.text


@pytest.mark.parametrize(
    "path", ["/exports/..", "/exports/A B/edit", "/connections/..", "/connections/%2e%2e"]
)
def test_what_can_be_no_id_is_not_there_either(browser: Browser, path: str) -> None:
    """Nor does it reach the store."""
    assert browser.get(path).status == 404


@pytest.mark.parametrize("action", ["save", "pause", "test", "key", "sign_in", "detach", "remove"])
def test_buttons_tell_nobody_which_connections_there_are(browser: Browser, action: str) -> None:
    """One that is not shared with a contributor answers as one that is not there."""
    fields = {"action": action, "display_name": "Mine", "api_key": "pk_sandbox"}
    hidden, missing = (browser.post(f"/connections/{name}", fields, by=CARL) for name in ("sandbox", "gone"))
    assert hidden.status == missing.status == 404
    assert hidden.text.replace("sandbox", "gone") == missing.text


def test_a_viewer_cancels_no_run_of_an_export_that_is_gone(browser: Browser, world: World) -> None:
    """Its connection, and so the people who share it, are unknown."""
    run_id = state.new_run_id("gone", datetime(2026, 11, 27, tzinfo=UTC), 1)
    record = RunRecord.model_validate_json(record_of(run_id))
    world.services.state.write(state.record(run_id), record.content())
    assert browser.post(f"/runs/{run_id}", {"action": "cancel"}, by=VERA).status == 403
    assert browser.post(f"/runs/{run_id}", {"action": "cancel"}, by=CARL).status == 303


def test_wrong_settings_are_a_page(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page names the setting."""
    monkeypatch.setenv("HTTP_TIME_BUDGET", "soon")
    seen = browser.get("/")
    assert seen.status == 500
    assert "HTTP_TIME_BUDGET" in seen.text


def test_a_bug_is_a_page_and_in_the_log(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The page shows nothing that could be personal data."""

    def broken() -> None:
        raise RuntimeError("person@example.org")

    monkeypatch.setattr(overviews, "process_services", broken)
    seen = browser.get("/")
    assert seen.status == 500
    assert "internal_error" in seen.text
    assert "person@example.org" not in seen.text + caplog.text
    assert "RuntimeError" in caplog.text


def test_a_button_that_is_not_there_is_refused(browser: Browser) -> None:
    """Only a made-up form can send it."""
    for path in ("/exports/vip", "/connections/sandbox"):
        assert browser.post(path, {"action": "explode"}).status == 400


def test_a_broken_state_is_a_page_too(browser: Browser, world: World) -> None:
    """One export that can't be read hides no other."""
    world.services.state.write("exports/broken.json", b"{")
    world.services.state.write("heads/vip.json", b"{")
    try:
        seen = browser.get("/")
        assert seen.status == 200
        assert seen.text.count("Not valid") >= 1
        assert browser.get("/exports/broken").status == 422
        assert browser.get("/exports/vip").status == 200
    finally:
        world.services.state.delete("exports/broken.json")
        world.services.state.delete("heads/vip.json")


@pytest.mark.parametrize("name", ["style.css", "live.js", "icon.svg"])
def test_what_pages_load_is_kept_for_good(name: str) -> None:
    """Under a name that changes with it; nothing else of the folder is sent."""
    made = assets()[name]
    answered = asset(HttpCall("GET", "", {}, {}, {"name": made.name}, b""))
    assert answered.status == 200
    assert "immutable" in answered.headers["cache-control"]
    assert answered.body == made.content
    assert find(name) is None
    assert asset(HttpCall("GET", "", {}, {}, {"name": "../routes.py"}, b"")).status == 404


def test_hostile_names_are_text(browser: Browser, world: World) -> None:
    """Escapes, marks of direction and scripts of a name show as codes and as text; long ones are cut."""
    hostile = "\x1b[31m<script>alert(1)</script>\u202e" + "x" * 10_000
    document = json.loads(world.services.state.read("exports/vip.json").content)
    hostiles = document | {"id": "hostile", "display_name": hostile, "segments": [hostile]}
    world.services.state.write("exports/hostile.json", json.dumps(hostiles).encode())
    try:
        for path in ("/", "/exports/hostile", "/exports/hostile/edit"):
            text = browser.get(path).text
            assert "<script>alert" not in text
            assert "\x1b" not in text
            assert "\u202e" not in text
            assert "\\x1b[31m&lt;script&gt;" in text
            assert len(text) < 60_000
    finally:
        world.services.state.delete("exports/hostile.json")


def test_hostile_messages_are_text(browser: Browser, world: World) -> None:
    """This holds for any error message in a record."""
    run_id = state.new_run_id("vip", datetime(2026, 11, 27, tzinfo=UTC), 1)
    record = RunRecord.model_validate_json(record_of(run_id))
    record.error = ErrorRecord(code="invalid_csv", message="\x1b[31m<b>\u202e")
    world.services.state.write(state.record(run_id), record.content())
    text = browser.get(f"/runs/{run_id}").text
    assert "\\x1b[31m&lt;b&gt;\\u202e" in text


def test_an_operator_of_another_time_sees_utc(browser: Browser, world: World) -> None:
    """Times show their zone until the script shows them in the reader's."""
    document = json.loads(world.services.state.read("exports/vip.json").content)
    stamped = document | {"updated_at": datetime(2026, 11, 27, 12, tzinfo=UTC).isoformat()}
    before = world.services.state.read("exports/vip.json").content
    world.services.state.write("exports/vip.json", json.dumps(stamped).encode())
    try:
        text = browser.get("/exports/vip").text
        assert '<time datetime="2026-11-27T12:00:00Z">2026-11-27 12:00 UTC</time>' in text
    finally:
        world.services.state.write("exports/vip.json", before)
