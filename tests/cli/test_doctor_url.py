"""`doctor --url`: its findings about an app, from a forged sign-in and from its health."""

import base64
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cli.doctor import sign_in
from cli.doctor.sign_in import check_sign_in
from cli.doctor.silence import check_timer
from sandbox.serving import serving
from tests.support.tls import serving_tls


@pytest.mark.parametrize(
    ("status", "message", "fix"),
    [
        (401, "is refused", ""),
        (302, "is refused", ""),
        (503, "the sign-in is off", sign_in.SIGN_IN_OFF),
        (200, "is accepted", sign_in.FORGED),
        (404, "responds with 404", sign_in.NOT_REACHED),
    ],
)
def test_an_app_that_believes_a_forged_sign_in(status: int, message: str, fix: str) -> None:
    """Run after each deployment: the header claims an administrator, without a token."""
    seen: list[str] = []

    def me(request: Request) -> Response:
        seen.append(json.loads(base64.b64decode(request.headers["x-ms-client-principal"]))["auth_typ"])
        return Response(status_code=status, headers={"location": "https://login.example.org"})

    with serving(Starlette(routes=[Route("/api/me", me)])) as url:
        finding = check_sign_in(url)

    assert seen == ["aad"]
    assert (message in finding.message, finding.fix) == (True, fix)


@pytest.mark.parametrize(("status", "code"), [(302, 0), (200, 1)])
def test_a_deployment_asks_nothing_else(status: int, code: int) -> None:
    """The hook of azd: from a machine that may reach neither state nor vault."""
    with serving(Starlette(routes=[Route("/api/me", lambda _: Response(status_code=status))])) as url:
        command = [sys.executable, "-m", "cli.doctor.sign_in", url]
        environment = os.environ | {"STATE_URL": "https://127.0.0.1:1/state"}
        asked = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (asked.returncode, url in asked.stderr) == (code, True)
    assert (sign_in.FORGED in asked.stderr) == (code == 1)


def test_an_address_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert sign_in.main("func-made") == 1
    assert "must be an https URL" in capsys.readouterr().err


def test_an_app_that_is_not_there() -> None:
    assert check_sign_in("http://127.0.0.1:1").fix == sign_in.NOT_REACHED


def health(body: str, status: int = 200) -> Starlette:
    """An app that only serves its health."""

    def answer(_: Request) -> Response:
        return Response(body, status_code=status, media_type="application/json")

    return Starlette(routes=[Route("/api/health", answer)])


@pytest.mark.parametrize(
    ("age", "said", "is_silent"),
    [
        (timedelta(seconds=30), "s ago", False),
        (timedelta(minutes=17), "was 17 minutes ago", True),
        (None, "no tick", True),
    ],
)
def test_an_app_whose_timer_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: timedelta | None, said: str, *, is_silent: bool
) -> None:
    """Its health shows every caller when it last ticked."""
    last_tick = None if age is None else (datetime.now(UTC) - age).isoformat()
    body = json.dumps({"status": "ok", "last_tick": last_tick})
    with serving_tls(health(body), tmp_path) as (url, authority):
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        finding = check_timer(url)

    assert said in finding.message
    assert (finding.warning, bool(finding.fix)) == (is_silent, is_silent)


def test_a_machine_whose_timer_is_silent() -> None:
    """`serve` has a timer only while it runs: nothing is wrong."""
    with serving(health('{"status": "ok", "last_tick": null}')) as url:
        assert check_timer(url).fix == ""


@pytest.mark.parametrize(("body", "status"), [("{}", 200), ("<html>", 200), ('{"code": "denied"}', 503)])
def test_a_health_that_does_not_say(body: str, status: int) -> None:
    """An older app, another one, or one that can't work."""
    with serving(health(body, status)) as url:
        finding = check_timer(url)

    assert finding.fix == sign_in.NOT_REACHED
    assert f"({status})" in finding.message
    assert check_timer("http://127.0.0.1:1").fix == sign_in.NOT_REACHED
