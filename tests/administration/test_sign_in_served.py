"""Signing in as a person does: through the Functions host, and Klaviyo's page."""

import time
from pathlib import Path

from tests.support.host import SERVE, running_host
from tests.support.signing_in import SECRET, SETTINGS, click
from tests.support.world import a_world, environment_of


def test_a_person_signs_in_through_the_host(tmp_path: Path) -> None:
    """A `code` in the address is Klaviyo's there, and no function key."""
    with a_world(tmp_path, clock=time.time, limits=False) as world:
        world.replace_key(SECRET, "klaviyo-client-secret")
        environment = environment_of(world) | SETTINGS
        with running_host(environment, (*SERVE, "--as", "administrator")) as client:
            del client.headers["x-functions-key"]
            wish = {"id": "eu", "display_name": "EU", "sign_in": "oauth", "consent": True}
            made = client.post("/api/connections", json=wish)
            assert made.status_code == 201, made.text
            location = click(made.json()["authorize_url"])

            ended = client.get(location.removeprefix(SETTINGS["PUBLIC_URL"]))

            assert (ended.status_code, ended.json()["state"]) == (200, "active")
            assert client.post("/api/connections/eu/test", json={}).json()["account"]["id"] == "SNDBOX"
