"""`forget`: each line of the input is accounted for by its number, and no address is shown."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from sandbox.klaviyo import Fault, JobPlan
from sandbox.klaviyo.accounts import SCOPES
from sandbox.people import People, email
from shared import state
from tests.cli.conftest import KEY, MAPS, Command, file_of
from tests.support.erasures import erasures, imported, left_open, listed
from tests.support.forks import in_terminal
from tests.support.refreshes import emails, rows
from tests.support.world import LIST, World, environment_of

NOTE = f"""\
{email(1)}

  {email(3).upper()}\t
not an address
{email(1)}
"""


def results(result: Result) -> list[tuple[int, str]]:
    return [(line["line"], line["result"]) for line in json.loads(result.stdout)["lines"]]


def shows_no_address(result: Result) -> bool:
    return "@" not in result.output and "person" not in result.output.lower()


def exported(world: World, *indexes: int) -> None:
    world.segment(rows(*indexes))
    world.run()


@pytest.mark.parametrize("way", ["file", "standard input"])
def test_each_line_is_accounted_for(command: Command, world: World, tmp_path: Path, way: str) -> None:
    """Valid lines are erased; the exit code asks a person to check the others."""
    exported(world, 0, 1, 2, 3)
    file = tmp_path / "requests.txt"
    file.write_text(NOTE)
    options = ["--file", str(file)] if way == "file" else []

    result = command("forget", "--json", *options, input=NOTE)

    assert results(result) == [(1, "erased"), (2, "blank"), (3, "erased"), (4, "malformed"), (5, "erased")]
    assert result.exit_code == 2
    assert world.members() == emails(0, 2)
    assert shows_no_address(result)
    assert json.loads(result.stdout)["accounts"] == [
        {"account": "SNDBOX", "connection": "sandbox", "importing": False, "error": None}
    ]


@pytest.mark.parametrize(("typed", "code", "stay"), [("n\n", 1, {0, 1}), ("y\n", 0, {1})])
def test_it_asks_in_a_terminal(world: World, tmp_path: Path, typed: str, code: int, stay: set[int]) -> None:
    """Erasing can't be undone."""
    exported(world, 0, 1)
    file = tmp_path / "requests.txt"
    file.write_text(f"{email(0)}\n")

    exit_code, said = in_terminal(["forget", "--file", str(file)], environment_of(world), typed)

    assert "Erase 1 people for good? [y/N]" in said
    assert (exit_code, world.members()) == (code, emails(*stay))


def test_nothing_to_read(command: Command, world: World) -> None:
    """The command reports it, and does not open the vault."""
    result = command("forget", input="")

    assert (result.exit_code, "one address per line" in result.stderr) == (2, True)
    assert not listed(world)


def test_as_a_table(command: Command, world: World) -> None:
    """The output has what the exports knew, and which accounts were asked to delete people."""
    exported(world, 0, 1)
    result = command("forget", input=f"{email(1)}\n{email(2)}")
    assert result.exit_code == 0, result.output
    assert [" ".join(line.split()) for line in result.output.splitlines()] == [
        "line result",
        "1 erased",
        "2 erased",
        "erased: 2",
        "export vip: 1 on its ledger",
        "account SNDBOX: asked to delete them",
    ]


def test_a_dry_run_shows_numbers_only(command: Command, world: World) -> None:
    """It erases no one."""
    exported(world, 0, 1)
    result = command("forget", "--dry-run", input=NOTE)
    assert result.exit_code == 2
    assert "to erase: 3" in result.output
    assert "malformed: 1" in result.output
    assert "export vip: 1 on its ledger" in result.output
    assert shows_no_address(result)
    assert (erasures(world), listed(world)) == (0, None)


@pytest.mark.parametrize("content", ["\n \n", "EMail\nname\n", "\xff\xfea\x00@\x00"])
def test_what_has_no_address_erases_nobody(command: Command, world: World, content: str) -> None:
    """And is an error, such as for a wrong file."""
    result = command("forget", "--json", input=content)
    assert result.exit_code == 2
    assert {outcome for _, outcome in results(result)} <= {"blank", "malformed"}
    assert (erasures(world), listed(world)) == (0, None)


def test_a_file_that_cant_be_read(command: Command, world: World, tmp_path: Path) -> None:
    """Or is far too long, is refused as a whole."""
    long = tmp_path / "long.txt"
    long.write_text("a@example.org\n" * 100_001)
    for file in (tmp_path / "missing.txt", tmp_path, long):
        result = command("forget", "--json", "--file", str(file))
        assert (result.exit_code, json.loads(result.stdout)["error"]["code"]) == (2, "unreadable_file")
    assert listed(world) is None


def test_where_klaviyo_is_away(command: Command, world: World) -> None:
    """They are already on the do-not-send list, and the same command continues later."""
    exported(world, 0, 1)
    world.stand_in.faults.add(
        [Fault("error", path="/api/data-privacy*", nth=None, status=429, retry_after=3_000)]
    )

    result = command("forget", "--json", input=email(1))

    assert (result.exit_code, results(result)) == (3, [(1, "listed")])
    assert json.loads(result.stdout)["accounts"][0]["error"]["code"] == "throttled"
    assert shows_no_address(result)
    assert listed(world) is not None
    world.stand_in.faults.clear()
    for blob in world.services.state.list("locks/pause-"):
        world.services.state.delete(blob.name)
    again = command("forget", "--json", input=email(1))
    assert (again.exit_code, results(again)) == (0, [(1, "erased")])
    assert world.members() == emails(0)


def test_an_address_that_klaviyo_does_not_take(command: Command, world: World) -> None:
    """Its line is reported, and the others are erased."""
    world.stand_in.faults.add([Fault("error", path="/api/data-privacy*", nth=1, status=400)])
    result = command("forget", "--json", input=f"{email(1)}\n{email(2)}\n")
    assert (result.exit_code, results(result)) == (2, [(1, "refused"), (2, "erased")])


def test_a_key_without_the_scope(command: Command, world: World) -> None:
    """The error names the scope, and the people are still never sent."""
    world.stand_in.add_account("SNDBOX", "Sandbox", keys={"pk_sandbox": SCOPES - {"data-privacy:write"}})
    result = command("forget", input=email(1))
    assert result.exit_code == 2
    assert "data-privacy:write" in result.output
    assert "1  listed" in result.output
    assert listed(world) is not None


def test_while_klaviyo_still_imports(command: Command, world: World) -> None:
    """The exit code asks to repeat the command: the job may bring the person back."""
    world.stand_in.plans.append(JobPlan(seconds=600))
    world.segment(rows(0, 1))
    left = left_open(world)

    result = command("forget", input=email(1))

    assert result.exit_code == 3
    assert "Repeat the command" in result.output
    assert "an import job is still running" in result.output
    assert f"the open run {left.id} removes them there" in result.output


def _people(world: World) -> Path:
    return file_of(world.folder / "people.csv", list(People(10)))


def erased_rows(result: Result) -> Any:
    return json.loads(result.stdout)["rejected_by_reason"]


def test_send_obeys_the_list(command: Command, world: World) -> None:
    """With the digest key of the vault that the settings name; its dry run does, too."""
    command("forget", input=email(1))
    posts = imported(world)
    arguments = ["send", str(_people(world)), "--list", LIST, *MAPS, "--json"]

    assert erased_rows(command(*arguments, "--dry-run")) == {"erased": 1}
    result = command(*arguments, **KEY)

    assert (result.exit_code, erased_rows(result)) == (0, {"erased": 1})
    assert [len(post) for post in posts] == [9]
    assert world.members() == {email(index) for index in range(10)} - emails(1)


def test_send_refuses_where_it_cant_read_the_list(command: Command, world: World) -> None:
    """The message names the missing secret and where it was expected."""
    command("forget", input=email(1))
    world.secrets({"klaviyo-sandbox": "pk_sandbox"})
    posts = imported(world)

    result = command("send", str(_people(world)), "--list", LIST, *MAPS, **KEY)

    assert result.exit_code == 1
    assert "erased_unreadable" in result.output
    assert "digest-key" in result.output
    assert "SECRETS_FILE" in result.output
    assert posts == []


def test_send_needs_no_vault_where_nobody_was_erased(command: Command, world: World) -> None:
    """The command does not even read the secrets file."""
    secrets = world.services.settings.secrets_file
    secrets.chmod(0o644)
    result = command("send", str(_people(world)), "--list", LIST, *MAPS, "--json", **KEY)
    assert result.exit_code == 0, result.output
    assert not list(world.services.state.list(state.ERASED))
