"""`doctor`: what is wrong, each thing by itself, and what to do about it."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from cli.checkup import Finding, examine
from sandbox.klaviyo import Fault
from sandbox.people import People
from tests.cli.conftest import Command
from tests.support.world import World, a_world


@pytest.fixture
def well(world: World) -> World:
    """An installation in which nothing is wrong."""
    world.segment(People(10))
    return world


def wrong(command: Command) -> dict[str, dict[str, str]]:
    """What `doctor --json` finds wrong, by name; each comes with what to do."""
    result = command("doctor", "--json")
    document = json.loads(result.stdout)
    found = {finding["name"]: finding for finding in document["findings"] if finding["mend"]}
    assert document["well"] is not bool(found)
    assert result.exit_code == (1 if found else 0)
    return found


def test_nothing_is_wrong(command: Command, well: World) -> None:
    """Everything an export stands on is named; exit code 0, and the state is as it was."""
    before = list(well.services.state.list())

    result = command("doctor")

    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[-1] == "Nothing is wrong."
    assert [line.split(":")[0] for line in lines[:-1]] == [
        "ok    versions",
        "ok    segments",
        "ok    state",
        "ok    clock",
        "ok    secret klaviyo-sandbox",
        "ok    connections/sandbox.json",
        "ok    exports/vip.json",
        "ok    schedule of vip",
    ]
    assert "SNDBOX (Sandbox)" in result.stdout
    assert list(well.services.state.list()) == before
    assert well.stand_in.accounts["SNDBOX"].jobs == {}


def test_settings_that_can_not_be_read(command: Command) -> None:
    """The setting is named, exit code 2."""
    result = command("doctor", "--json", STATE_URL="ftp://example.org")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["code"] == "invalid_settings"


def test_a_key_that_is_missing_hides_nothing_else(command: Command, well: World) -> None:
    """The vault's refusal and what depends on it are told, and the list of the other export too."""
    well.secrets({})
    well.document("exports/vip.json", list_id="Nowher")
    found = wrong(command)
    assert found.keys() == {
        "secret klaviyo-sandbox",
        "connections/sandbox.json",
        "exports/vip.json",
    }
    assert "KEY_VAULT_URL" in found["secret klaviyo-sandbox"]["mend"]


def test_a_key_without_a_scope(command: Command, well: World) -> None:
    """A key that can't read profiles would fail at the end of a run: it is seen before the first."""
    keys = {"pk_sandbox": frozenset({"accounts:read", "lists:read"})}
    well.stand_in.add_account("SNDBOX", "Sandbox", keys=keys, lists={"Y6nRLr": "VIP"})
    found = wrong(command)
    assert found.keys() == {"connections/sandbox.json"}
    assert "profiles:read" in found["connections/sandbox.json"]["message"]


def test_a_key_of_another_account(command: Command, well: World) -> None:
    """A swapped key is seen, and the connection is not written."""
    well.document("connections/sandbox.json", account={"id": "OTHER", "name": "Other"})
    assert "SNDBOX, not the connection's OTHER" in wrong(command)["connections/sandbox.json"]["message"]


def test_a_list_and_a_column_that_are_not_there(command: Command, well: World) -> None:
    """Each with its pointer into the export."""
    well.document("exports/vip.json", list_id="Nowher", match={"email": "Mail"})
    message = wrong(command)["exports/vip.json"]["message"]
    assert "/list_id: " in message
    assert "/match/email: " in message


def test_a_document_that_is_none(command: Command, well: World) -> None:
    """What is wrong with it is said; the others are looked at."""
    well.document("exports/vip.json", segments=None)
    well.services.state.write("exports/broken.json", b"{")
    assert wrong(command).keys() == {"exports/vip.json", "exports/broken.json"}


def test_pauses(command: Command, well: World) -> None:
    """What somebody paused and forgot is why nothing runs."""
    well.document("connections/sandbox.json", paused=True)
    found = json.loads(command("doctor", "--json", EXPORTS_PAUSED="true").stdout)["findings"]
    assert {finding["name"] for finding in found if finding["mend"]} == {
        "settings",
        "connections/sandbox.json",
    }


def test_a_schedule_whose_last_run_failed(command: Command, well: World) -> None:
    """The run is named, to look at."""
    well.stand_in.faults.add([Fault("error", status=401, nth=None)])
    run = well.run()
    well.stand_in.faults.clear()
    assert run.status == "failed"
    assert f"runs show {run.id}" in wrong(command)["schedule of vip"]["mend"]


def test_the_next_time_of_a_recurrence(command: Command, well: World) -> None:
    """In UTC, whatever its time zone."""
    when = {"cron": "0 6 * * *", "timezone": "Asia/Tokyo"}
    well.document("exports/vip.json", schedule={"when": when})
    assert " 21:00 UTC; no run yet" in command("doctor").stdout


def found(world: World) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(world.services) if finding.mend}


def test_a_clock_that_is_wrong(tmp_path: Path) -> None:
    """The machine's clock is held against the store's."""
    with a_world(tmp_path) as world:
        world.segment(People(10))
        skew = world.services.state
        skew.write("probe", b"")
        world.clock.sleep((skew.now() - world.clock.now()).total_seconds() + 30)
        assert "clock" not in found(world)
        world.clock.sleep(60)
        assert "time server" in found(world)["clock"].mend


def test_a_revision_that_klaviyo_deprecates(tmp_path: Path) -> None:
    """An app that nobody updates says so a year before Klaviyo stops to understand it."""
    with a_world(tmp_path) as world:
        assert "versions" not in found(world)
        world.clock.sleep(timedelta(days=500).total_seconds())
        assert "newer segment-export" in found(world)["versions"].mend


def test_a_state_that_can_not_be_written(command: Command, well: World) -> None:
    """Without it nothing else can be looked at."""
    state = Path(well.services.settings.state_url.removeprefix("file:"))
    (state / "locks").write_text("a file where a folder should be")
    assert wrong(command).keys() == {"state"}
