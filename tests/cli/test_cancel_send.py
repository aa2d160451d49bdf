"""`runs cancel` of a run that `send` opened: nothing more is posted, and what Klaviyo took is counted."""

import json
import time
from pathlib import Path

import httpx
import pytest
from click.testing import Result

from sandbox.klaviyo import Fault
from sandbox.people import People, email
from shared.runs.heads.head import read_head
from tests.cli.conftest import KEY, MAPS, Command, file_of
from tests.support.forks import running
from tests.support.host import running_host
from tests.support.small_batches import UnusualPeople
from tests.support.world import LIST, World, environment_of


def send_command(path: Path, people: People) -> list[str]:
    return ["send", str(file_of(path, list(people))), "--list", LIST, *MAPS, "--json"]


@pytest.fixture
def interrupted(world: World, tmp_path: Path) -> str:
    """The id of a run whose command died after two of its three jobs; no connection has a key for it."""
    return interrupt(world, tmp_path)


def interrupt(world: World, folder: Path) -> str:
    world.services.state.delete("connections/sandbox.json")
    world.stand_in.faults.add([Fault("hang", method="POST", nth=3)])
    arguments = send_command(folder / "people.csv", UnusualPeople(1_500))
    with running(arguments, environment_of(world) | KEY) as process:
        run = run_with_jobs(world, 2)
        process.kill()
    world.stand_in.faults.clear()
    return run


def run_with_jobs(world: World, count: int) -> str:
    """The id of the run of `send`, once Klaviyo has accepted so many jobs."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for blob in world.services.state.list("heads/send-"):
            export_id = blob.name.removeprefix("heads/").removesuffix(".json")
            run = read_head(world.services.state, export_id)[0].open if "/" not in export_id else None
            if run is not None and len(run.deliveries.jobs) >= count:
                return run.record.id
        time.sleep(0.02)
    raise TimeoutError


def canceled(result: Result) -> dict[str, int]:
    """The counts of the record that the command prints: canceled, and without an error."""
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert (record["status"], record["phase"], record["error"]) == ("canceled", "closed", None)
    counts: dict[str, int] = record["counts"]
    warned = {warning["code"]: warning["count"] for warning in record["warnings"]}
    assert warned == ({"unconfirmed": counts["unconfirmed"]} if counts["unconfirmed"] else {})
    return counts


def test_with_the_key_its_jobs_are_counted(command: Command, world: World, interrupted: str) -> None:
    """What is imported is what Klaviyo has."""
    counts = canceled(command("runs", "cancel", interrupted, "--json", **KEY))
    assert counts["imported"] == len(world.members()) == 1_000


def test_without_a_key_its_jobs_stay_unconfirmed(command: Command, world: World, interrupted: str) -> None:
    """Nobody can ask Klaviyo: the run still ends, and reports how many profiles are unconfirmed."""
    counts = canceled(command("runs", "cancel", interrupted, "--json"))
    assert counts.items() >= {"unconfirmed": 1_000, "imported": 0}.items()


def test_a_connection_to_the_account_has_a_key_too(command: Command, world: World, interrupted: str) -> None:
    """Without a key in the environment, one of a connection to the same account does."""
    world.document("connections/sandbox.json", account={"id": "SNDBOX", "name": "Sandbox"})
    counts = canceled(command("runs", "cancel", interrupted, "--json"))
    assert counts["imported"] == len(world.members()) == 1_000


def test_while_klaviyo_works_the_run_stays_open(command: Command, world: World, tmp_path: Path) -> None:
    """No timer continues with it: the same command, repeated, counts its jobs and closes it."""
    world.stand_in.job_seconds = 3600
    run = interrupt(world, tmp_path)
    first = command("runs", "cancel", run, "--json", **KEY)
    assert json.loads(first.stdout)["phase"] == "confirming", first.output
    world.stand_in.clock = lambda: time.time() + 7200

    until = time.monotonic() + 60
    while json.loads((last := command("runs", "cancel", run, "--json", **KEY)).stdout)["phase"] != "closed":
        assert time.monotonic() < until
        time.sleep(0.5)

    assert canceled(last)["imported"] == len(world.members()) == 1_000


@pytest.mark.parametrize(("connected", "imported"), [(True, 1_000), (False, 0)])
def test_over_http(world: World, interrupted: str, connected: bool, imported: int) -> None:
    """The app has no key but those of its connections: with one to the account, it counts the jobs."""
    if connected:
        world.document("connections/sandbox.json", account={"id": "SNDBOX", "name": "Sandbox"})
    with running_host(environment_of(world)) as host:
        answer = host.post(f"/api/runs/{interrupted}/cancel")
    assert answer.status_code == httpx.codes.OK
    record = answer.json()
    assert (record["status"], record["error"]) == ("canceled", None)
    counts = record["counts"]
    assert (counts["imported"], counts["unconfirmed"]) == (imported, 1_000 - imported)


def test_while_it_still_sends(command: Command, world: World, tmp_path: Path) -> None:
    """The process sees it before its next post, stops there and reports a canceled run."""
    # A person whom Klaviyo refuses without a name is searched for by halves, one post after the other.
    world.stand_in.refused_emails = {email(49)}
    world.stand_in.bad_rows_named = 0
    world.stand_in.faults.add([Fault("slow", method="POST", nth=None, seconds=0.5)])
    arguments = send_command(tmp_path / "people.csv", People(50))
    with running(arguments, environment_of(world) | KEY, tmp_path / "output") as process:
        run = run_with_jobs(world, 1)
        asked = command("runs", "cancel", run, "--json", **KEY)

    assert asked.exit_code == 0, asked.output
    record = json.loads((tmp_path / "output").read_bytes())
    assert (record["id"], record["status"], record["error"]) == (run, "canceled", None)
    assert process.exitcode == 1
    assert 0 < record["counts"]["imported"] == len(world.members()) < 49
