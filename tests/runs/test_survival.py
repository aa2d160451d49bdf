"""Runs that are killed, paused and doubled: everybody is delivered once, and one record tells it."""

import json
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


def killed_after_a_job(world: World, nth: int) -> None:
    """Leaves an open run of vip with one job accepted, its holder dead."""
    world.stand_in.faults.add([Fault("hang", method="POST", nth=nth)])
    with subprocess.Popen(
        [str(COMMAND), "run", "vip"], env=environment_of(world), stdout=subprocess.DEVNULL
    ) as process:
        until = time.monotonic() + 30
        while len(world.stand_in.accounts["SNDBOX"].jobs) < nth - 1 or not accepted(world):
            assert time.monotonic() < until
            time.sleep(0.02)
        process.kill()
    world.stand_in.faults.clear()
    break_leases(world)


def accepted(world: World) -> int:
    try:
        head, _ = read_head(world.services.state, "vip")
    except NotFound:
        return 0
    return len(head.open.jobs) if head.open else 0


def test_other_code_after_a_kill_loses_nobody(shared_world: World) -> None:
    """A deployment in the middle makes other batches: everybody goes, some twice, and the record says so."""
    world = shared_world
    world.segment(People(25_000))
    killed_after_a_job(world, nth=3)
    # What another version of the code, or of the mapping, would make of the same rows.
    head = json.loads(world.services.state.read("heads/vip.json").content)
    head["open"]["plan"]["export"]["attributes"].pop("last_name")
    world.services.state.write("heads/vip.json", json.dumps(head).encode())

    record = world.run()

    assert world.members() == People(25_000).expected.emails
    assert record.counts.sent == record.counts.imported == 25_000
    (twice,) = [warning for warning in record.warnings if warning.code == "sent_twice"]
    assert twice.count == 20_000


def test_five_kills_in_a_row(shared_world: World) -> None:
    """However often its holder dies, a run that gets anywhere each time goes on to its end."""
    world = shared_world
    world.segment(People(55_000))
    for _ in range(5):
        killed_after_a_job(world, nth=2)

    record = world.run()

    assert record.status == "successful"
    assert world.members() == People(55_000).expected.emails
    assert record.counts.imported == 55_000


def test_a_run_that_gets_nowhere_fails(world: World) -> None:
    """Taken up five times and dead each time before anything was achieved: it fails, and says so."""
    world.segment(People(10))
    start(world.services, "vip", Request("command", "tester"))
    for _ in range(5):
        with Hold.take(world.services.state, "vip", world.clock) as hold:
            hold.run.take_ups += 1  # and then the process died
            hold.checkpoint()

    record = world.run()

    assert record.status == "failed"
    assert record.error is not None
    assert record.error.code == "no_progress"


def test_three_starts_at_once(shared_world: World) -> None:
    """One wins, the others hear that somebody is at it already, and leave no second run."""
    world = shared_world
    world.segment(People(25_000))
    world.stand_in.faults.add([Fault("slow", method="POST", nth=None, seconds=2)])
    command = [str(COMMAND), "run", "vip", "--json"]
    processes = [
        subprocess.Popen(command, env=environment_of(world), stdout=subprocess.PIPE) for _ in range(3)
    ]
    answers = [json.loads(process.communicate()[0]) for process in processes]

    assert sorted(process.returncode for process in processes) == [0, 75, 75]
    codes = [answer["error"]["code"] for answer in answers if "status" not in answer]
    assert codes == ["already_running"] * 2
    assert len([blob for blob in world.services.state.list("runs/vip/") if blob.name.endswith(".json")]) == 1
    assert len(world.stand_in.accounts["SNDBOX"].jobs) == 3


def test_a_paused_holder_posts_nothing_more(tmp_path: Path, azurite: Azurite) -> None:
    """Stopped for longer than its lease, a holder that wakes up has lost the export, and knows it."""
    urls = {"segments_url": azurite.container(), "state_url": azurite.container()}
    with a_world(tmp_path, **urls, clock=time.time, limits=False) as world:
        world.segment(People(25_000))
        world.stand_in.faults.add([Fault("slow", method="POST", nth=2, seconds=3)])
        command = [str(COMMAND), "run", "vip", "--json"]
        with subprocess.Popen(command, env=environment_of(world), stdout=subprocess.PIPE) as process:
            while not accepted(world):
                time.sleep(0.02)
            process.send_signal(signal.SIGSTOP)
            with pytest.raises(AlreadyRunning):
                world.run()
            time.sleep(61)  # the lease's own time: nothing but waiting shows that it ends
            record = world.run()
            posts = [request.method for request in world.stand_in.requests].count("POST")
            process.send_signal(signal.SIGCONT)
            said = json.loads(process.communicate()[0])

        assert said["error"]["code"] == "lease_lost"
        assert process.returncode == 75
        assert [request.method for request in world.stand_in.requests].count("POST") == posts
        assert record.status == "successful"
        assert world.members() == People(25_000).expected.emails


def test_a_lease_lost_in_the_middle_stops_the_run(tmp_path: Path, azurite: Azurite) -> None:
    """Whoever finds another hand in the head writes nothing over it."""
    urls = {"segments_url": azurite.container(), "state_url": azurite.container()}
    with a_world(tmp_path, **urls) as world:
        world.segment(People(25_000))

        def take_over(_: object) -> None:
            break_leases(world)
            head = json.loads(world.services.state.read("heads/vip.json").content)
            head["epoch"] += 1
            world.services.state.write("heads/vip.json", json.dumps(head).encode())

        world.stand_in.on_import(take_over)

        with pytest.raises(LeaseLost):
            world.run()

        assert accepted(world) == 0
        assert len(world.stand_in.accounts["SNDBOX"].jobs) <= 3


def test_a_corrupt_head_is_named(world: World) -> None:
    """A head that can't be read stops this export only, and the message says how to start afresh."""
    world.segment(People(10))
    world.run()
    world.services.state.write("heads/vip.json", b'{"version": 1, "export": "v')

    with pytest.raises(InvalidDocument, match=r"heads/vip\.json.*remove it"):
        world.run()

    world.services.state.delete("heads/vip.json")
    assert world.run().status == "successful"
