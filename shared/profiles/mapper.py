"""From the cells of a row to the profile that leaves: the columns that the mapping names, and no others."""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from shared.profiles.columns import find_columns, has_any
from shared.profiles.emails import is_plain_email, is_possible_email
from shared.profiles.mapping import Condition, Mapping
from shared.profiles.phones import to_e164
from shared.profiles.values import CONVERTERS

LARGEST_PROFILE = 100_000  # bytes; Klaviyo's 100 KB
LONGEST_EXTERNAL_ID = 255  # characters
# 120 bits: two of a million people share a digest once in 10**24 runs. A byte more, and Python would need
# a third more memory for each (64 bytes instead of 48).
_DIGEST_SIZE = 15
# What orjson returns is cut out of a larger block, whose rest nobody can use: joining a profile from its
# attributes and these copies it at its own size, which halves the memory of a large run.
_HEAD, _TAIL = b'{"type":"profile","attributes":', b"}"


class Profile(NamedTuple):
    """One profile, ready to leave, with the row it came from.

    `person` tells whether two are the same (`person_of`); `payload` is its JSON:API object; `plain` tells
    that nobody doubts its address; `warnings` are the codes of its values that couldn't leave as they
    should.
    """

    partition: int
    row: int
    person: bytes
    payload: bytes
    plain: bool = True
    warnings: tuple[str, ...] = ()


def person_of(email: str) -> bytes:
    """A digest of the address in lower case, so that a long one takes no more memory than a short one."""
    return blake2b(email.lower().encode(), digest_size=_DIGEST_SIZE).digest()


class Filtered(Exception):
    """A row that `only_if` leaves out."""


class Refusal(Exception):
    """A row that can't leave: the column to look at and the reason's code."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


class Mapper:
    """A mapping, prepared for a segment's columns (names and model.json's types).

    Raises NotFound where the mapping names a column that the segment lacks, InvalidSegment where the
    segment has two of its name. With `names_by_file` the columns' names may be a row's cells: they are
    told only where the mapping knows one of them.
    """

    def __init__(
        self, mapping: Mapping, columns: Sequence[tuple[str, str]], *, names_by_file: bool = False
    ) -> None:
        wanted, names = mapping.columns(), [name for name, _ in columns]
        places = find_columns(wanted, names, names_are_told=not names_by_file or has_any(wanted, names))
        types = dict(columns)
        attributes = dict(mapping.attributes)
        self._mapping = mapping
        self._places = places
        self._width = len(columns)
        self._keeps = _condition(mapping.only_if, places, types)
        self._region = attributes["phone_number"].region if "phone_number" in attributes else None
        self._texts = [("email", places[mapping.email])]
        self._location: list[tuple[str, int]] = []
        for name, source in attributes.items():
            of_location = name.startswith("location.")
            texts = self._location if of_location else self._texts
            texts.append((name.removeprefix("location."), places[source.column]))
        self._properties = [
            (name, places[source.column], CONVERTERS.get(types[source.column]))
            for name, source in mapping.properties
        ]

    def profile(self, partition: int, row: int, cells: Sequence[str]) -> Profile:
        """The profile of one row. Raises Filtered or Refusal, and nothing else, where it doesn't leave.

        White space (what Unicode calls so) around a value is not part of it; a blank one is left out.
        """
        if len(cells) != self._width:
            raise Refusal("", "wrong_number_of_cells")
        if self._keeps is not None and not self._keeps(cells):
            raise Filtered
        attributes: dict[str, Any]
        attributes = {name: text for name, place in self._texts if (text := cells[place].strip())}
        email = attributes.get("email", "")
        plain = is_plain_email(email)
        if not plain and not is_possible_email(email):
            raise Refusal(self._mapping.email, "invalid_email" if email else "missing_email")
        warnings: list[str] = []
        if phone := attributes.get("phone_number"):
            number = to_e164(phone, self._region)
            if number is None:
                del attributes["phone_number"]
                warnings.append("phone_left_out")
            else:
                attributes["phone_number"] = number
        if location := {name: text for name, place in self._location if (text := cells[place].strip())}:
            attributes["location"] = location
        if self._properties:
            self._add_properties(attributes, cells, warnings)
        try:
            payload = _HEAD + orjson.dumps(attributes) + _TAIL
        except orjson.JSONEncodeError:
            raise Refusal(self._broken_column(cells), "invalid_utf8") from None
        if len(payload) > LARGEST_PROFILE:
            raise Refusal("", "profile_too_large")
        if len(attributes.get("external_id", "")) > LONGEST_EXTERNAL_ID:
            # Without it the profile could become another person's than the export asks for.
            raise Refusal(dict(self._mapping.attributes)["external_id"].column, "external_id_too_long")
        return Profile(partition, row, person_of(email), payload, plain, tuple(warnings))

    def _add_properties(self, attributes: dict[str, Any], cells: Sequence[str], warnings: list[str]) -> None:
        properties: dict[str, Any] = {}
        for name, place, convert in self._properties:
            if text := cells[place].strip():
                if convert is None:
                    properties[name] = text
                    continue
                try:
                    value = convert(text)
                except ValueError:
                    properties[name] = text
                    warnings.append("value_sent_as_text")
                else:
                    if value is not None:
                        properties[name] = value
        if properties:
            attributes["properties"] = properties

    def _broken_column(self, cells: Sequence[str]) -> str:
        """The column whose cell holds half a character, as broken UTF-8 leaves it."""
        for column, place in self._places.items():
            if any("\ud800" <= character <= "\udfff" for character in cells[place]):
                return column
        return ""


def _condition(
    condition: Condition | None, places: dict[str, int], types: dict[str, str]
) -> Callable[[Sequence[str]], bool] | None:
    """The condition as a test of a row's cells."""
    if condition is None:
        return None
    place, negated = places[condition.column], condition.negated
    values = {value.strip() for value in condition.values}
    if types[condition.column] == "boolean":
        lowered = {value.lower() for value in values}
        return lambda cells: (cells[place].strip().lower() in lowered) != negated
    return lambda cells: (cells[place].strip() in values) != negated
