"""Files without a header: no cell is ever shown as a column name or a choice."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.administration.segments import names_hidden
from shared.profiles.columns import look_like_names
from shared.segments import Column, CsvFormat, Snapshot
from tests.cli.conftest import KEY, Command
from tests.support.forks import in_terminal
from tests.support.world import LIST, World, environment_of

PERSON = ["ann.canary@example.org", "Canary", "1 Canary Road", "", "04107"]


@pytest.mark.parametrize(
    "names",
    [
        ["EMail"],
        ["EMail", "FirstName", "City", "1st order", ""],
        ["(Do Not Modify) Contact", "\u00c9tat", "\u96fb\u8a71", "Courriel"],
        [" EMail ", "Name", "Name"],
    ],
)
def test_names_of_columns(names: list[str]) -> None:
    """Most of them are distinct and begin with a letter, and one is an email's; some may be odd."""
    assert look_like_names(names)


@pytest.mark.parametrize(
    "cells",
    [
        [],
        [""],
        PERSON,
        ["EMail", "FirstName", "City", "ann@example.org"],
        ["Ann", "", "04107", "12"],
        ["Ann", "Lee", "+4912345"],
        ["Ann", "Ann", "Ann", "Bo"],
        ["EMail", "1", "2", ""],
        ["_1", "_2"],
    ],
)
def test_what_may_be_a_person(cells: list[str]) -> None:
    """An @ anywhere, no name for an email, or too few names that are distinct and begin with a letter."""
    assert not look_like_names(cells)


@pytest.mark.parametrize(
    ("names", "by_file", "hidden"),
    [(PERSON, True, True), (PERSON, False, False), (["EMail", "City"], True, False), ([], True, False)],
)
def test_whose_columns_are_shown(names: list[str], by_file: bool, hidden: bool) -> None:
    """A model.json's names are always shown, a file's only if they look like names."""
    snapshot = Snapshot(
        segment="S",
        folder="S",
        version="1",
        refreshed_at=datetime(2026, 8, 24, tzinfo=UTC),
        columns=tuple(map(Column, names)),
        csv_format=CsvFormat(True, ","),
        partitions=(),
        names_by_file=by_file,
    )

    assert names_hidden(snapshot) is hidden


@pytest.fixture
def headerless(tmp_path: Path) -> Path:
    """A CSV file of two people, and nothing else."""
    path = tmp_path / "people.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([PERSON, ["bo@example.org", "Bo", "", "", ""]])
    return path


@pytest.mark.parametrize(
    "options", [[], ["--yes"], ["--email", "EMail"], ["--email", "Canari", "--dry-run"]], ids=" ".join
)
def test_send_shows_no_cell_of_a_file_without_a_header(
    world: World, headerless: Path, options: list[str]
) -> None:
    """Neither as a choice, nor as a guess, nor as the closest name to one that is not there."""
    arguments = ["send", str(headerless), "--list", LIST, *options]

    code, said = in_terminal(arguments, environment_of(world) | KEY, "\n\n")

    assert code == 2, said
    assert "canary" not in said.casefold()
    assert "04107" not in said


def test_segments_shows_no_cell_of_a_file_without_a_header(command: Command, world: World) -> None:
    """Its name is shown, but no one's cells."""
    content = f"{','.join(PERSON)}\nbo@example.org,Bo,,,\n"
    world.services.segment_store.write("Loose/Loose.csv", content.encode())

    for options in ([], ["--json"]):
        said = command("segments", *options).output
        assert "canary" not in said.casefold()
        assert "04107" not in said
