"""What else `send` needs to know of a file's people: the country of phones, and where they are sent."""

from pathlib import Path

import pytest

from sandbox.klaviyo import app
from tests.cli.conftest import KEY, MAIL, Command
from tests.support.forks import in_terminal
from tests.support.tls import serving_tls
from tests.support.world import LIST, World, environment_of


def test_national_phones_need_a_country(command: Command, world: World, file: Path) -> None:
    """Without one they are left out, which is said before anything is sent; with one they are sent."""
    mapped = ["--map", "phone_number=Telefon", "--only-if", "Opted In=Yes"]

    dry = command("send", str(file), *MAIL, *mapped, "--dry-run")
    assert "--phone-region DE" in dry.stderr
    assert "phone_left_out (1)" in dry.stdout

    result = command("send", str(file), *MAIL, *mapped, "--phone-region", "de", **KEY)
    assert result.exit_code == 0, result.output
    assert world.stand_in.profile("yes@example.org").phone_number == "+4915112345678"


def test_a_country_of_no_phones(command: Command, file: Path) -> None:
    """An option that would do nothing is a mistake; so is a country that is none."""
    result = command("send", str(file), *MAIL, "--phone-region", "DE", "--dry-run")
    assert result.exit_code == 2
    assert "--phone-region needs --map phone_number=COLUMN" in result.stderr

    options = ["--map", "phone_number=Telefon", "--phone-region", "Germany", "--dry-run"]
    result = command("send", str(file), *MAIL, *options)
    assert result.exit_code == 2
    assert "A country has two letters, such as DE." in result.stderr


def test_who_sends_sees_what_starts_on_the_list(world: World, file: Path, tmp_path: Path) -> None:
    """The list's opt-in process and flows stand before the question, with fields and condition."""
    with serving_tls(app(world.stand_in), tmp_path) as (url, authority):
        environment = environment_of(world) | KEY | {"KLAVIYO_URL": url, "SSL_CERT_FILE": str(authority)}
        arguments = ["send", str(file), *MAIL, "--only-if", "Opted In=Yes"]
        code, said = in_terminal(arguments, environment, "n\nn\n")

    assert code == 1, said
    assert "The list at Klaviyo: VIP (" in said
    assert "Only rows whose Opted In is 'Yes'. Nobody is removed from the list." in said
    assert said.index("The list at Klaviyo") < said.index("Send 1 person of people.csv to the list VIP")
    assert world.members() == set()


def test_a_wrong_key_is_known_before_anything_is_asked(world: World, file: Path) -> None:
    """Nobody answers questions for nothing."""
    environment = environment_of(world) | {"KLAVIYO_API_KEY": "pk_wrong"}

    code, said = in_terminal(["send", str(file), "--list", LIST], environment, "")

    assert code == 2
    assert "invalid_key" in said
    assert "Column with" not in said


def test_a_klaviyo_that_does_not_answer_is_told_at_once(
    command: Command, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the first pause, so that nobody looks at nothing."""
    monkeypatch.setattr("cli.send.command.ONLINE", 3)

    result = command("send", str(file), *MAIL, "--yes", **KEY, KLAVIYO_URL="http://127.0.0.1:9")

    assert result.exit_code == 3
    assert "Klaviyo does not answer. Trying again, for up to 3 s in all." in result.stderr
