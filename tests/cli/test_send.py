"""`send`: a stranger's own CSV, with nothing configured."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from sandbox.klaviyo import SCOPES, Fault
from sandbox.people import People
from shared.runs.heads.head import read_head
from shared.runs.work.tick import tick
from tests.cli.conftest import KEY, MAPS, Command, file_of
from tests.support.host import COMMAND
from tests.support.small_batches import UnusualPeople
from tests.support.world import LIST, World, environment_of


def test_a_file_becomes_a_list(command: Command, world: World, people: Path) -> None:
    """Every usable address is on the list, with what was mapped; properties are text."""
    result = command(
        "send", str(people), "--list", LIST, *MAPS, "--property", "RewardPoints", "--json", **KEY
    )

    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert record["counts"]["imported"] == len(People(200, dirt=True).expected.emails)
    assert world.members() == People(200, dirt=True).expected.emails
    attributes = world.stand_in.profile("person-0000001@example.org").attributes
    assert attributes == {
        "first_name": "Anthony",
        "location": {"city": "Austin"},
        "properties": {"RewardPoints": "37"},
    }
    assert world.services.state.stat(f"heads/{record['export']}.json")
    assert record["export"].startswith("send-")
    assert command("runs", "show", record["id"]).exit_code == 0
    assert record["id"] in command("runs", "list", record["export"]).stdout


def test_a_dry_run_needs_no_key_and_writes_nothing(command: Command, world: World, people: Path) -> None:
    """Counts, fields, requests: nothing is asked of Klaviyo."""
    before = [blob.name for blob in world.services.state.list()]

    shown = json.loads(command("send", str(people), "--list", LIST, *MAPS, "--dry-run", "--json").stdout)

    assert shown["counts"]["would_send"] == len(People(200, dirt=True).expected.emails)
    assert shown["fields"] == ["email", "first_name", "location.city"]
    assert len(world.stand_in.requests) == 0
    assert [blob.name for blob in world.services.state.list()] == before
    assert shown["export"] == "people.csv"


@pytest.mark.parametrize(
    "address",
    [
        f"https://www.klaviyo.com/list/{LIST}/vip-customers",
        f"https://www.klaviyo.com/lists/{LIST}",
        f" www.klaviyo.com/list/{LIST} ",
        f"https://www.klaviyo.com/list/{LIST}?page=2#top",
    ],
)
def test_a_list_by_the_address_of_its_page(
    command: Command, world: World, people: Path, address: str
) -> None:
    """An address copied from the browser is as good as the id in it."""
    result = command("send", str(people), "--list", address, *MAPS, **KEY)

    assert result.exit_code == 0
    assert world.members() == People(200, dirt=True).expected.emails


def test_a_trial(command: Command, world: World, people: Path) -> None:
    """--limit sends the first ones; the whole file is another run."""
    assert command("send", str(people), "--list", LIST, *MAPS, "--limit", "5", **KEY).exit_code == 0
    assert len(world.members()) == 5

    assert command("send", str(people), "--list", LIST, *MAPS, **KEY).exit_code == 0
    assert world.members() == People(200, dirt=True).expected.emails


def test_semicolons(command: Command, world: World, tmp_path: Path) -> None:
    """The delimiter that separates the most columns is used."""
    file = file_of(tmp_path / "people.csv", list(People(3)), ";")

    assert command("send", str(file), "--list", LIST, *MAPS, **KEY).exit_code == 0

    assert world.members() == People(3).expected.emails


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["--list", LIST, *MAPS], {}, "Set KLAVIYO_API_KEY"),
        (["--list", LIST], KEY, "--email COLUMN. It may be 'EMail'."),
        (["--list", LIST, "--email", "Mail"], KEY, "the closest names first: 'EMail'"),
        (["--list", LIST, *MAPS, "--map", "name=FullName"], KEY, "'name' is not an attribute"),
        (["--list", LIST, *MAPS, "--map", "first_name"], KEY, "is not ATTRIBUTE=COLUMN"),
        (["--list", LIST, *MAPS, "--map", "first_name=LastName"], KEY, "'first_name' is given twice"),
        (["--list", "Nowhere", *MAPS], KEY, "It has 'VIP (Y6nRLr)'. (unknown_list)"),
        (["--list", "no list", *MAPS], KEY, "not the id of a list, such as Y6nRLr"),
        (["--list", f"https://example.org/list/{LIST}", *MAPS], KEY, "not the id of a list"),
        (
            ["--list", LIST, *MAPS],
            {"KLAVIYO_API_KEY": "pk_wrong"},
            "private key into KLAVIYO_API_KEY. (invalid_key)",
        ),
        (MAPS, KEY, "Missing option '--list'"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    command: Command,
    world: World,
    people: Path,
    arguments: list[str],
    environment: dict[str, str],
    said: str,
) -> None:
    """2, with what to do."""
    result = command("send", str(people), *arguments, **environment)

    assert result.exit_code == 2
    assert said in result.stderr
    assert "pk_" not in result.output
    assert world.members() == set()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "begins with its column names"),
        (b"ada@example.org,Ada\n", "does not begin with column names"),
        ("EMail,Name\n".encode("utf-16-le"), "If it is text, name its encoding"),
        (b"%PDF-1.7\n", "people.csv is not text"),
        (None, "people.csv does not exist"),
    ],
)
def test_files_that_can_not_be_read(
    command: Command, tmp_path: Path, content: bytes | None, said: str
) -> None:
    """A file that can't be read is named, and none of its content is shown."""
    if content is not None:
        (tmp_path / "people.csv").write_bytes(content)

    result = command("send", str(tmp_path / "people.csv"), "--list", LIST, *MAPS, **KEY)

    assert result.exit_code == 2
    assert said in result.stderr
    assert "ada@" not in result.output


def test_a_person_is_no_column_name(command: Command, world: World, tmp_path: Path) -> None:
    """A file without names has a person in its first line, who would be lost, and the address kept."""
    file = tmp_path / "people.csv"
    file.write_text("ada@example.org,Ada\nbob@example.org,Bob\n")

    result = command("send", str(file), "--list", LIST, "--email", "ada@example.org", **KEY)

    assert result.exit_code == 2
    assert "people.csv begins with a person, not with column names." in result.stderr
    assert (world.members(), list(world.services.state.list("heads/send"))) == (set(), [])


def test_a_file_is_looked_for_before_the_key(command: Command) -> None:
    """A name that was mistyped is said, whether or not there is a key."""
    result = command("send", "nofile.csv", "--list", LIST, *MAPS)

    assert "nofile.csv does not exist" in result.stderr


def test_the_key_of_send_is_not_that_of_run(command: Command, world: World) -> None:
    """`run` takes its key from the vault, even if the environment has one."""
    world.segment(People(3))

    assert command("run", "vip", KLAVIYO_API_KEY="pk_wrong").exit_code == 0
    world.secrets({})
    assert command("run", "vip", **KEY).exit_code == 1


def send_command(world: World, people: Path) -> tuple[list[str], dict[str, str]]:
    return [str(COMMAND), "send", str(people), "--list", LIST, *MAPS, "--json"], environment_of(world) | KEY


def test_killed_and_repeated_it_resumes(world: World, tmp_path: Path) -> None:
    """The same command sends the rest, and nobody twice; the timer does not touch the run."""
    people = file_of(tmp_path / "people.csv", list(UnusualPeople(1_250)))
    arguments, environment = send_command(world, people)
    heads = killed_after_two_posts(world, arguments, environment)
    assert tick(world.services, 60).records == []

    done = subprocess.run(arguments, env=environment, capture_output=True, check=False)

    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert f"heads/{record['export']}.json" == heads[0]
    assert record["counts"]["imported"] == 1_250
    assert record["warnings"] == []
    assert sum(request.method == "POST" and request.status == 202 for request in world.stand_in.requests) == 3


def killed_after_two_posts(world: World, arguments: list[str], environment: dict[str, str]) -> list[str]:
    """The heads of the command's run, whose process died when Klaviyo had accepted two batches."""
    world.stand_in.faults.add([Fault("hang", method="POST", nth=3)])
    with subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL) as process:
        until = time.monotonic() + 30
        while not (heads := [h for h in sent_heads(world) if accepted(world, h) == 2]):
            assert time.monotonic() < until
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    world.stand_in.faults.clear()
    return heads


def sent_heads(world: World) -> list[str]:
    return [blob.name for blob in world.services.state.list("heads/send-") if blob.name.endswith(".json")]


def accepted(world: World, head: str) -> int:
    run = read_head(world.services.state, head.removeprefix("heads/").removesuffix(".json"))[0].open
    return len(run.deliveries.jobs) if run else 0


def test_a_key_without_a_scope(command: Command, world: World, people: Path) -> None:
    """A key that may not write fails the run, and the message names where `send` takes its key from."""
    keys = {"pk_sandbox": SCOPES - {"profiles:write"}}
    world.stand_in.add_account("SNDBOX", "Sandbox", keys=keys, lists={LIST: "VIP"})

    result = command("send", str(people), "--list", LIST, *MAPS, **KEY)

    assert result.exit_code == 1
    assert "error, missing_scope" in result.stdout
    assert "put it into KLAVIYO_API_KEY" in result.stdout


def test_what_is_not_a_file(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has the path as it was typed, and the problem."""
    monkeypatch.chdir(tmp_path)
    Path("people").mkdir()
    os.mkfifo("pipe")
    file_of(Path(".hidden.csv"), [])
    for path, said in (
        ("people", "people is a directory"),
        ("people/none.csv", "people/none.csv does not exist"),
        ("./pipe", "pipe is not a regular file"),
        (".hidden.csv", "The file name .hidden.csv is not supported"),
    ):
        result = command("send", path, "--list", LIST, *MAPS, **KEY)
        assert result.exit_code == 2
        assert said in result.stderr


def test_a_state_that_can_not_be_written(command: Command, people: Path, tmp_path: Path) -> None:
    """The message names the folder and the setting."""
    (tmp_path / "file").touch()
    for place in ("file", "file/below"):
        result = command(
            "send", str(people), "--list", LIST, *MAPS, **KEY, STATE_URL=f"file:{tmp_path / place}"
        )
        assert result.exit_code == 2
        said = f"The state in {tmp_path / place} can't be written: set STATE_URL to another place."
        assert said in result.stderr


def test_a_half_sent_file_that_was_changed_is_pointed_out(world: World, tmp_path: Path) -> None:
    """A file that was corrected is another run: the first one stays open until somebody ends it."""
    people = file_of(tmp_path / "people.csv", list(UnusualPeople(1_250)))
    arguments, environment = send_command(world, people)
    heads = killed_after_two_posts(world, arguments, environment)
    open_run = read_head(world.services.state, heads[0][6:-5])[0].open
    assert open_run is not None
    file_of(people, list(UnusualPeople(10)))

    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert f"To end it: segment-export runs cancel {open_run.record.id}." in done.stderr
