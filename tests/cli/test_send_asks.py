"""What `send` asks in a terminal, and what it does where nobody can be asked."""

from pathlib import Path

import pytest

from sandbox.klaviyo import SCOPES, app
from sandbox.people import People
from tests.cli.conftest import KEY, MAPS, Command
from tests.support.forks import in_terminal
from tests.support.tls import serving_tls
from tests.support.world import LIST, World, environment_of


def test_in_a_terminal_columns_are_suggested(world: World, people: Path) -> None:
    """Enter takes the email column that was found, `n` leaves the suggested attributes out."""
    arguments = ["send", str(people), "--list", LIST]

    code, said = in_terminal(arguments, environment_of(world) | KEY, "\nn\neverybody\n")

    assert code == 0, said
    assert "[EMail]" in said
    assert "location.zip from PostCode" in said
    assert world.members() == People(200, dirt=True).expected.emails
    assert world.stand_in.profile("person-0000001@example.org").attributes == {}


def test_attributes_are_suggested_for_a_given_email(world: World, people: Path) -> None:
    """With only the email column given, the other columns are suggested too."""
    arguments = ["send", str(people), "--list", LIST, "--email", "EMail"]

    code, said = in_terminal(arguments, environment_of(world) | KEY, "y\n\neverybody\n")

    assert code == 0, said
    assert "first_name from FirstName" in said
    attributes = world.stand_in.profile("person-0000001@example.org").attributes
    assert attributes is not None
    assert attributes["first_name"] == "Anthony"


def test_the_list_is_asked_for(world: World, people: Path) -> None:
    """From those of the account, by number; not where nobody is asked."""
    world.stand_in.add_account(
        "SNDBOX", "Sandbox", keys={"pk_sandbox": SCOPES}, lists={LIST: "VIP", "Other1": "Other"}
    )

    code, said = in_terminal(["send", str(people), "--email", "EMail", "--yes"], environment_of(world) | KEY)
    assert (code, "Missing option '--list'" in said) == (2, True)

    typed = "1\nn\neverybody\n"
    code, said = in_terminal(["send", str(people), "--email", "EMail"], environment_of(world) | KEY, typed)
    assert code == 0, said
    assert "1  VIP (Y6nRLr)" in said
    assert "2  Other (Other1)" in said
    assert world.members() == People(200, dirt=True).expected.emails


def test_yes_asks_nothing(world: World, people: Path) -> None:
    """Not in a terminal either: what is not given does not leave, and the email column has to be given."""
    arguments = ["send", str(people), "--list", LIST, "--yes"]

    code, said = in_terminal(arguments, environment_of(world) | KEY)
    assert code == 2
    assert "--email COLUMN. It may be 'EMail'." in said

    code, said = in_terminal([*arguments, "--email", "EMail"], environment_of(world) | KEY)
    assert code == 0, said
    assert world.stand_in.profile("person-0000001@example.org").attributes == {}


def test_a_missing_key_is_said_before_anything_is_asked(world: World, people: Path) -> None:
    """Nobody answers questions for nothing; a dry run asks them, since it needs no key."""
    arguments = ["send", str(people), "--list", LIST]

    code, said = in_terminal(arguments, environment_of(world))
    assert code == 2
    assert "Set KLAVIYO_API_KEY" in said
    assert "[EMail]" not in said

    code, said = in_terminal([*arguments, "--dry-run"], environment_of(world), "\n\n\neverybody\n")
    assert code == 0, said
    assert "Dry run of people.csv to the list" in said


def test_where_nobody_can_be_asked_yes_is_needed(command: Command, people: Path) -> None:
    """A real account is written to only where somebody agrees: without a terminal, by --yes."""
    result = command(
        "send", str(people), "--list", LIST, *MAPS, **KEY, KLAVIYO_URL="https://klaviyo.example.org"
    )

    assert result.exit_code == 2
    assert "add --yes" in result.stderr


@pytest.mark.parametrize(("answer", "code"), [("n", 1), ("y", 0)])
def test_a_real_account_is_asked_for_by_its_name(
    world: World, people: Path, tmp_path: Path, answer: str, code: int
) -> None:
    """The question names the list and the account after the fields; `n` sends nothing."""
    with serving_tls(app(world.stand_in), tmp_path) as (url, authority):
        environment = environment_of(world) | KEY | {"KLAVIYO_URL": url, "SSL_CERT_FILE": str(authority)}
        arguments = ["send", str(people), "--list", LIST, *MAPS]
        found, said = in_terminal(arguments, environment, f"everybody\n{answer}\n")

    assert found == code, said
    assert "Fields to send: email, first_name, location.city." in said
    asked = " ".join(said.split())
    assert "people of people.csv to the list VIP of the account Sandbox (SNDBOX)?" in asked
    assert bool(world.members()) is (answer == "y")
