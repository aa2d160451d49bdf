"""Exports by command: added from options or from questions, changed, run together, and their account."""

import json
import sys
from pathlib import Path

import pytest

from sandbox.people import COLUMNS, People
from shared.errors import NotFound
from tests.cli.conftest import Command
from tests.support.forks import in_terminal
from tests.support.world import LIST, SEGMENT, World, environment_of

OPTIONS = ["--id", "new", "--segment", SEGMENT, "--list", LIST, "--email", "EMail"]


def test_an_export_is_added_from_options(command: Command, world: World) -> None:
    """Its one connection need not be named; nothing runs."""
    world.segment(People(3))

    result = command(
        "exports", "add", *OPTIONS, "--map", "first_name=FirstName", "--property", "City", "--json"
    )

    made = json.loads(result.stdout)
    assert made["connection"] == "sandbox"
    assert made["attributes"] == {"first_name": {"column": "FirstName"}, "properties": [{"column": "City"}]}
    assert json.loads(command("runs", "list", "new", "--json").stdout) == {"runs": []}


def test_what_is_missing_is_an_error_where_nobody_can_be_asked(command: Command, world: World) -> None:
    world.segment(People(3))

    result = command("exports", "add", "--segment", SEGMENT, "--list", LIST)

    assert (result.exit_code, "--email is missing" in result.output) == (2, True)


def test_all_problems_are_shown(command: Command, world: World) -> None:
    world.segment(People(3))

    result = command(
        "exports", "add", "--id", "new", "--segment", SEGMENT, "--list", "GoneXY", "--email", "Mail"
    )

    assert result.exit_code == 2
    assert "/list_id" in result.output
    assert "/match/email" in result.output
    with pytest.raises(NotFound):
        world.services.catalog.export("new")


def test_an_export_is_added_by_answers_in_a_terminal(world: World) -> None:
    """The only connection, segment and list are used; columns are suggested, with their share of blank
    cells."""
    world.segment(People(3))

    code, said = in_terminal(
        ["exports", "add", "--id", "new"], environment_of(world), typed="\n".join(["", "y", ""])
    )

    assert code == 0, said
    assert f"Segment: {SEGMENT} (3 members)" in said
    assert "List: VIP (Y6nRLr, single opt in)" in said
    assert "EMail (string, 0% blank)" in said
    export = world.services.catalog.export("new")
    assert (export.match.email, export.display_name) == ("EMail", SEGMENT)
    assert set(export.attributes.sources) >= {"first_name", "last_name"}


def test_an_export_is_edited_in_an_editor(command: Command, world: World, tmp_path: Path) -> None:
    """The edited text is checked and saved; an error is shown and changes nothing."""
    world.segment(People(3))
    editor = tmp_path / "editor.py"
    editor.write_text(
        "import sys, pathlib\n"
        "path = pathlib.Path(sys.argv[-1])\n"
        "path.write_text(path.read_text().replace(sys.argv[1], sys.argv[2]))\n"
    )

    def edited(old: str, new: str) -> tuple[int, str]:
        result = command("exports", "edit", "vip", EDITOR=f"{sys.executable} {editor} {old} {new}")
        return result.exit_code, result.output

    assert edited("VIPs", "Renamed")[0] == 0
    assert world.services.catalog.export("vip").display_name == "Renamed"
    code, said = edited(LIST, "GoneXY")
    assert (code, "/list_id" in said) == (2, True)
    assert LIST not in Path(said.split("Your text is in ")[1].strip().removesuffix(".")).read_text()
    assert edited("nothing", "else") == (1, "Nothing was changed.\n")
    assert world.services.catalog.export("vip").list_id == LIST


def test_an_export_is_changed_duplicated_and_removed(command: Command, world: World) -> None:
    world.segment(People(3))

    assert command("exports", "deactivate", "vip").exit_code == 0
    assert not world.services.catalog.export("vip").is_active
    assert command("exports", "activate", "vip").exit_code == 0
    copy = json.loads(command("exports", "duplicate", "vip", "--json").stdout)
    assert (copy["id"], copy["schedule"]["active"]) == ("vip-copy", False)
    assert json.loads(command("exports", "detach", "vip", "--json").stdout)["connection"] is None
    assert command("run", "vip").exit_code == 1
    assert command("exports", "attach", "vip", "sandbox").exit_code == 0
    assert command("run", "vip").exit_code == 0
    assert command("exports", "remove", "vip").exit_code == 0
    with pytest.raises(NotFound):
        world.services.catalog.export("vip")


def test_all_active_exports_run(command: Command, world: World) -> None:
    """Active exports run; a broken one hides no other, but changes the exit code."""
    world.segment(People(3))
    command("exports", "duplicate", "vip")
    command("exports", "add", *OPTIONS)
    world.services.state.write("exports/broken.json", b"no JSON")

    result = command("run", "--all", "--json")

    told = json.loads(result.stdout)
    runs = told["runs"]
    assert sorted(run["export"] for run in runs) == ["new", "vip"]
    assert [(each["export"], each["code"]) for each in told["problems"]] == [("broken", "invalid_document")]
    assert result.exit_code == 2
    listed = json.loads(command("runs", "list", "--json").stdout)["runs"]
    assert sorted(run["id"] for run in listed) == sorted(run["id"] for run in runs)
    assert command("run").exit_code == command("run", "vip", "--all").exit_code == 2


def test_a_run_is_followed_and_its_refused_rows_shown(command: Command, world: World) -> None:
    people = list(People(3))
    world.segment([tuple("" for _ in COLUMNS), *people], partitions=1)
    world.stand_in.refused_emails.add(people[2][list(COLUMNS).index("EMail")])
    run = json.loads(command("run", "vip", "--json").stdout)["id"]

    followed = command("runs", "follow", run, "--json")
    refused = command("runs", "rejected", run).stdout.splitlines()

    assert (followed.exit_code, json.loads(followed.stdout)["id"]) == (0, run)
    assert refused[0] == "partition,row,column,reason,stage"
    # Klaviyo's refusals are stored before those of the checks, and shown where they are in the file.
    assert [line.split(",")[1:] for line in refused[1:]] == [
        ["1", "EMail", "missing_email", "check"],
        ["4", "EMail", "invalid", "import"],
    ]
    assert command("runs", "rejected", "vip.20260101T000000Z-0000").exit_code == 2


def test_what_commands_change_is_in_the_audit(command: Command, world: World, tmp_path: Path) -> None:
    """The audit has the user's name, as an administrator."""
    world.segment(People(3))
    addresses = tmp_path / "addresses.txt"
    addresses.write_text("nobody@example.org\n")
    document = tmp_path / "export.json"
    document.write_text(command("exports", "show", "vip").stdout.replace("VIPs", "Applied"))
    run = json.loads(command("run", "vip", "--json").stdout)["id"]
    command("apply", str(document))
    command("exports", "deactivate", "vip")
    command("connections", "share", "sandbox", "contributors")
    command("forget", "--file", str(addresses), "--yes")
    assert command("runs", "cancel", run).exit_code == 1

    entries = json.loads(command("audit", "--json").stdout)["audit"]

    assert [(each["action"], each["on"], each["outcome"]) for each in reversed(entries)] == [
        ("runs.start", "exports/vip", "done"),
        ("exports.change", "exports/vip", "done"),
        ("exports.change", "exports/vip", "done"),
        ("connections.change", "connections/sandbox", "done"),
        ("forget", "people", "done"),
    ]
    assert {each["who"]["role"] for each in entries} == {"administrator"}
    assert "nobody@example.org" not in json.dumps(entries)
    assert "exports.change (display_name)" in " ".join(command("audit").stdout.split())
    only = json.loads(command("audit", "--document", "connections", "--limit", "1", "--json").stdout)["audit"]
    assert [each["changed"] for each in only] == [["shared_with"]]


def test_what_goes_for_good_is_asked_for_in_a_terminal(world: World) -> None:
    """A script is not asked, and a person need not be."""
    code, said = in_terminal(["exports", "remove", "vip"], environment_of(world), typed="n\n")
    assert (code, "Nothing was removed." in said) == (1, True)
    assert world.services.catalog.export("vip")

    code, said = in_terminal(["exports", "remove", "vip", "--yes"], environment_of(world))
    assert code == 0, said
    with pytest.raises(NotFound):
        world.services.catalog.export("vip")
