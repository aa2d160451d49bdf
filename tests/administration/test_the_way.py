"""The way that people go in Customer Insights, in its order: by HTTP on the local host, and by command."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from cli.main import main
from sandbox.people import People
from shared.runs.work.tick import tick
from tests.support.host import SERVE, running_host
from tests.support.world import LIST, MONDAY, SEGMENT, World, a_world, environment_of

LATER = timedelta(days=1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A segment, and no document at all."""
    with a_world(tmp_path, clock=time.time, limits=False) as world:
        for name in ("connections/sandbox.json", "exports/vip.json"):
            world.services.state.delete(name)
        world.segment(People(20))
        yield world


def test_over_http(world: World) -> None:
    """An administrator connects, a contributor exports, a refresh runs it; then the administrator ends it."""
    environment = environment_of(world)
    with (
        running_host(environment, (*SERVE, "--as", "administrator")) as administrator,
        running_host(environment, (*SERVE, "--as", "contributor")) as contributor,
    ):
        # A connection: name, who may use it, key, consent, connect.
        wish = {"display_name": "Klaviyo EU", "shared_with": "contributors", "api_key": "pk_sandbox"}
        assert administrator.post("/api/connections", json=wish).status_code == 422
        made = administrator.post("/api/connections", json=wish | {"consent": True})
        assert made.status_code == 201
        connection = made.json()["id"]
        assert made.json()["export_user"] == administrator.get("/api/me").json()["name"]
        # An export over it: list, segments, the column of the addresses. Saving runs nothing.
        [shared] = contributor.get("/api/connections").json()["connections"]
        assert shared == {"id": connection, "display_name": "Klaviyo EU", "state": "active"}
        [found] = contributor.get(f"/api/connections/{connection}/lists").json()["lists"]
        assert contributor.get(f"/api/segments/{SEGMENT}").json()["members"] == 20
        export = {
            "id": "vip",
            "display_name": "VIPs",
            "connection": connection,
            "list_id": found["id"],
            "match": {"email": "EMail"},
            "segments": [SEGMENT],
        }
        assert contributor.post("/api/exports", json=export).status_code == 201
        preview = contributor.post("/api/exports/vip/preview").json()
        assert preview["counts"]["would_send"] == 20
        ticked(administrator)
        assert world.members() == set()
        assert contributor.get("/api/runs").json()["runs"] == []
        # The next refresh runs it, and anybody who may runs it on demand.
        world.segment(People(30), MONDAY + LATER)
        ticked(administrator)
        assert len(world.members()) == 30
        [row] = contributor.get("/api/exports").json()["exports"]
        assert (row["status"], row["last_run"]["counts"]["imported"]) == ("successful", 30)
        world.segment(People(40), MONDAY + 2 * LATER)
        assert contributor.post("/api/exports/vip/runs").json()["status"] == "successful"
        assert len(world.members()) == 40
        # The connection is removed, and the transfer ends.
        world.segment(People(50), MONDAY + 3 * LATER)
        opened = contributor.post("/api/exports/vip/runs", headers={"prefer": "respond-async"}).json()["id"]
        assert administrator.delete(f"/api/connections/{connection}").status_code == 409
        assert administrator.post(f"/api/connections/{connection}/detach").status_code == 200
        assert administrator.delete(f"/api/connections/{connection}").status_code == 204
        ticked(administrator)
        assert contributor.get(f"/api/runs/{opened}").json()["status"] == "canceled"
        assert len(world.members()) == 40
        assert contributor.get("/api/exports/vip").json()["state"] == "detached"
        assert "pk_sandbox" not in administrator.get("/api/audit?limit=100").text


def ticked(client: httpx.Client) -> None:
    assert client.post("/api/tick").status_code == 202


def test_by_command(world: World) -> None:
    """The same steps."""

    def command(*arguments: str, typed: str = "") -> Any:
        environment = environment_of(world) | {"KLAVIYO_API_KEY": "pk_sandbox"}
        result = CliRunner(env=environment).invoke(main, [*arguments, "--json"], input=typed)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    made = command("connections", "add", "--name", "Klaviyo EU", "--shared-with", "contributors", "--agree")
    connection = made["id"]
    assert command("connections", "test", connection)["account"]["id"] == "SNDBOX"
    [found] = command("connections", "lists", connection)["lists"]
    options = ["--segment", SEGMENT, "--list", found["id"], "--email", "EMail"]
    export = command("exports", "add", "--id", "vip", *options)
    assert (export["connection"], export["list_id"]) == (connection, LIST)
    assert command("run", "vip", "--dry-run")["counts"]["would_send"] == 20
    tick(world.services, 60)
    assert command("runs", "list")["runs"] == []
    world.segment(People(30), MONDAY + LATER)
    tick(world.services, 60)
    assert len(world.members()) == 30
    world.segment(People(40), MONDAY + 2 * LATER)
    assert command("run", "vip")["status"] == "successful"
    assert command("connections", "detach", connection) == {"exports": ["vip"]}
    command("connections", "remove", connection)
    world.segment(People(50), MONDAY + 3 * LATER)
    tick(world.services, 60)
    assert len(world.members()) == 40
    done = [entry["action"] for entry in command("audit")["audit"]]
    assert done == [
        "connections.remove",
        "connections.detach",
        "runs.start",
        "exports.add",
        "connections.add",
    ]
