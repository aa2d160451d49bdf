"""`exports`, `connections list|show|test` and `apply`: documents as code."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from sandbox.klaviyo import SCOPES
from sandbox.people import People
from sandbox.sample import example_documents
from tests.cli.conftest import Command
from tests.support.world import World

EXPORT = example_documents()["exports/vip.json"]
CONNECTION = example_documents()["connections/sandbox.json"]


def write(folder: Path, name: str, document: Any) -> str:
    path = folder / name
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return str(path)


def put(world: World, name: str, **changes: Any) -> None:
    """Writes another export into the state."""
    world.services.state.write(f"exports/{name}.json", json.dumps(EXPORT | changes).encode())


def problems(result: Result) -> list[list[tuple[str, str]]]:
    """Pointer and message of each document's problems."""
    documents = json.loads(result.stdout)["documents"]
    return [[(each["pointer"], each["message"]) for each in document["problems"]] for document in documents]


def test_exports_with_the_status_of_their_last_run(command: Command, world: World) -> None:
    """The list has the columns of Customer Insights' page: name, type, status, refreshed, schedule,
    connection."""
    world.segment(People(3))
    put(world, "never", id="never")
    world.document("exports/vip.json", schedule={"when": {"cron": "0 6 * * *", "timezone": "Europe/Paris"}})
    record = json.loads(command("run", "vip", "--json").stdout)

    never, vip = json.loads(command("exports", "list", "--json").stdout)["exports"]

    assert (never["status"], never["refreshed_at"], never["schedule"]) == ("none", None, "on refresh")
    assert (
        vip
        | {
            "id": "vip",
            "display_name": "VIPs",
            "type": "klaviyo",
            "state": "active",
            "status": "successful",
            "schedule": "at 06:00 every day (Europe/Paris)",
            "connection": "sandbox",
            "error": None,
        }
        == vip
    )
    assert vip["last_run"]["id"] == record["id"]
    assert vip["refreshed_at"][:19] == record["finished_at"][:19]
    assert "at 06:00 every day (Europe/Paris)" in command("exports", "list").stdout


def test_a_broken_export_hides_no_other(command: Command, world: World) -> None:
    """It has its own row, and its problem is printed below the table."""
    put(world, "broken", id="broken", list_id="no list")
    put(world, "lost", id="lost", connection="no-such")

    said = command("exports", "list").stdout.splitlines()

    assert [line.split()[0] for line in said[1:4]] == ["broken", "lost", "vip"]
    assert "/list_id" in said[4]
    assert "unknown_connection" in said[5]


def test_what_show_prints_apply_takes(command: Command, world: World, tmp_path: Path) -> None:
    """An unchanged document is not written again."""
    before = world.services.state.stat("exports/vip.json").etag
    export = write(tmp_path, "vip.json", command("exports", "show", "vip").stdout)
    connection = write(tmp_path, "sandbox.json", command("connections", "show", "sandbox", "--json").stdout)

    result = command("apply", "-f", export, connection, "--json")

    assert json.loads(result.stdout)["documents"] == [
        {"name": "connections/sandbox.json", "change": "unchanged"},
        {"name": "exports/vip.json", "change": "unchanged"},
    ]
    assert world.services.state.stat("exports/vip.json").etag == before


def test_apply_creates_and_changes(command: Command, world: World, tmp_path: Path) -> None:
    """New documents are created and others changed; they record who did it and when."""
    changed = write(tmp_path, "vip.json", EXPORT | {"display_name": "Very important"})
    created = write(tmp_path, "more.json", EXPORT | {"id": "more", "connection": "second"})
    second = write(tmp_path, "second.json", CONNECTION | {"id": "second"})

    result = command("apply", "-f", changed, "-f", created, "-f", second)

    assert result.exit_code == 0
    assert [line.split() for line in result.stdout.splitlines()[1:]] == [
        ["connections/second.json", "created"],
        ["exports/vip.json", "changed"],
        ["exports/more.json", "created"],
    ]
    export = world.services.catalog.export("vip")
    assert export.display_name == "Very important"
    assert export.updated_at is not None
    assert export.updated_by


def test_apply_keeps_the_pinned_account(command: Command, world: World, tmp_path: Path) -> None:
    """A file that names no account must not open the way for another one's key."""
    world.segment(People(1))
    command("run", "vip")
    file = write(tmp_path, "sandbox.json", CONNECTION | {"display_name": "Renamed"})

    assert "changed" in command("apply", "-f", file).stdout

    connection = world.services.catalog.connection("sandbox")
    assert connection.display_name == "Renamed"
    assert connection.account is not None
    assert connection.account.id == "SNDBOX"


def test_apply_writes_nothing_where_one_is_not_valid(command: Command, world: World, tmp_path: Path) -> None:
    """All or nothing: the one that is right is not written either."""
    right = write(tmp_path, "right.json", EXPORT | {"id": "right"})
    wrong = write(tmp_path, "wrong.json", EXPORT | {"id": "wrong", "segment": "Typo"})

    result = command("apply", "-f", right, wrong, "--json")

    assert result.exit_code == 2
    assert problems(result) == [[], [("/segment", "is not known here; did you mean segments?")]]
    assert [blob.name for blob in world.services.state.list("exports/")] == ["exports/vip.json"]


def test_apply_without_a_file_is_wrong_usage(command: Command) -> None:
    """The message names what is missing."""
    result = command("apply")

    assert result.exit_code == 2
    assert "-f FILE" in result.stderr


def test_validate_shows_every_problem_of_every_document(command: Command, world: World) -> None:
    """Broken JSON, a wrong id, a connection that isn't there: all of it at once, each with its pointer."""
    state = world.services.state
    state.write("exports/broken.json", b"{")
    put(world, "other", id="other", connection="no-such", limits={"max_profiles": 0})
    put(world, "third", id="fourth", connection="no-such")

    result = command("exports", "validate", "--json")

    assert result.exit_code == 2
    sandbox, broken, other, third, vip = problems(result)
    assert (sandbox, vip) == ([], [])
    assert broken[0][1].startswith("is not JSON")
    assert other == [("/limits/max_profiles", "must be 1 or more")]
    assert [pointer for pointer, _ in third] == ["/id", "/connection"]
    assert "  /limits/max_profiles: must be 1 or more" in command("exports", "validate").stdout


def test_validate_takes_files_that_name_each_other(command: Command, tmp_path: Path) -> None:
    """A connection can be validated with its export; two documents can't have the same id."""
    connection = write(tmp_path, "c.json", CONNECTION | {"id": "new"})
    export = write(tmp_path, "e.json", EXPORT | {"connection": "new"})

    assert command("exports", "validate", export, connection).exit_code == 0
    again = command("exports", "validate", export, connection, export, "--json")
    assert problems(again)[2] == [("/id", f"is also the id of {export}")]


def test_validate_a_file_that_is_not_there(command: Command) -> None:
    """The message names it."""
    result = command("exports", "validate", "no-such.json")

    assert result.exit_code == 2
    assert "no-such.json can't be read" in result.stderr


def test_validate_online_finds_what_a_run_would(command: Command, world: World) -> None:
    """List, segment and columns are looked up; the message lists close names first."""
    world.segment(People(1))
    world.document(
        "exports/vip.json",
        list_id="Nowhere",
        segments=["HighValueSegment", "Nothing"],
        match={"email": "Mail"},
        attributes={"first_name": "Vorname", "properties": ["City", "Points"]},
        only_if={"column": "Consent", "equals": "True"},
    )

    result = command("exports", "validate", "--online", "--json")

    assert result.exit_code == 2
    connection, export = problems(result)
    assert connection == []
    assert [pointer for pointer, _ in export] == [
        "/list_id",
        "/match/email",
        "/attributes/first_name",
        "/attributes/properties/1",
        "/only_if/column",
        "/segments/1",
    ]
    assert "the closest names first: 'EMail'" in export[1][1]
    assert [request.method for request in world.stand_in.requests if request.method != "GET"] == []


@pytest.mark.parametrize(
    ("secrets", "pointer"), [({"klaviyo-sandbox": "pk_other"}, "/account"), ({}, "/secret_name")]
)
def test_validate_online_tries_the_key(
    command: Command, world: World, secrets: dict[str, str], pointer: str
) -> None:
    """A missing key, and one of another account, are found before a run meets them."""
    world.segment(People(1))
    world.stand_in.add_account("OTHER1", "Other", keys={"pk_other": SCOPES}, lists={"Y6nRLr": "VIP"})
    world.document("connections/sandbox.json", account={"id": "SNDBOX", "name": "Sandbox"})
    world.secrets(secrets)

    connection, export = problems(command("exports", "validate", "--online", "--json"))

    assert [found for found, _ in connection] == [pointer]
    assert [found for found, _ in export] == ["/connection"]


def test_validate_online_writes_nothing(command: Command, world: World) -> None:
    """Not even the account is pinned by a check."""
    world.segment(People(1))

    assert command("exports", "validate", "--online").exit_code == 0

    assert world.services.catalog.connection("sandbox").account is None


def test_connections(command: Command, world: World) -> None:
    """A list shows each one; a test opens the account with its key."""
    assert "Klaviyo sandbox" in command("connections", "list").stdout
    (listed,) = json.loads(command("connections", "list", "--json").stdout)["connections"]
    assert listed == CONNECTION

    said = command("connections", "test", "sandbox").stdout.splitlines()
    assert said[0] == "sandbox opens the Klaviyo account SNDBOX (Sandbox)."
    world.secrets({"klaviyo-sandbox": "pk_wrong"})
    result = command("connections", "test", "sandbox", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["code"] == "invalid_key"
