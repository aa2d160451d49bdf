"""What `send` asks about a file's columns in a terminal, and what it says where nobody can be asked."""

from collections import Counter, defaultdict
from typing import Any, NamedTuple

import click
from phonenumbers import SUPPORTED_REGIONS

from cli.send.guessing import (
    answers_of,
    consent_columns,
    count_contradictions,
    guess_attributes,
    guess_email,
    has_national_phones,
)
from cli.send.one_file import CsvFiles
from cli.terminal.output import agrees, choose, note, print_line
from shared.profiles import Mapper
from shared.profiles.columns import look_like_names
from shared.text import listing

EVERYBODY = "everybody"
# Values of a column that can be chosen from.
MOST_ANSWERS = 12


class Given(NamedTuple):
    """What options say: the email column, columns by attribute and of properties, a country of phones."""

    email: str | None
    attributes: dict[str, str]
    properties: tuple[str, ...]
    phone_region: str | None


class Chosen(NamedTuple):
    """The columns that are sent, as an export's document has them."""

    email: str
    attributes: dict[str, Any]
    columns: set[str]


def choose_columns(files: CsvFiles, given: Given, *, asks: bool) -> Chosen:
    """What is given, and for the rest what the person answers.

    Raises UsageError where nobody can be asked for the email column, or a country has no phones.
    """
    email = given.email or _email(files, asks=asks)
    named = given.attributes
    if asks and not named and not given.properties and look_like_names(files.columns):
        named = _suggested(files, email)
    attributes: dict[str, Any] = {**named, "properties": list(given.properties)}
    if phone := named.get("phone_number"):
        if region := given.phone_region or _region(files, phone, asks=asks):
            attributes["phone_number"] = {"column": phone, "region": region}
    elif given.phone_region:
        raise click.UsageError("--phone-region needs --map phone_number=COLUMN.")
    return Chosen(email, attributes, {email, *named.values(), *given.properties})


def condition_of(files: CsvFiles, chosen: Chosen, *, asks: bool) -> dict[str, Any] | None:
    """The condition on a column that looks like consent; None for everybody.

    Raises Abort where somebody does not want everybody, and the column has too many values to choose from.
    """
    columns = consent_columns(files, chosen.columns) if look_like_names(files.columns) else []
    if not columns:
        return None
    if not asks:
        note(
            f"{_looks(columns)} like consent, and everybody is sent whatever is in there. "
            f'To send only those who agreed: --only-if "{columns[0]}=VALUE".'
        )
        return None
    column = columns[0]
    if len(columns) > 1:
        print_line(f"{_looks(columns)} like consent.")
        column = choose("Which one says who agreed", [*columns, EVERYBODY], None)
    return None if column == EVERYBODY else _asked(files, column)


def _looks(columns: list[str]) -> str:
    return f"The column {columns[0]!r} looks" if len(columns) == 1 else f"The columns {listing(columns)} look"


def _asked(files: CsvFiles, column: str) -> dict[str, Any] | None:
    """The condition on this column; spellings that differ in capitals are one answer."""
    spellings: dict[str, list[str]] = defaultdict(list)
    counted: Counter[str] = Counter()
    for value, count in answers_of(files, column).items():
        spellings[value.casefold()].append(value)
        counted[value.casefold()] += count
    answers = {spellings[folded][0]: folded for folded, _ in counted.most_common() if folded}
    if not answers or len(answers) > MOST_ANSWERS:
        has = f"has {len(answers):,} different values" if answers else "is blank in every row"
        print_line(f"The column {column!r} looks like consent, and {has}.")
        if not agrees("Send everybody, whatever it says?"):
            raise click.Abort
        return None
    told = ", ".join(f"{answer!r} ({counted[folded]:,})" for answer, folded in answers.items())
    blank = f", blank ({counted['']:,})" if counted[""] else ""
    print_line(f"The column {column!r} looks like consent: {told}{blank}.")
    answer = choose("Send only rows with", [*answers, EVERYBODY], None)
    if answer == EVERYBODY:
        return None
    found = sorted(spellings[answers[answer]])
    return {"column": column, **({"equals": found[0]} if len(found) == 1 else {"in": found})}


def check_condition(files: CsvFiles, condition: dict[str, Any], *, shows: bool) -> None:
    """Says how many rows pass a condition that was given, and with `shows` which values do not.

    Raises UsageError where none passes.
    """
    column = condition["column"]
    if column not in files.columns:
        return  # the mapper says which there are
    counted = answers_of(files, column)
    wanted = {condition["equals"]} if "equals" in condition else set(condition["in"])
    passed = sum(count for value, count in counted.items() if value in wanted)
    others = [(value, count) for value, count in counted.most_common() if value not in wanted]
    told = ""
    if shows and len(others) <= MOST_ANSWERS:
        told = ": " + ", ".join(f"{value or 'blank'!r} ({count:,})" for value, count in others)
    left = sum(count for _, count in others)
    if not passed:
        raise click.UsageError(f"No row has this value in {column!r}; {left:,} have another{told}.")
    note(f"{passed:,} rows have the value that --only-if asks for, and {left:,} have another{told}.")


def point_out_contradictions(files: CsvFiles, mapper: Mapper) -> None:
    """Warns about people whom one row includes and another leaves out."""
    if count := count_contradictions(files, mapper):
        people = "1 person has" if count == 1 else f"{count:,} people have"
        note(
            f"Warning: {people} a row that passes the condition and another row that does not. The row that "
            "passes is sent: if the other one is right, remove the first one from the file."
        )


def _email(files: CsvFiles, *, asks: bool) -> str:
    """The column with the addresses. Raises UsageError where nobody can be asked."""
    if not look_like_names(files.columns):
        raise click.UsageError(
            f"{files.name} does not seem to begin with column names, so none is suggested. "
            "Name the column with the email addresses: --email COLUMN."
        )
    guess = guess_email(files)
    if not asks:
        hint = f" It may be {guess!r}." if guess else ""
        raise click.UsageError(f"Name the column with the email addresses: --email COLUMN.{hint}")
    return choose("Column with the email addresses", files.columns, guess)


def _suggested(files: CsvFiles, email: str) -> dict[str, str]:
    """The columns whose names suggest an attribute, if the person wants them sent."""
    found = {name: column for name, column in guess_attributes(files.columns).items() if column != email}
    for attribute, column in found.items():
        print_line(f"  {attribute} from {column}")
    return found if found and agrees("Send these too?", default=True) else {}


def _region(files: CsvFiles, column: str, *, asks: bool) -> str | None:
    """The country of the phones without a country code; None where there are none, or nobody knows."""
    if not has_national_phones(files, column):
        return None
    if not asks:
        note(
            f"Phones in {column!r} without a country code, such as +49, are left out: their people are sent "
            "without them. Name their country: --phone-region DE."
        )
        return None
    question = "Country of the phones without a country code (two letters, such as DE; none leaves them out)"
    answer: str = click.prompt(question, default="none", value_proc=_country)
    return None if answer == "none" else answer


def _country(text: str) -> str:
    if text != "none" and text.upper() not in SUPPORTED_REGIONS:
        raise click.UsageError("A country has two letters, such as DE.")
    return text if text == "none" else text.upper()
