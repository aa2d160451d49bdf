"""From the cells of a row to the profile that leaves: the columns that the mapping names, and no others."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from shared.errors import NotFound
from shared.profiles.checks import is_e164, is_email, is_plain_email

LARGEST_PROFILE = 100_000  # bytes; Klaviyo's 100 KB


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from: a column; for a phone number, the region it is read in (`US`)."""

    column: str
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """Which rows leave: those whose cell (trimmed) is one of `values`, or isn't, with `negated`."""

    column: str
    values: frozenset[str]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Mapping:
    """What leaves. `attributes` has Klaviyo's names (`location.city`), `properties` the custom ones."""

    email: str
    attributes: tuple[tuple[str, Source], ...] = ()
    properties: tuple[tuple[str, Source], ...] = ()
    only_if: Condition | None = None

    def columns(self) -> list[str]:
        """Every column that the mapping reads."""
        condition = [self.only_if.column] if self.only_if else []
        sources = [source.column for _, source in (*self.attributes, *self.properties)]
        return [self.email, *sources, *condition]


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile, ready to leave, with the row it came from.

    `payload` is its JSON:API object; `email` is in lower case, to compare with; `plain` tells that no
    check had a doubt about it.
    """

    partition: int
    row: int
    email: str
    payload: bytes
    plain: bool


class Filtered(Exception):
    """A row that `only_if` leaves out."""


class Refusal(Exception):
    """A row that can't leave: the column to look at and the reason's code."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


type Convert = Callable[[str], Any]


class Mapper:
    """A mapping, prepared for a segment's columns (names and model.json's types).

    Raises NotFound where the mapping names a column that the segment lacks.
    """

    def __init__(self, mapping: Mapping, columns: Sequence[tuple[str, str]]) -> None:
        places = {name: place for place, (name, _) in enumerate(columns)}
        missing = sorted({column for column in mapping.columns() if column not in places})
        if missing:
            raise NotFound(
                f"The segment has no column {', '.join(map(repr, missing))}. "
                f"Its columns: {', '.join(name for name, _ in columns)}.",
                code="unknown_column",
            )
        types = dict(columns)
        self._width = len(columns)
        self._keeps = _condition(mapping.only_if, places, types)
        self._email_column = mapping.email
        self._email = places[mapping.email]
        self._phone = next(
            (places[source.column] for name, source in mapping.attributes if name == "phone_number"), None
        )
        self._attributes = [
            (name, places[source.column])
            for name, source in mapping.attributes
            if name != "phone_number" and not name.startswith("location.")
        ]
        self._location = [
            (name.removeprefix("location."), places[source.column])
            for name, source in mapping.attributes
            if name.startswith("location.")
        ]
        self._properties = [
            (name, places[source.column], _CONVERTERS.get(types[source.column], str))
            for name, source in mapping.properties
        ]

    def profile(self, partition: int, row: int, cells: Sequence[str], warn: Callable[[str], None]) -> Profile:
        """The profile of one row; `warn` gets the code of each value that couldn't leave as it should.

        Raises Filtered where `only_if` leaves it out, Refusal where it can't leave at all. A blank cell
        is left out.
        """
        if len(cells) != self._width:
            raise Refusal("", "wrong_number_of_cells")
        if self._keeps is not None and not self._keeps(cells):
            raise Filtered
        email = cells[self._email].strip()
        if not email:
            raise Refusal(self._email_column, "missing_email")
        plain = is_plain_email(email)
        if not plain and not is_email(email):
            raise Refusal(self._email_column, "invalid_email")
        attributes: dict[str, Any] = {"email": email}
        for name, place in self._attributes:
            if value := cells[place].strip():
                attributes[name] = value
        if self._phone is not None and (phone := cells[self._phone].strip()):
            if is_e164(phone):
                attributes["phone_number"] = phone
            else:
                warn("phone_left_out")
        if location := {name: value for name, place in self._location if (value := cells[place].strip())}:
            attributes["location"] = location
        properties: dict[str, Any] = {}
        for name, place, convert in self._properties:
            if value := cells[place].strip():
                try:
                    properties[name] = convert(value)
                except ValueError:
                    properties[name] = value
                    warn("value_sent_as_text")
        if properties:
            attributes["properties"] = properties
        payload = orjson.dumps({"type": "profile", "attributes": attributes})
        if len(payload) > LARGEST_PROFILE:
            raise Refusal("", "profile_too_large")
        return Profile(partition, row, email.lower(), payload, plain)


def _condition(
    condition: Condition | None, places: dict[str, int], types: dict[str, str]
) -> Callable[[Sequence[str]], bool] | None:
    """The condition as a test of a row's cells; a boolean column is compared without regard to case."""
    if condition is None:
        return None
    place, negated = places[condition.column], condition.negated
    if types[condition.column] == "boolean":
        lowered = {value.lower() for value in condition.values}
        return lambda cells: (cells[place].strip().lower() in lowered) != negated
    return lambda cells: (cells[place].strip() in condition.values) != negated


_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?")


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError("not an integer")
    number = int(text)
    if not -(2**63) <= number < 2**64:
        raise ValueError("more than 64 bits")
    return number


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ValueError("not a number")
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number


def _boolean(text: str) -> bool:
    try:
        return {"true": True, "false": False}[text.lower()]
    except KeyError:
        raise ValueError("not a boolean") from None


# By model.json's dataType; what isn't here leaves as text.
_CONVERTERS: dict[str, Convert] = {
    "int64": _integer,
    "double": _number,
    "decimal": _number,
    "boolean": _boolean,
}
