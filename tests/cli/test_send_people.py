"""Whom `send` sends: consent is honored where the person says so, and asked for where nobody has."""

import json
from pathlib import Path

import pytest

from sandbox.klaviyo import app
from tests.cli.conftest import KEY, Command
from tests.support.forks import in_terminal
from tests.support.tls import serving_tls
from tests.support.world import LIST, World, environment_of

MAIL = ["--list", LIST, "--email", "E-Mail"]
PEOPLE = (
    "E-Mail,Telefon,Opted In\n"
    "yes@example.org,0151 12345678,Yes\n"
    "no@example.org,+4915112345679,No\n"
    "blank@example.org,,\n"
    "maybe@example.org,,Maybe\n"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(PEOPLE)
    return path


@pytest.mark.parametrize(
    ("conditions", "sent"),
    [
        (["Opted In=Yes"], {"yes@example.org"}),
        (["Opted In=Yes", "Opted In=Maybe"], {"yes@example.org", "maybe@example.org"}),
    ],
)
def test_only_rows_with_a_value(
    command: Command, world: World, file: Path, conditions: list[str], sent: set[str]
) -> None:
    """The others are counted as filtered, and nothing of them leaves."""
    options = [part for condition in conditions for part in ("--only-if", condition)]

    result = command("send", str(file), *MAIL, *options, "--json", **KEY)

    record = json.loads(result.stdout)
    assert world.members() == sent
    assert record["counts"]["filtered"] == 4 - len(sent)
    assert f"{len(sent):,} rows have the value that --only-if asks for" in result.stderr
    assert "like consent" not in result.stderr


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        (["Opted In"], "A condition is COLUMN=VALUE."),
        (["Opted In=Yes", "Telefon=1"], "A condition is on one column."),
        (["Opted In="], "The value is blank."),
        (["Opted In=yes"], "No row has this value in 'Opted In'; 4 have another."),
        (["Opted=Yes"], "the closest names first: 'Opted In'"),
    ],
)
def test_conditions_that_are_not(
    command: Command, world: World, file: Path, conditions: list[str], said: str
) -> None:
    """Nobody is sent by a mistake."""
    options = [part for condition in conditions for part in ("--only-if", condition)]

    result = command("send", str(file), *MAIL, *options, **KEY)

    assert result.exit_code == 2
    assert said in result.stderr
    assert world.members() == set()


def test_somebody_who_agreed_and_did_not(command: Command, file: Path) -> None:
    """People with rows of both kinds are counted, whatever their capitals; blank addresses are not."""
    more = "No@Example.org,,Yes\nyes@example.org,,Yes\nYES@example.org,,\n,,Yes\n,,No\n"
    file.write_text(PEOPLE + more)

    result = command("send", str(file), *MAIL, "--only-if", "Opted In=Yes", "--dry-run")

    assert "2 people have a row that passes the condition and another row that does not." in result.stderr
    file.write_text(PEOPLE)
    once = command("send", str(file), *MAIL, "--only-if", "Opted In=Yes", "--dry-run")
    assert "passes the condition" not in once.stderr


def test_where_nobody_is_asked_a_column_of_consent_is_pointed_out(
    command: Command, world: World, file: Path
) -> None:
    """A script goes on, since it may be right, and its log has the option."""
    result = command("send", str(file), *MAIL, "--yes", **KEY)

    assert result.exit_code == 0
    assert len(world.members()) == 4
    assert '--only-if "Opted In=VALUE"' in result.stderr


def test_in_a_terminal_one_answers(world: World, file: Path) -> None:
    """The values are shown with their counts; there is no default, and spellings are one answer."""
    file.write_text(PEOPLE + "big@example.org,,YES\n")

    code, said = in_terminal(["send", str(file), *MAIL], environment_of(world) | KEY, "n\n\nYes\n")

    assert code == 0, said
    told = "'Opted In' looks like consent: 'Yes' (2), 'No' (1), 'Maybe' (1), blank (1)."
    assert told in " ".join(said.split())
    assert world.members() == {"yes@example.org", "big@example.org"}


def test_of_several_columns_one_is_chosen(world: World, file: Path) -> None:
    """What is called like consent and says something else does not hide the one that does."""
    file.write_text("E-Mail,Newsletter topic,Opted In\na@example.org,Autumn,No\nb@example.org,Autumn,Yes\n")

    code, said = in_terminal(["send", str(file), *MAIL], environment_of(world) | KEY, "Opted In\nYes\n")

    assert code == 0, said
    assert world.members() == {"b@example.org"}


def test_a_column_of_many_values_is_asked_about_too(world: World, file: Path) -> None:
    """Such as dates: nobody is sent without a yes."""
    rows = "".join(f"a{n}@example.org,2026-01-{n + 1:02}\n" for n in range(20))
    file.write_text(f"E-Mail,Consent\n{rows}")

    code, said = in_terminal(["send", str(file), *MAIL], environment_of(world) | KEY, "n\n")

    assert code == 130, said
    assert "has 20 different values" in said
    assert world.members() == set()


def test_answers_far_down_and_in_other_files_count(world: World, file: Path, tmp_path: Path) -> None:
    """A column that is blank at first is asked about as well."""
    blank = "".join(f"a{n}@example.org,\n" for n in range(1_100))
    file.write_text(f"E-Mail,Opted In\n{blank}")
    (tmp_path / "more.csv").write_text("E-Mail,Opted In\nno@example.org,No\nyes@example.org,Yes\n")
    arguments = ["send", str(file), str(tmp_path / "more.csv"), *MAIL]

    code, said = in_terminal(arguments, environment_of(world) | KEY, "Yes\n")

    assert code == 0, said
    assert world.members() == {"yes@example.org"}


@pytest.mark.parametrize(
    ("content", "asked"),
    [
        ("E-Mail,Name\na@example.org,No\n", False),
        ("E-Mail,Consent\na@example.org,\n", True),
        ("E-Mail,Einverst\u00e4ndnis\na@example.org,nein\n", True),
        ("E-Mail,Widerspruch am\na@example.org,\n", True),
        ("E-Mail,DOI\na@example.org,1\n", True),
        ("E-Mail,Abmeldung,E-Mail-Einwilligung\na@example.org,,ja\n", True),
        ("E-Mail,Do not allow Bulk Emails\na@example.org,Allow\n", False),
        ("E-Mail,DoNotEmail\na@example.org,False\n", True),
    ],
)
def test_what_looks_like_consent(command: Command, file: Path, content: str, asked: bool) -> None:
    """A usual name, in a few languages."""
    file.write_text(content)

    result = command("send", str(file), *MAIL, "--dry-run")

    assert result.exit_code == 0
    assert ("like consent, and everybody is sent" in result.stderr) is asked


def test_national_phones_need_a_country(command: Command, world: World, file: Path) -> None:
    """Without one they are left out, which is said before anything is sent; with one they are sent."""
    mapped = ["--map", "phone_number=Telefon", "--only-if", "Opted In=Yes"]

    dry = command("send", str(file), *MAIL, *mapped, "--dry-run")
    assert "--phone-region DE" in dry.stderr
    assert "phone_left_out (1)" in dry.stdout

    result = command("send", str(file), *MAIL, *mapped, "--phone-region", "DE", **KEY)
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
    assert "/attributes/phone_number" in result.stderr


def test_who_sends_sees_what_starts_on_the_list(world: World, file: Path, tmp_path: Path) -> None:
    """The list's opt-in process and flows stand before the question, with fields and condition."""
    with serving_tls(app(world.stand_in), tmp_path) as (url, authority):
        environment = environment_of(world) | KEY | {"KLAVIYO_URL": url, "SSL_CERT_FILE": str(authority)}
        arguments = ["send", str(file), *MAIL, "--only-if", "Opted In=Yes"]
        code, said = in_terminal(arguments, environment, "n\nn\n")

    assert code == 1, said
    assert "The list at Klaviyo: VIP (" in said
    assert "Only rows with Opted In: 'Yes'." in said
    assert said.index("The list at Klaviyo") < said.index("Send people.csv to the list VIP")
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
    monkeypatch.setattr("cli.send.command.ONLINE", 1)

    result = command("send", str(file), *MAIL, "--yes", **KEY, KLAVIYO_URL="http://127.0.0.1:9")

    assert result.exit_code == 3
    assert "Klaviyo does not answer. Trying again, for up to 1 s in all." in result.stderr
