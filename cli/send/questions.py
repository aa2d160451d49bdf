"""What `send` asks about a file's columns in a terminal, and what it says where nobody can be asked."""

from typing import Any, NamedTuple

import click
from phonenumbers import SUPPORTED_REGIONS

from cli.send.guessing import guess_attributes, guess_email, has_national_phones
from cli.send.one_file import CsvFiles
from cli.terminal.output import agrees, choose, note, print_line
from shared.profiles.columns import look_like_names


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
        region = _country(given.phone_region) if given.phone_region else _region(files, phone, asks=asks)
        if region:
            attributes["phone_number"] = {"column": phone, "region": region}
    elif given.phone_region:
        raise click.UsageError("--phone-region needs --map phone_number=COLUMN.")
    return Chosen(email, attributes, {email, *named.values(), *given.properties})


def _email(files: CsvFiles, *, asks: bool) -> str:
    """The column with the addresses. Raises UsageError where nobody can be asked."""
    if not look_like_names(files.columns):
        raise click.UsageError(
            f"{files.name} does not seem to begin with column names, so none is suggested. If other lines "
            "are above the names, delete them; otherwise name the column with the addresses: --email COLUMN."
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
    if text == "no":  # an answer in a terminal, or Norway
        raise click.UsageError("Type NO for Norway.")
    if text != "none" and text.upper() not in SUPPORTED_REGIONS:
        raise click.UsageError("A country has two letters, such as DE.")
    return text if text == "none" else text.upper()
