"""Runs that are killed, paused and doubled: everybody is delivered once, and one record tells it."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from azure.storage.blob import BlobLeaseClient

from sandbox.people import People
from shared.runs.head import read_head
from shared.runs.record import RunRecord
from tests.support.azurite import Azurite, client
from tests.support.world import LIST, World, a_world, environment_of

PEOPLE = People(12_000, dirt=True)


@pytest.fixture(params=["folder", "blobs"])
def shared_world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """An installation that other processes work in too, on each kind of store."""
    urls = {}
    if request.param == "blobs":
        azurite: Azurite = request.getfixturevalue("azurite")
        urls = {"segments_url": azurite.container(), "state_url": azurite.container()}
    with a_world(tmp_path, **urls, clock=time.time, limits=False) as world:
        yield world


def break_leases(world: World) -> None:
    """What 60 seconds would do: a dead holder's leases end. In a folder they end with the holder."""
    url = world.services.settings.state_url
    if url.startswith("file:"):
        return
    container = client(url)
    for blob in [*container.list_blobs("heads/"), *container.list_blobs("locks/")]:
        if blob.lease and blob.lease.state == "leased":
            BlobLeaseClient(container.get_blob_client(blob.name)).break_lease(0)


def an_export(world: World, number: int) -> tuple[str, str]:
    """An export of its own with a list of its own: their ids."""
    export, list_id = f"crash-{number}", f"L{number:05}"
    world.document("exports/vip.json")
    content = world.services.state.read("exports/vip.json").content.decode()
    content = content.replace('"vip"', f'"{export}"').replace(LIST, list_id)
    world.services.state.write(f"exports/{export}.json", content.encode())
    account = world.stand_in.accounts["SNDBOX"]
    world.stand_in.add_list(account, export, list_id)
    return export, list_id


def assert_told_truthfully(world: World, record: RunRecord, list_id: str) -> None:
    expected = PEOPLE.expected
    assert record.is_closed
    assert {member.email for member in world.stand_in.members(list_id)} == expected.emails
    counts = record.counts
    assert (counts.rows, counts.rejected, counts.duplicates) == (
        expected.rows,
        expected.rejected,
        expected.duplicates,
    )
    assert counts.sent == counts.imported == len(expected.emails)
    assert len(world.rejected(record)) == len(set(world.rejected(record))) == expected.rejected
    kept = [blob.name for blob in world.services.state.list(f"runs/{record.export}/")]
    assert sorted(kept) == [
        f"runs/{record.export}/{record.id}.json",
        f"runs/{record.export}/{record.id}.rejected.csv",
    ]
    head, _ = read_head(world.services.state, record.export)
    assert head.open is None
    assert head.last_success is not None
    assert head.last_success.run == record.id


def test_killed_before_any_write_and_resumed(shared_world: World) -> None:
    """kill -9 right before each change of the state in turn: the next run delivers everybody."""
    world = shared_world
    world.segment(PEOPLE)
    for nth in count(1):
        export, list_id = an_export(world, nth)
        killed = subprocess.run(
            [sys.executable, "-m", "tests.support.crashing", export, str(nth)],
            env=environment_of(world),
            check=False,
        ).returncode
        break_leases(world)

        if (
            killed == -signal.SIGKILL
            and nth > 1
            and not list(world.services.state.list(f"heads/{export}.json"))
        ):
            continue  # killed before the export was ever seen: there is nothing to go on with
        record = last_run(world, export) if killed == 0 else world.run(export)

        assert_told_truthfully(world, record, list_id)
        if killed == 0:
            break
        assert killed == -signal.SIGKILL
    assert nth > 12


def last_run(world: World, export: str) -> RunRecord:
    head, _ = read_head(world.services.state, export)
    assert head.last_attempt is not None
    content = world.services.state.read(f"runs/{export}/{head.last_attempt.run}.json").content
    return RunRecord.model_validate_json(content)
