"""The promises of every command: help with an example, actionable messages, exit codes, one JSON document."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import click
import pytest

from sandbox.klaviyo import Fault
from sandbox.people import People
from shared.runs.heads.head import read_head
from tests.cli.conftest import Command
from tests.support.commands import commands
from tests.support.forks import in_terminal
from tests.support.host import COMMAND
from tests.support.processes import accepted
from tests.support.small_batches import UnusualPeople
from tests.support.world import SEGMENT, World, environment_of


@pytest.mark.parametrize("path", commands())
def test_every_command_has_help_with_an_example(command: Command, path: str) -> None:
    """`--help` explains the command and has an example that can be typed."""
    result = command(*path.split()[1:], "--help")

    assert result.exit_code == 0
    assert "Example" in result.stdout
    assert path in " ".join(result.stdout.partition("Example")[2].split())


def test_the_help_imports_no_command() -> None:
    """The list of commands is there at once; a command's libraries are imported when it is called."""
    show = (
        "import atexit, sys; atexit.register(lambda: print(*sys.modules)); "
        "from cli.main import main; main(['--help'])"
    )
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True)
    help_, _, modules = done.stdout.rstrip().rpartition("\n")

    for path in commands():
        assert path.count(" ") != 1 or f"\n  {path.split()[1]} " in help_
    for heavy in ("httpx", "pydantic", "rich", "azure", "opentelemetry", "cli.send", "shared.runs"):
        assert heavy not in modules.split()


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (["run", "--json"], "invalid_usage", 2),
        (["run", "vip", "--limit", "0", "--json"], "invalid_usage", 2),
        (["no-such", "--json"], "invalid_usage", 2),
        (["run", "no-such", "--json"], "unknown_export", 2),
        (["runs", "show", "no-such", "--json"], "unknown_run", 2),
    ],
)
def test_errors_as_json(command: Command, arguments: list[str], code: str, exit_code: int) -> None:
    """With --json an error is one document on standard output, and nothing else."""
    result = command(*arguments)

    assert result.exit_code == exit_code
    error = json.loads(result.stdout)["error"]
    assert error.keys() == {"code", "message"}
    assert error["code"] == code
    assert error["message"]


def test_errors_say_what_to_do(command: Command, world: World) -> None:
    """Standard error has the problem, its code, and the command that helps."""
    result = command("run", "no-such")

    assert (result.exit_code, result.stdout) == (2, "")
    assert not (world.folder / "state" / "locks").exists()
    assert "Error: The export 'no-such' does not exist. (unknown_export)" in result.stderr
    assert "segment-export exports list" in result.stderr


def test_settings_that_are_wrong_are_a_usage_error(command: Command) -> None:
    """The message names the setting, and never its value."""
    result = command("run", "vip", KLAVIYO_URL="http://canary.example.org")

    assert result.exit_code == 2
    assert "KLAVIYO_URL" in result.stderr
    assert "canary" not in result.output


def test_a_bug_shows_its_place_and_nothing_of_the_data(
    command: Command, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unexpected error may contain personal data: only its place is shown."""

    @click.command()
    def broken() -> None:
        raise ValueError("canary@example.org")

    monkeypatch.setattr("cli.audit.audit", broken)
    result = command("audit")

    assert result.exit_code == 1
    assert "ValueError at test_entry.py:" in result.stderr
    assert "canary" not in result.output


def test_ctrl_c_leaves_a_run_that_can_be_resumed(world: World) -> None:
    """The interrupted run stays open, the command exits with 130, and the next one completes it."""
    world.segment(UnusualPeople(1_250))
    world.stand_in.faults.add([Fault("error", method="POST", nth=3, status=429, retry_after=15)])
    with subprocess.Popen(
        [str(COMMAND), "run", "vip"],
        env=environment_of(world),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until = time.monotonic() + 30
        while accepted(world) < 2:
            assert time.monotonic() < until
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        said, errors = process.communicate(timeout=30)

    assert process.returncode == 130
    assert "Stopping after the posts in flight" in errors
    assert "Run the same command again to resume it." in said
    assert "Traceback" not in errors
    head, _ = read_head(world.services.state, "vip")
    assert head.open is not None
    # As if the next one came when Klaviyo takes posts again.
    world.clock.sleep((datetime.now(UTC) - world.clock.now()).total_seconds() + 15)
    record = world.run()
    assert (record.id, record.status, record.counts.imported) == (head.open.record.id, "successful", 1_250)


def test_output_into_a_closed_pipe_ends_quietly(world: World) -> None:
    """`| head` may close the pipe at any time."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [str(COMMAND), "--help"], env=environment_of(world), stdout=write, stderr=subprocess.PIPE, check=False
    )
    os.close(write)

    assert b"Traceback" not in done.stderr


def test_without_standard_output(world: World) -> None:
    """`>&-` closes it: that is no bug of the command."""
    script = f'"{COMMAND}" --help >&-'
    done = subprocess.run(
        ["sh", "-c", script], env=environment_of(world), stderr=subprocess.PIPE, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["sandbox", "serve"])
def test_a_port_that_is_not_valid(command: Command, name: str) -> None:
    """It is wrong usage, with the range."""
    result = command(name, "--port", "99999")

    assert result.exit_code == 2
    assert "0<=x<=65535" in result.stderr


def test_the_tab_key_completes_runs(command: Command, world: World) -> None:
    """Open and closed ones, of the export that is typed."""
    world.segment(People(3))
    closed = world.run().id
    world.document("connections/sandbox.json", paused=True)
    opened = world.run().id

    def completed(words: str) -> list[str]:
        typed = {"COMP_WORDS": f"segment-export {words}", "COMP_CWORD": str(len(words.split()))}
        environment = environment_of(world) | typed | {"_SEGMENT_EXPORT_COMPLETE": "bash_complete"}
        _, said = in_terminal([], environment)
        return [line.removeprefix("plain,") for line in said.splitlines()]

    assert completed("runs show vi") == sorted([closed, opened])
    assert completed(f"runs cancel {opened}") == [opened]
    assert completed("runs show other.") == [""]


def test_the_tab_key_completes_what_an_export_names(world: World) -> None:
    """Connections, segments, the lists of the account with their names, and the columns of the segment."""
    world.segment(People(3))

    def completed(*words: str) -> list[str]:
        typed = {"COMP_WORDS": " ".join(["segment-export", *words]), "COMP_CWORD": str(len(words))}
        environment = environment_of(world) | typed | {"_SEGMENT_EXPORT_COMPLETE": "bash_complete"}
        done = subprocess.run([str(COMMAND)], env=environment, capture_output=True, text=True, check=True)
        return [line.removeprefix("plain,") for line in done.stdout.splitlines()]

    assert completed("exports", "add", "--connection", "s") == ["sandbox"]
    assert completed("exports", "add", "--segment", "High") == [SEGMENT]
    assert completed("exports", "add", "--list", "Y") == ["Y6nRLr"]
    assert completed("exports", "add", "--segment", SEGMENT, "--email", "EM") == ["EMail"]
    assert completed("run", "v") == ["vip"]


def test_a_second_ctrl_c_waits_for_nothing(world: World) -> None:
    """It does not wait even for a post that hangs, and the run can still be resumed."""
    world.segment(People(10))
    world.stand_in.faults.add([Fault("hang", method="POST")])
    with subprocess.Popen(
        [str(COMMAND), "run", "vip", "--json"],
        env=environment_of(world),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        until = time.monotonic() + 30
        # What a post carries is written down right before it.
        while not any(blob.name.endswith(".places") for blob in world.services.state.list("runs/")):
            assert time.monotonic() < until
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert "Ctrl-C again" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=30)

    assert process.returncode == 130
    assert json.loads(said)["error"]["code"] == "interrupted"
    world.stand_in.faults.clear()
    assert world.run().counts.imported == 10


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "vipp"], "Did you mean vip?"),
        (["exports", "show", "Vpi"], "Did you mean vip?"),
        (["connections", "show", "sandbx"], "Did you mean sandbox?"),
    ],
)
def test_an_unknown_id_comes_with_the_closest(command: Command, words: list[str], said: str) -> None:
    """In the message, also as JSON."""
    result = command(*words, "--json")
    assert result.exit_code == 2
    assert said in json.loads(result.stdout)["error"]["message"]


def test_an_id_is_found_in_capitals(command: Command) -> None:
    """No id has them, so nothing else can be meant."""
    assert command("exports", "show", " VIP ").stdout == command("exports", "show", "vip").stdout
    assert command("exports", "show", "VIP").exit_code == 0
