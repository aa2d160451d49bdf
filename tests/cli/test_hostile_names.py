"""Names from outside in a real terminal cannot move the cursor or forge a line."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.klaviyo import app
from sandbox.people import COLUMNS
from tests.cli.conftest import KEY, Command
from tests.support.forks import in_terminal
from tests.support.hostile_names import HOSTILE, HOSTILE_BLOB, make_hostile
from tests.support.tls import serving_tls
from tests.support.world import LIST, World, environment_of

# Colors, the live display's own moves, and readline's brackets around what is pasted.
OURS = re.compile(r"\x1b\[(?:[0-9;]*m|\?25[hl]|\?2004[hl]|1A|2K)")


def assert_shown_safely(said: str) -> None:
    """Only the tool's own styling moves the cursor, and no line begins with text from a name."""
    # The terminal itself ends lines by \r\n, and the live display begins one anew by \r.
    plain = OURS.sub("", said).replace("\r\n", "\n")
    lines = [part for line in plain.split("\n") for part in line.split("\r")]
    for line in lines:
        assert line.isprintable(), line
        assert not line.startswith("FORGED"), line


@pytest.fixture
def hostile(world: World) -> World:
    """An installation with such names in its segment, columns, documents, account and list."""
    make_hostile(world, HOSTILE)
    world.services.state.write(f"exports/{HOSTILE_BLOB}.json", json.dumps({HOSTILE: HOSTILE}).encode())
    world.services.state.write(f"connections/{HOSTILE_BLOB}.json", b"{}")
    return world


def hostile_file(folder: Path) -> Path:
    """A CSV file of people with such columns, and the most hostile name that can be read."""
    path = folder / f"people{HOSTILE_BLOB}.csv"
    names = ["EMail", "First name", *(f"{name}{HOSTILE}" for name in list(COLUMNS)[2:])]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows([["ann@example.org", "Ann", *([""] * (len(names) - 2))]])
    return path


@pytest.mark.parametrize("as_json", [False, True], ids=["for a person", "as JSON"])
def test_every_command_shows_names_safely(hostile: World, tmp_path: Path, as_json: bool) -> None:
    """This covers the names of segments, columns, documents, accounts, lists and files, and typed text."""
    document = tmp_path / f"{HOSTILE}.json"
    document.write_text(json.dumps({HOSTILE: 1, "attributes": {HOSTILE: 1}, "segments": [HOSTILE] * 2}))
    file = hostile_file(tmp_path)
    send = ["send", str(file), "--list", LIST, "--yes"]
    commands = [
        ["segments"],
        ["segments", "HighValueSegment", f"Other{HOSTILE}", f"x{HOSTILE}"],
        ["exports", "list"],
        ["exports", "show", "vip"],
        ["exports", "show", HOSTILE],
        ["exports", "validate"],
        ["exports", "validate", "--online"],
        ["exports", "validate", str(document), f"{document}.gone"],
        ["exports", "validate", str(document)],
        ["apply", "-f", str(document)],
        ["connections", "list"],
        ["connections", "show", "sandbox"],
        ["connections", "test", "sandbox"],
        ["connections", "test", HOSTILE],
        ["doctor"],
        ["run", "vip", "--dry-run"],
        ["-v", "run", "vip"],
        ["run", "broken"],
        ["run", HOSTILE],
        ["run", "vip", HOSTILE],
        ["run", f"--{HOSTILE}"],
        [HOSTILE],
        ["runs", "list", "vip"],
        ["runs", "show", HOSTILE],
        ["runs", "cancel", f"vip.{HOSTILE}"],
        send,
        [*send, "--email", f"E{HOSTILE}"],
        [*send, "--email", "EMail", "--map", f"{HOSTILE}=EMail"],
        [*send, "--email", "EMail", "--property", f"City{HOSTILE}", "--dry-run"],
        [*send, "--email", "EMail", "--map", "first_name=First name"],
        ["send", str(document), "--list", LIST, "--email", "EMail"],
        ["send", f"{file}.gone", "--list", HOSTILE, "--email", "EMail"],
    ]

    for words in commands:
        arguments = [*words, *(["--json"] if as_json else [])]
        _, said = in_terminal(arguments, environment_of(hostile) | KEY)
        assert "internal_error" not in said, (words, said)
        assert said.strip(), words
        assert_shown_safely(said)
        if as_json and words[0] != "-v" and HOSTILE not in words[0]:
            json.loads(said[said.index("{") :])  # what goes to standard error stands before it


def test_questions_show_names_safely(hostile: World, tmp_path: Path) -> None:
    """The columns that can be chosen, the list, the account and the file that a person agrees to."""
    file = hostile_file(tmp_path)
    with serving_tls(app(hostile.stand_in), tmp_path) as (url, authority):
        environment = environment_of(hostile) | KEY | {"KLAVIYO_URL": url, "SSL_CERT_FILE": str(authority)}

        code, said = in_terminal(
            ["send", str(file), "--list", LIST], environment, "none\n\ny\neverybody\ny\n"
        )

    assert code == 0, said
    assert_shown_safely(said)
    asked = " ".join(said.split())
    assert "[EMail]" in asked
    assert r"people\x9b31m\u202e" in asked
    assert hostile.members() == {"ann@example.org"}


@pytest.mark.usefixtures("hostile")
def test_adding_a_connection_shows_the_account_safely(command: Command) -> None:
    """The account of the key is shown before the question."""
    result = command("connections", "add", input="Mine\n\npk_sandbox\n\ny\n")

    assert result.exit_code == 0, result.output
    assert_shown_safely(result.output)
    assert r"Sandbox\x1b]0;owned" in result.output


def test_the_tab_key_completes_ids_only(hostile: World) -> None:
    """Completion does not show a blob whose name can't be an id."""
    typed = {
        "COMP_WORDS": "segment-export exports show ",
        "COMP_CWORD": "3",
        "_SEGMENT_EXPORT_COMPLETE": "bash_complete",
    }

    _, said = in_terminal([], environment_of(hostile) | typed)

    assert [line.removeprefix("plain,") for line in said.split()] == ["broken", "vip"]


@pytest.mark.parametrize(
    "look",
    [
        lambda command: json.loads(command("exports", "show", "vip").stdout)["display_name"],
        lambda command: json.loads(command("connections", "show", "sandbox").stdout)["display_name"],
    ],
    ids=["export", "connection"],
)
def test_json_has_the_names_as_they_are(
    hostile: World, command: Command, look: Callable[[Command], str]
) -> None:
    """Escapes are JSON's own: a parser gets the name character by character."""
    assert look(command) == HOSTILE


def test_json_for_a_file_that_is_not_unicode(command: Command, tmp_path: Path) -> None:
    """A name that is not text is an error like any other."""
    result = command("exports", "validate", f"{tmp_path}/\udcff.json", "--json")

    assert json.loads(result.stdout)["error"]["code"] == "unreadable_file"
