"""The whole line on real parts: Azurite, Key Vault's real client, Microsoft's engine, a stand-in Klaviyo."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from sandbox.people import People
from tests.support.azurite import Azurite
from tests.support.host import running_host
from tests.support.identity import running_identity
from tests.support.vault import TOKEN, KeyVaultServer
from tests.support.world import MONDAY, World, a_world, environment_of

CLIENT_ID = "00000000-0000-4000-8000-0000000000aa"


@pytest.fixture
def world(tmp_path: Path, azurite: Azurite) -> Iterator[World]:
    urls = {"segments_url": azurite.container(), "state_url": azurite.container()}
    with a_world(tmp_path, **urls, clock=time.time) as world:
        yield world


@pytest.fixture
def host(world: World, key_vault: KeyVaultServer) -> Iterator[httpx.Client]:
    """The app, with its key in the vault and an identity to open it."""
    key_vault.secrets["klaviyo-sandbox"] = "pk_sandbox"
    key_vault.secrets["digest-key"] = "0123456789abcdef0123456789abcdef"
    with running_identity(CLIENT_ID, TOKEN) as identity:
        environment = environment_of(world) | identity
        environment |= {"KEY_VAULT_URL": key_vault.url, "REQUESTS_CA_BUNDLE": str(key_vault.ca)}
        with running_host(environment) as client:
            yield client


def test_a_segment_becomes_a_list_through_both_functions(world: World, host: httpx.Client) -> None:
    """25,000 people arrive over HTTP; with a newer snapshot, others join through the timer."""
    first = People(25_000)
    world.segment(first)

    answer = host.post("/api/exports/vip/runs", json={})

    assert answer.status_code == 200, answer.text
    record = answer.json()
    assert record["status"] == "successful"
    assert record["counts"]["rows"] == record["counts"]["imported"] == 25_000
    assert world.members() == first.expected.emails
    assert host.get(f"/api/runs/{record['id']}").json() == record

    second = People(5_000, start=24_000)
    world.segment(second, MONDAY + timedelta(hours=12))
    assert host.post("/admin/functions/advance_runs", json={}).status_code == 202

    wanted = first.expected.emails | second.expected.emails
    until = time.monotonic() + 60
    while world.members() != wanted and time.monotonic() < until:
        time.sleep(0.2)
    assert world.members() == wanted


def test_health_needs_no_key_and_the_rest_does(world: World, host: httpx.Client) -> None:
    """Who has no function key sees that the app is well, and nothing else."""
    stranger = {"x-functions-key": ""}
    assert host.get("/api/health", headers=stranger).json()["status"] == "ok"
    assert host.post("/api/exports/vip/runs", headers=stranger).status_code == 401
    assert host.get("/api/runs/vip.20260824T143300Z-0000", headers=stranger).status_code == 401
