"""Which rows `send` sends: consent is honored if a condition is given, and otherwise asked about."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import KEY, MAIL, PEOPLE, Command, workbook
from tests.support.forks import in_terminal
from tests.support.world import World, environment_of


@pytest.mark.parametrize(
    ("conditions", "sent"),
    [
        (["Opted In=Yes"], {"yes@example.org"}),
        (["Opted In=Yes", "Opted In=Maybe"], {"yes@example.org", "maybe@example.org"}),
        (["opted in=yES"], {"yes@example.org"}),
        (["Opted In="], {"blank@example.org"}),
        (["Opted In!="], {"yes@example.org", "no@example.org", "maybe@example.org"}),
        (["Opted In!=no"], {"yes@example.org", "maybe@example.org", "blank@example.org"}),
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
    assert f"{len(sent)} of 4 rows pass --only-if. Others in 'Opted In': {4 - len(sent)}." in result.stderr
    assert "like consent" not in result.stderr


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        (["Opted In"], "A condition is COLUMN=VALUE or COLUMN!=VALUE."),
        (["!=Yes"], "A condition is COLUMN=VALUE or COLUMN!=VALUE."),
        (["Opted In=Yes", "Opted In="], "Only values that must be equal can be several."),
        (["Opted In=Yes", "Telefon=1"], "A condition is on one column."),
        (["Opted In=Ja"], "No row passes --only-if: 4 have other values in 'Opted In'."),
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


def test_workbook_booleans(command: Command, world: World, tmp_path: Path) -> None:
    """A cell that Excel shows as TRUE is true in any capitals."""
    file = workbook(
        tmp_path / "people.xlsx", ("E-Mail", "Opted In"), ("a@example.org", True), ("b@example.org", False)
    )

    assert command("send", str(file), *MAIL, "--only-if", "Opted In=TRUE", **KEY).exit_code == 0

    assert world.members() == {"a@example.org"}


@pytest.mark.parametrize(
    ("condition", "sent"),
    [
        ("Ok (1=yes)=1", {"a@example.org"}),
        ("Ok (1=yes)!=1", {"b@example.org"}),
        ("Now!=x", {"a@example.org"}),
    ],
)
def test_columns_with_the_signs_of_a_condition(
    command: Command, world: World, file: Path, condition: str, sent: set[str]
) -> None:
    """The column that the file has is meant."""
    file.write_text("E-Mail,Ok (1=yes),Now!\na@example.org,1,x\nb@example.org,2,y\n")

    result = command("send", str(file), *MAIL, "--only-if", condition, **KEY)

    assert result.exit_code == 0, result.output
    assert world.members() == sent


def test_a_condition_that_can_mean_two_columns(command: Command, file: Path) -> None:
    file.write_text("E-Mail,Now!,Now\na@example.org,x,x\n")

    result = command("send", str(file), *MAIL, "--only-if", "Now!=x", **KEY)

    assert result.exit_code == 2
    assert "can mean several columns" in result.stderr


def test_an_answer_that_is_called_like_ours(world: World, file: Path) -> None:
    """`everybody` in the column is that answer; ours is marked."""
    file.write_text("E-Mail,Consent\na@example.org,Everybody\nb@example.org,nobody\n")

    code, said = in_terminal(["send", str(file), *MAIL], environment_of(world) | KEY, "everybody\n")

    assert code == 0, said
    assert "(everybody)" in said
    assert world.members() == {"a@example.org"}


def test_merged_cells_are_not_guessed(command: Command, world: World, tmp_path: Path) -> None:
    """Only the first of them has the value, and the rows below would count as blank."""
    file = workbook(
        tmp_path / "people.xlsx",
        ("E-Mail", "Unsubscribed"),
        ("a@example.org", "Yes"),
        ("b@example.org", ""),
        merged="B2:B3",
    )

    result = command("send", str(file), *MAIL, "--only-if", "Unsubscribed=", **KEY)

    assert result.exit_code == 2
    assert "has cells merged over several rows" in result.stderr
    assert world.members() == set()


# A person in other capitals, twice with the same answer, beside a blank one, and rows of nobody.
CONTRADICTIONS = "No@Example.org,,Yes\nyes@example.org,,Yes\nYES@example.org,,\n,,Yes\n,,No\n"


def test_somebody_who_agreed_and_did_not(command: Command, world: World, file: Path) -> None:
    """Nobody is sent, and the line is named; a dry run goes on."""
    file.write_text(PEOPLE + CONTRADICTIONS)
    arguments = ["send", str(file), *MAIL, "--only-if", "Opted In=Yes"]
    said = "1 person has one row that passes the condition and another that does not: 'people.csv line 6'."

    dry = command(*arguments, "--dry-run")
    assert dry.exit_code == 0
    assert said in dry.stderr
    result = command(*arguments, "--yes", **KEY)
    assert result.exit_code == 2
    assert said in result.stderr
    assert world.members() == set()

    file.write_text(PEOPLE)
    assert "passes the condition" not in command(*arguments, "--dry-run").stderr


@pytest.mark.parametrize(("answer", "sent"), [("n", set()), ("y", {"yes@example.org", "no@example.org"})])
def test_in_a_terminal_one_may_send_them(world: World, file: Path, answer: str, sent: set[str]) -> None:
    """By the row that passes; the default is not to."""
    file.write_text(PEOPLE + CONTRADICTIONS)
    arguments = ["send", str(file), *MAIL, "--only-if", "Opted In=Yes"]

    code, said = in_terminal(arguments, environment_of(world) | KEY, f"n\n{answer}\n")

    assert (code, "Nothing was sent." in said) == ((0, False) if sent else (1, True)), said
    assert {each.casefold() for each in world.members()} == sent


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

    code, said = in_terminal(["send", str(file), *MAIL], environment_of(world) | KEY, "opted in\nYes\ny\n")

    assert code == 0, said
    assert "'Newsletter topic' looks like consent. It is not used" in " ".join(said.split())
    assert world.members() == {"b@example.org"}


@pytest.mark.parametrize(
    ("answer", "sent"), [("filled", {f"a{n}@example.org" for n in range(20)}), ("Blank", {"b@example.org"})]
)
def test_a_column_of_many_values_is_asked_about_too(
    world: World, file: Path, answer: str, sent: set[str]
) -> None:
    """Such as dates: of those who have one, or of those who have none."""
    rows = "".join(f"a{n}@example.org,2026-01-{n + 1:02}\n" for n in range(20))
    file.write_text(f"E-Mail,Consent\n{rows}b@example.org,\n")

    code, said = in_terminal(["send", str(file), *MAIL], environment_of(world) | KEY, f"{answer}\n")

    assert code == 0, said
    assert "'Consent' looks like consent: 20 different values (20), blank (1)." in " ".join(said.split())
    assert world.members() == sent


def test_an_opt_out_is_honored(command: Command, world: World, file: Path) -> None:
    """A column in which most are blank says who left; its blank cells can be chosen and given."""
    file.write_text("E-Mail,Abgemeldet\nstays@example.org,\nleft@example.org,X\n")

    hint = command("send", str(file), *MAIL, "--dry-run").stderr
    assert "'Abgemeldet' looks like an opt-out. It is not used: people who said no are sent too." in hint
    assert '--only-if "Abgemeldet=" sends rows in which it is blank' in hint
    code, said = in_terminal(["send", str(file), *MAIL], environment_of(world) | KEY, "blank\n")

    assert code == 0, said
    assert world.members() == {"stays@example.org"}


TWO = "E-Mail,Newsletter,Abgemeldet\na@example.org,Ja,nein\nb@example.org,Ja,ja\n"


def test_a_consent_column_beside_the_condition_is_pointed_out(
    command: Command, world: World, file: Path
) -> None:
    """A condition on one column does not hide that another one is not used."""
    file.write_text(TWO)
    arguments = ["send", str(file), *MAIL, "--only-if", "Newsletter=Ja"]
    said = "The column 'Abgemeldet' looks like an opt-out. It is not used"

    assert said in command(*arguments, "--dry-run").stderr
    code, screen = in_terminal(arguments, environment_of(world) | KEY, "n\n")

    assert code == 1, screen
    assert said in " ".join(screen.split())
    assert world.members() == set()


def test_a_consent_column_of_a_later_file_is_pointed_out(
    command: Command, world: World, file: Path, tmp_path: Path
) -> None:
    """In whichever order the files are given; in a terminal, nobody is sent without a yes."""
    file.write_text("E-Mail,Vorname\na@example.org,A\n")
    (tmp_path / "more.csv").write_text("E-Mail,Opted In\nb@example.org,No\n")
    both = [str(file), str(tmp_path / "more.csv")]
    said = "The column 'Opted In' of more.csv looks like consent, and is not used: other files lack it."

    for files in (both, both[::-1]):
        assert said in command("send", *files, *MAIL, "--dry-run").stderr
    code, screen = in_terminal(["send", *both, *MAIL], environment_of(world) | KEY, "n\n")
    assert code == 1, screen
    assert world.members() == set()
    refused = command("send", *both, *MAIL, "--only-if", "Opted In=Yes", **KEY)
    assert refused.exit_code == 2
    assert "Only some of the files have the column 'Opted In', such as more.csv" in refused.stderr


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
        ("E-Mail,Name\na@example.org,Noah\n", False),
        ("E-Mail,Darf angeschrieben werden\na@example.org,\n", True),
        ("E-Mail,Mailing erw\u00fcnscht\na@example.org,J\n", True),
        ("E-Mail,Nieuwsbrief\na@example.org,\n", True),
        ("E-Mail,\u540c\u610f\na@example.org,\n", True),
        ("E-Mail,Flag\na@example.org,ja\nb@example.org,Nein\nc@example.org,\n", True),
        ("E-Mail,Status\na@example.org,Unsubscribed\nb@example.org,never seen\n", True),
        ("E-Mail,Status\na@example.org,open\n", False),
        ("E-Mail,Kein Newsletter\na@example.org,\n", True),
        ("E-Mail,Do Not Contact\na@example.org,\n", True),
        ("E-Mail,Darf\n" + "a@example.org,\n" * 300 + "b@example.org,nein\n", True),
        ("E-Mail,Points\na@example.org,1\nb@example.org,0\n", False),
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
    """A usual name, in a few languages, or answers of yes and no."""
    file.write_text(content)

    result = command("send", str(file), *MAIL, "--dry-run")

    assert result.exit_code == 0
    assert ("people who said no are sent too" in result.stderr) is asked
