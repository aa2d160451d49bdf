"""Refused rows that one can act on: their lines, and the rows themselves where the person asks."""

import csv
import json
from pathlib import Path

import pytest

from tests.cli.conftest import KEY, Command, workbook
from tests.support.world import LIST, World

MAIL = ["--list", LIST, "--email", "E-Mail"]
PEOPLE = (
    "E-Mail;Name;Notiz\r\n"
    'a@example.org;A;"zwei\r\nZeilen"\r\n'
    "kein-at;B;=1+1\r\n"
    "\r\n"
    ";C;\r\n"
    "d@example.org;D;\r\n"
)
REFUSED = [
    ["people.csv", "4", "E-Mail", "invalid_email", "kein-at", "B", "=1+1"],
    ["people.csv", "6", "E-Mail", "missing_email", "", "C", ""],
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_bytes(PEOPLE.encode())
    return path


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8-sig") as content:
        return list(csv.reader(content, delimiter=";"))


def test_the_lines_of_refused_rows_are_shown(command: Command, file: Path) -> None:
    """After a run and in a dry run: where somebody finds them in an editor."""
    dry = command("send", str(file), *MAIL, "--dry-run").stdout
    run = command("send", str(file), *MAIL, **KEY).stdout

    for said in (dry, run):
        assert "  refused: people.csv line 4 E-Mail invalid_email\n" in said
        assert "  refused: people.csv line 6 E-Mail missing_email\n" in said


@pytest.mark.parametrize("options", [["--dry-run"], []])
def test_the_rows_are_written_where_one_asks(
    command: Command, file: Path, tmp_path: Path, options: list[str]
) -> None:
    """With the columns of the file, so that they can be mended and sent again; for their owner only."""
    target = tmp_path / "refused.csv"

    result = command("send", str(file), *MAIL, "--rejected-rows", str(target), "--json", *options, **KEY)

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["counts"]["rejected"] == 2
    assert "The file contains personal data." in result.stderr
    assert target.stat().st_mode & 0o777 == 0o600
    header, *written = rows(target)
    assert header[4:] == ["E-Mail", "Name", "Notiz"]
    assert written == REFUSED


def test_mended_rows_are_sent(command: Command, world: World, file: Path, tmp_path: Path) -> None:
    """The file of refused rows is one that `send` takes."""
    target = tmp_path / "refused.csv"
    assert command("send", str(file), *MAIL, "--rejected-rows", str(target), **KEY).exit_code == 0
    target.write_text(target.read_text().replace("kein-at", "b@example.org"))

    assert command("send", str(target), *MAIL, **KEY).exit_code == 0

    assert world.members() == {"a@example.org", "b@example.org", "d@example.org"}


def test_what_klaviyo_refuses_is_among_them(command: Command, world: World, tmp_path: Path) -> None:
    """In the order of the file, whoever refused it, and of which file it is."""
    (tmp_path / "a.csv").write_text("E-Mail\nfine@example.org\nno-at\n")
    (tmp_path / "b.csv").write_text("E-Mail\nrefused@example.org\n\nno-at-either\n")
    world.stand_in.refused_emails.add("refused@example.org")
    target = tmp_path / "refused.csv"
    files = [str(tmp_path / "b.csv"), str(tmp_path / "a.csv")]

    result = command("send", *files, *MAIL, "--rejected-rows", str(target), **KEY)

    assert result.exit_code == 0, result.output
    with target.open(newline="", encoding="utf-8-sig") as content:
        found = [row[:2] for row in csv.reader(content)][1:]
    assert found == [["b.csv", "2"], ["b.csv", "4"], ["a.csv", "3"]]


def test_a_file_that_is_there_is_not_replaced(
    command: Command, world: World, file: Path, tmp_path: Path
) -> None:
    """Said before anything is sent."""
    (tmp_path / "mine.csv").write_text("mine")

    result = command("send", str(file), *MAIL, "--rejected-rows", str(tmp_path / "mine.csv"), **KEY)

    assert result.exit_code == 2
    assert "mine.csv already exists" in result.stderr
    assert (tmp_path / "mine.csv").read_text() == "mine"
    assert world.members() == set()


def test_a_file_that_can_not_be_written_is_known_before_anything_is_sent(
    command: Command, world: World, file: Path, tmp_path: Path
) -> None:
    """With one document on standard output, and the run as it was: none."""
    target = tmp_path / "none" / "refused.csv"

    result = command("send", str(file), *MAIL, "--rejected-rows", str(target), "--json", **KEY)

    assert result.exit_code == 2
    assert "none does not exist" in json.loads(result.stdout)["error"]["message"]
    assert world.members() == set()


def test_no_file_is_left_where_nothing_was_refused(command: Command, tmp_path: Path) -> None:
    """Nor where the command ended before."""
    (tmp_path / "people.csv").write_text("E-Mail\na@example.org\n")
    arguments = ["send", str(tmp_path / "people.csv"), "--rejected-rows", str(tmp_path / "refused.csv")]

    for options, code in ((MAIL, 0), (["--list", "None", "--email", "E-Mail"], 2)):
        assert command(*arguments, *options, **KEY).exit_code == code
        assert not (tmp_path / "refused.csv").exists()


def test_the_rows_of_a_workbook_have_its_own_numbers(command: Command, tmp_path: Path) -> None:
    """As Excel shows them at the left, whatever a cell holds."""
    file = workbook(
        tmp_path / "people.xlsx",
        ("", ""),
        ("E-Mail", "Name"),
        ("a@example.org", "two\nlines"),
        (" ", ""),
        ("no-at", "B"),
    )

    said = command("send", str(file), *MAIL, "--dry-run").stdout

    assert "  refused: people.xlsx line 5 E-Mail invalid_email\n" in said
    assert "missing_email" not in said
