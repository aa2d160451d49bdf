"""`doctor` reports each problem separately, with a fix."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.klaviyo import Fault
from sandbox.people import People
from shared.administration.checkup.installation import examine
from shared.errors import Denied
from shared.runs.advance import start
from shared.runs.starting import Request
from tests.cli.conftest import Command
from tests.support.azurite import AzuriteQueues
from tests.support.world import World


@pytest.fixture
def well(world: World) -> World:
    """An installation in which nothing is wrong."""
    world.segment(People(10))
    return world


def wrong(command: Command, **environment: str) -> dict[str, dict[str, str]]:
    """The problems that `doctor --json` finds, by name; each has a fix."""
    result = command("doctor", "--json", **environment)
    document = json.loads(result.stdout)
    told = [finding for finding in document["findings"] if finding["fix"]]
    found = {finding["name"]: finding for finding in told if not finding["warning"]}
    assert document["well"] is not bool(found)
    assert result.exit_code == (1 if found else 0)
    return found


def test_nothing_is_wrong(command: Command, well: World) -> None:
    """The output names everything that an export depends on; the exit code is 0, and the state has not
    changed."""
    before = list(well.services.state.list())

    result = command("doctor")

    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[-1] == "No problems were found."
    assert [line.split(":")[0] for line in lines[:-1]] == [
        "ok    versions",
        "ok    segments",
        "ok    state",
        "ok    clock",
        "ok    timer",
        "ok    erased people",
        "ok    connections/sandbox.json",
        "ok    secret klaviyo-sandbox",
        "ok    account of sandbox",
        "ok    exports/vip.json",
        "ok    list of vip",
        "ok    segment HighValueSegment of vip",
        "ok    schedule of vip",
    ]
    assert "SNDBOX (Sandbox) and can read lists, profiles and jobs; write access" in result.stdout
    assert list(well.services.state.list()) == before
    assert well.stand_in.accounts["SNDBOX"].jobs == {}


def test_settings_that_can_not_be_read(command: Command) -> None:
    """The setting is named, exit code 2."""
    result = command("doctor", "--json", STATE_URL="ftp://example.org")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["code"] == "invalid_settings"


def test_a_key_that_is_missing_hides_nothing_else(command: Command, well: World) -> None:
    """The vault's refusal and everything that depends on it are reported, and a wrong column as well."""
    well.secrets({})
    well.document("exports/vip.json", match={"email": "Mail"})
    found = wrong(command)
    assert found.keys() == {
        "secret klaviyo-sandbox",
        "account of sandbox",
        "list of vip",
        "segment HighValueSegment of vip",
    }
    assert "connection first" in found["list of vip"]["fix"]
    assert "Add the key to" in found["secret klaviyo-sandbox"]["fix"]
    assert found["account of sandbox"]["fix"] == found["secret klaviyo-sandbox"]["fix"]


def test_a_file_of_keys_that_others_can_read(command: Command, well: World) -> None:
    """The fix is a command with the file's own path."""
    path = well.services.settings.secrets_file
    path.chmod(0o644)
    assert f"chmod 600 {path}" in wrong(command)["secret klaviyo-sandbox"]["fix"]


def test_a_key_that_klaviyo_does_not_know(command: Command, well: World) -> None:
    """The document is right, and need not be written again."""
    well.secrets({"klaviyo-sandbox": "pk_unknown"})
    found = wrong(command)
    assert found.keys() == {"account of sandbox", "list of vip"}
    assert "key that Klaviyo knows into the vault" in found["account of sandbox"]["fix"]


@pytest.mark.parametrize("scope", ["accounts:read", "lists:read", "profiles:read"])
def test_a_key_without_a_scope(command: Command, well: World, scope: str) -> None:
    """A run with this key would fail, so doctor reports it before the first run."""
    scopes = {"accounts:read", "lists:read", "profiles:read"} - {scope}
    keys = {"pk_sandbox": frozenset(scopes)}
    well.stand_in.add_account("SNDBOX", "Sandbox", keys=keys, lists={"Y6nRLr": "VIP"})
    account = wrong(command)["account of sandbox"]
    assert scope in account["message"]
    assert "docs/security.md" in account["fix"]


def test_a_key_of_another_account(command: Command, well: World) -> None:
    """A swapped key is seen, and the connection is not written."""
    well.document("connections/sandbox.json", account={"id": "OTHER", "name": "Other"})
    account = wrong(command)["account of sandbox"]
    assert "SNDBOX, not the connection's OTHER" in account["message"]
    assert "connection's own account" in account["fix"]


def test_a_list_and_a_column_that_are_not_there(command: Command, well: World) -> None:
    """Each problem is separate, and fixed by writing the document again."""
    well.document("exports/vip.json", list_id="Nowher", match={"email": "Mail"})
    found = wrong(command)
    assert "'Nowher'" in found["list of vip"]["message"]
    assert "'Mail'" in found["segment HighValueSegment of vip"]["message"]
    assert all("apply -f FILE" in finding["fix"] for finding in found.values())


def test_a_segment_that_is_not_there(command: Command, well: World) -> None:
    """Those that are there can be shown."""
    well.document("exports/vip.json", segments=["HighValueSegment", "Nowhere"])
    found = wrong(command)
    assert found.keys() == {"segment Nowhere of vip"}
    assert "segment-export segments" in found["segment Nowhere of vip"]["fix"]


def test_segments_that_are_not_there(command: Command, well: World) -> None:
    """If SEGMENTS_URL has no segments, the setting has to be fixed, and no document."""
    found = wrong(command, SEGMENTS_URL=f"file:{well.folder / 'elsewhere'}")
    assert "Check SEGMENTS_URL" in found["segments"]["fix"]


def test_a_connection_that_is_not_there(command: Command, well: World) -> None:
    """The export that names it is as it should be, or names the wrong one."""
    well.services.state.delete("connections/sandbox.json")
    found = wrong(command)
    assert found.keys() == {"exports/vip.json", "list of vip"}
    assert {"Fix or create the connection first" in finding["fix"] for finding in found.values()} == {True}


def test_a_head_that_is_not_valid(command: Command, well: World) -> None:
    """No document can fix it: the runbook explains how to restore it."""
    well.services.state.write("heads/vip.json", b"{")
    assert "docs/runbook.md" in wrong(command)["schedule of vip"]["fix"]


def test_a_document_that_is_not_valid(command: Command, well: World) -> None:
    """Its problem is reported, and the other documents are checked."""
    well.document("exports/vip.json", segments=None)
    well.services.state.write("exports/broken.json", b"{")
    assert wrong(command).keys() == {"exports/vip.json", "exports/broken.json"}


def test_pauses(command: Command, well: World) -> None:
    """A forgotten pause is why nothing runs."""
    well.document("connections/sandbox.json", paused=True)
    found = json.loads(command("doctor", "--json", EXPORTS_PAUSED="true").stdout)["findings"]
    assert {finding["name"] for finding in found if finding["fix"]} == {
        "settings",
        "pause of sandbox",
    }


def test_a_schedule_whose_last_run_failed(command: Command, well: World) -> None:
    """The run is named, to look at."""
    well.stand_in.faults.add([Fault("error", status=401, nth=None)])
    run = well.run()
    well.stand_in.faults.clear()
    assert run.status == "failed"
    assert f"runs show {run.id}" in wrong(command)["schedule of vip"]["fix"]


def test_the_next_time_of_a_recurrence(command: Command, well: World) -> None:
    """The time is in UTC, in any time zone."""
    when = {"cron": "0 6 * * *", "timezone": "Asia/Tokyo"}
    well.document("exports/vip.json", schedule={"when": when})
    assert " 21:00 UTC; no run yet" in command("doctor").stdout


def test_a_state_that_can_not_be_written(command: Command, well: World) -> None:
    """Nothing else can be checked without the state."""
    state = Path(well.services.settings.state_url.removeprefix("file:"))
    (state / "locks").write_text("a file where a folder should be")
    assert wrong(command).keys() == {"state"}


def test_where_nothing_is_configured(command: Command, well: World) -> None:
    """An empty state may mean a wrong STATE_URL: doctor warns about it."""
    for name in ("connections/sandbox.json", "exports/vip.json"):
        well.services.state.delete(name)
    result = command("doctor")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split(":")[0] for line in lines if line.startswith("warn")] == [
        "warn  connections",
        "warn  exports",
    ]
    assert result.stdout.count("Check STATE_URL") == 2
    assert lines[-1] == "No problems were found. Check the warnings."


def test_a_folder_that_is_not_there(command: Command, well: World) -> None:
    """Looking at a mistyped STATE_URL doesn't make it one that is there."""
    folder = well.folder / "elsewhere"
    result = command("doctor", STATE_URL=f"file:{folder}")
    assert result.exit_code == 0
    assert f"warn  state: The folder {folder} does not exist." in result.stdout
    assert not folder.exists()


@pytest.mark.parametrize("poisoned", [0, 2])
def test_the_queue(command: Command, well: World, azurite_queues: AzuriteQueues, poisoned: int) -> None:
    """That it answers; messages that have failed for good are a warning, since nothing is lost with them."""
    queue = azurite_queues.queue()
    poison = azurite_queues.named(f"{queue.queue_name}-poison")
    poison.create_queue()
    for _ in range(poisoned):
        poison.send_message("x")
    result = command("doctor", QUEUE_URL=queue.url)
    assert result.exit_code == 0
    assert f"answers; 0 messages wait, {poisoned} have failed" in result.stdout
    assert ("warnings" in result.stdout) is (poisoned > 0)
    assert ("docs/runbook.md" in result.stdout) is (poisoned > 0)


def test_a_queue_that_is_away(command: Command, well: World) -> None:
    """The problem has a fix, and everything else is still checked."""
    found = wrong(command, QUEUE_URL="http://127.0.0.1:1/devstoreaccount1/work")
    assert found.keys() == {"queue"}
    assert "Try again later" in found["queue"]["fix"]


class NoSender:
    """An app that may read the poison queue, and has no role on the queue itself."""

    def send(self, text: str, delay: float = 0) -> None:
        raise Denied("The queue: access is denied (403).")

    def waiting(self) -> int:
        raise Denied("The queue: access is denied (403).")

    def poisoned(self) -> int:
        return 0


def test_an_app_that_may_not_send(well: World) -> None:
    """The role on one queue does not cover the other."""
    services = replace(well.services, queue=NoSender())
    (found,) = (each for each in examine(services, well.deadline()) if each.name == "queue")
    assert not found.warning
    assert "Contributor" in found.fix


@pytest.mark.parametrize(("minutes", "late"), [(14, False), (16, True)])
def test_an_account_that_waits_for_a_worker(well: World, minutes: int, *, late: bool) -> None:
    """As the alert has it: for more than a quarter of an hour."""
    well.add_queue()
    start(well.services, "vip", Request("on_demand", "tester"))
    well.clock.sleep(60 * minutes)
    (found,) = (each for each in examine(well.services, well.deadline()) if each.name == "workers")
    assert (found.warning, bool(found.fix)) == (late, late)
    assert ("sandbox" in found.message) is late


def test_a_klaviyo_that_is_away_is_noted_at_once(
    command: Command, well: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody looks at nothing for two minutes."""
    monkeypatch.setattr("cli.doctor.command.ONLINE", 6)

    result = command("doctor", KLAVIYO_URL="http://127.0.0.1:9")

    assert result.exit_code == 1
    assert "Something does not answer. Trying again, for up to 6 s." in result.stderr
