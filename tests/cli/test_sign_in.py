"""`connections sign-in`: an address to open, a callback on this machine, and the end."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE, STDOUT, Popen

import httpx
import pytest

from tests.cli.conftest import Command
from tests.support.host import COMMAND
from tests.support.signing_in import CLIENT, SECRET, click
from tests.support.world import World, environment_of

SIGN_IN = [str(COMMAND), "connections", "sign-in", "sandbox", "--port", "0"]


@pytest.fixture(autouse=True)
def _ready(world: World) -> None:
    world.replace_key(SECRET, "klaviyo-client-secret")
    world.document(
        "connections/sandbox.json", sign_in="oauth", account=None, secret_name="sandbox--oauth-000000000000"
    )


@contextmanager
def begun(world: World) -> Iterator[tuple[str, Popen[str]]]:
    """The command as it waits, and the address that it shows."""
    environment = os.environ | environment_of(world) | {"KLAVIYO_CLIENT_ID": CLIENT}
    with Popen(SIGN_IN, env=environment, stdout=PIPE, stderr=STDOUT, text=True) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line.startswith("Open this address"), line + process.stdout.read()
            yield line.split()[-1], process
        finally:
            process.kill()


def rest(process: Popen[str]) -> str:
    assert process.stdout is not None
    text = process.stdout.read()
    process.wait(30)
    return text


def test_somebody_signs_in(world: World, command: Command) -> None:
    """Other requests, and other sign-ins, end nothing; then the connection works."""
    with begun(world) as (address, process):
        location = click(address)
        callback = location.partition("?")[0]
        assert httpx.get(callback.replace("api/oauth/callback", "favicon.ico")).status_code == 404
        assert httpx.get(callback, params={"state": "another", "code": "x"}).status_code == 400
        answered = httpx.get(location)
        assert (answered.status_code, "signed in" in answered.text) == (200, True)
        assert "sandbox opens the account SNDBOX (Sandbox)." in rest(process)
        assert process.returncode == 0

    tested = command("connections", "test", "sandbox", KLAVIYO_CLIENT_ID=CLIENT)
    assert "sandbox opens the Klaviyo account SNDBOX" in tested.output
    assert "sandbox-access" not in tested.output


def test_somebody_denies(world: World) -> None:
    """The command ends and reports it, and so does the page."""
    with begun(world) as (address, process):
        answered = httpx.get(click(address, "deny"))
        assert (answered.status_code, "denied" in answered.text) == (400, True)
        assert "sign_in_refused" in rest(process)
        assert process.returncode not in (0, None)


def test_doctor_says_how_to_fix_it(world: World, command: Command) -> None:
    """Before the first sign-in, and after the last one was revoked."""
    environment = {"KLAVIYO_CLIENT_ID": CLIENT}
    before = command("doctor", **environment)
    assert "Sign in: segment-export connections sign-in" in before.output

    with begun(world) as (address, process):
        httpx.get(click(address))
        rest(process)
    after = command("doctor", **environment)
    assert "the sign-in opens SNDBOX" in after.output

    world.stand_in.oauth.uninstall("SNDBOX")
    revoked = command("doctor", **environment)
    assert "Sign in again: segment-export connections sign-in" in revoked.output


def test_doctor_finds_another_client_secret(world: World, command: Command) -> None:
    """When a token is due."""
    with begun(world) as (address, process):
        httpx.get(click(address))
        rest(process)
    world.replace_key("wrong", "klaviyo-client-secret")
    world.stand_in.oauth.access.clear()

    found = command("doctor", KLAVIYO_CLIENT_ID=CLIENT)

    assert "Check KLAVIYO_CLIENT_ID and the secret klaviyo-client-secret." in found.output
