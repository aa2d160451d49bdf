"""Turns the cells of a row into the profile that is sent: only the columns that the mapping names."""

import re
from collections.abc import Sequence
from typing import Any

import orjson

from shared.profiles.columns import find_columns, has_any
from shared.profiles.conditions import test_of
from shared.profiles.dates import to_epoch
from shared.profiles.digests import UNKEYED, Digests
from shared.profiles.digits import has_all_digits, is_fraction, to_digits
from shared.profiles.emails import is_plain_email, is_possible_email
from shared.profiles.mapping import Mapping
from shared.profiles.phones import to_e164
from shared.profiles.profile import Filtered, Profile, ProfileFormat, Refusal
from shared.profiles.values import CONVERTERS, NUMERIC
from shared.profiles.visible import is_blank, value_of

# A control character in JSON: a text of only these is blank, too.
_CONTROL = re.compile(rb"\\[bu]")
_BACKSLASH, _DELETE = b"\\\x7f"  # as numbers: searching for them is ten times as fast


class Mapper:
    """A mapping, prepared for a segment's columns (names and model.json's types) and a destination's format.

    Raises NotFound if the mapping names a column that the segment lacks, InvalidSegment if the segment has
    two columns of that name. With `names_by_file`, the columns' names could be the cells of a row: messages
    show them only if the mapping has one of them.
    """

    def __init__(
        self,
        mapping: Mapping,
        columns: Sequence[tuple[str, str]],
        profile_format: ProfileFormat,
        digests: Digests = UNKEYED,
        *,
        names_by_file: bool = False,
    ) -> None:
        wanted, names = mapping.columns(), [name for name, _ in columns]
        places = find_columns(wanted, names, names_are_told=not names_by_file or has_any(wanted, names))
        types = {column: columns[place][1] for column, place in places.items()}
        attributes = dict(mapping.attributes)
        self._mapping = mapping
        self._format = profile_format
        self._head, self._tail = profile_format.head, profile_format.tail
        self._most_bytes = profile_format.most_bytes
        self._longest_email = profile_format.longest_email
        self._longest_external_id = profile_format.longest_external_id
        self._places = places
        self._width = len(columns)
        condition = mapping.only_if
        self._email_place = places[mapping.email]
        self._person, self._content = digests.person, digests.contents(mapping, places, types)
        self._consent_place = None if mapping.consented_at is None else places[mapping.consented_at]
        self._keeps = test_of(condition, types[condition.column]) if condition else None
        self._condition_place = places[condition.column] if condition else 0
        external_id = attributes.get("external_id")
        self._external_id_place = None if external_id is None else places[external_id.column]
        self._region = attributes["phone_number"].region if "phone_number" in attributes else None
        self._texts = [("email", places[mapping.email])]
        self._location: list[tuple[str, int]] = []
        for name, source in attributes.items():
            of_location = name.startswith("location.")
            texts = self._location if of_location else self._texts
            texts.append((name.removeprefix("location."), places[source.column]))
        self._numeric = {
            name.removeprefix("location."): types[source.column]
            for name, source in attributes.items()
            if types[source.column] in NUMERIC
        }
        self._to_e164 = _whole_to_e164 if "phone_number" in self._numeric else to_e164
        self._properties = [
            (name, places[source.column], CONVERTERS.get(types[source.column]))
            for name, source in mapping.properties
        ]
        self._cleared = [name for name, _ in mapping.properties] if mapping.clear_blanks else []

    def identify(self, cells: Sequence[str]) -> tuple[bytes, bytes]:
        """The digests of a row's person and of its content, before anything is checked.

        Raises Filtered; Refusal if it isn't a row.
        """
        if len(cells) != self._width:
            raise Refusal("", "wrong_number_of_cells")
        if self._keeps is not None and not self._keeps(cells[self._condition_place]):
            raise Filtered
        try:
            return self._person(self.address(cells)), self._content(cells)
        except UnicodeEncodeError:
            raise Refusal(self._mapping.email, "invalid_utf8") from None

    def address(self, cells: Sequence[str]) -> str:
        """The email of an identified row."""
        return cell.strip() if (cell := cells[self._email_place]).isascii() else value_of(cell)

    def external_id(self, cells: Sequence[str]) -> str:
        """The external id of an identified row; blank if the mapping or the row has none."""
        if self._external_id_place is None:
            return ""
        text = value_of(cells[self._external_id_place])
        return to_digits(text) if "external_id" in self._numeric else text

    def consented_at(self, cells: Sequence[str]) -> int | None:
        """When the person of an identified row consented, in seconds since 1970; None if the row has no such
        time."""
        try:
            return None if self._consent_place is None else to_epoch(value_of(cells[self._consent_place]))
        except ValueError:
            return None

    def profile(
        self, partition: int, row: int, cells: Sequence[str], person: bytes, content: bytes
    ) -> Profile:
        """The profile of an identified row. Raises Refusal, and nothing else, if it can't be sent.

        Values are trimmed of white space and invisible marks. A blank value is left out; with
        `clear_blanks`, its property is cleared.
        """
        # ASCII has no marks to trim, and strip() is faster than a call.
        attributes: dict[str, Any] = {
            name: text
            for name, place in self._texts
            if (text := cell.strip() if (cell := cells[place]).isascii() else value_of(cell))
        }
        email = attributes.get("email", "")
        plain = is_plain_email(email)
        if not plain and (len(email) > self._longest_email or not is_possible_email(email)):
            raise Refusal(self._mapping.email, "missing_email" if is_blank(email) else "invalid_email")
        location = {
            name: text
            for name, place in self._location
            if (text := cell.strip() if (cell := cells[place]).isascii() else value_of(cell))
        }
        if self._numeric:
            self._write_digits(attributes, location)
        warnings: list[str] = []
        if phone := attributes.get("phone_number"):
            number = self._to_e164(phone, self._region)
            if number is None:
                del attributes["phone_number"]
                if not is_blank(phone):
                    warnings.append("phone_left_out")
            else:
                attributes["phone_number"] = number
        if location:
            attributes["location"] = location
        if self._properties:
            self._add_properties(attributes, cells, warnings)
        try:
            written = orjson.dumps(attributes)
            if (_BACKSLASH in written and _CONTROL.search(written)) or _DELETE in written:
                attributes = _seen(attributes)
                written = orjson.dumps(attributes)
        except orjson.JSONEncodeError:
            raise Refusal(self._broken_column(cells), "invalid_utf8") from None
        # orjson returns a part of a larger block and keeps the rest unusable. Joining copies the profile at
        # its own size, which halves the memory of a large run.
        tail = self._tail_of(attributes.get("properties", {})) if self._cleared else self._tail
        payload = self._head + written + tail
        if len(payload) > self._most_bytes:
            raise Refusal("", "profile_too_large")
        if len(attributes.get("external_id", "")) > self._longest_external_id:
            # Without it, the profile could be merged into another person's.
            raise Refusal(self._column("external_id"), "external_id_too_long")
        return Profile(partition, row, person, content, payload, plain, tuple(warnings) if warnings else ())

    def _write_digits(self, attributes: dict[str, Any], location: dict[str, str]) -> None:
        """Writes whole numbers of numeric columns as their digits."""
        for name, data_type in self._numeric.items():
            values = location if name in location else attributes
            if name not in values:
                continue
            text = values[name]
            if name == "external_id" and not has_all_digits(text, data_type):
                # Profiles that share an external id are merged.
                raise Refusal(self._column("external_id"), "external_id_not_exact")
            values[name] = to_digits(text)

    def _add_properties(self, attributes: dict[str, Any], cells: Sequence[str], warnings: list[str]) -> None:
        properties: dict[str, Any] = {}
        for name, place, convert in self._properties:
            cell = cells[place]
            if text := cell.strip() if cell.isascii() else value_of(cell):
                if convert is None:
                    properties[name] = text
                    continue
                try:
                    value = convert(text)
                except ValueError:
                    if not is_blank(text):
                        properties[name] = text
                        warnings.append("value_sent_as_text")
                else:
                    if value is not None:
                        properties[name] = value
        if properties:
            attributes["properties"] = properties

    def _tail_of(self, properties: dict[str, Any]) -> bytes:
        """The text after the attributes of a profile that has these properties; the others are cleared."""
        blank = [name for name in self._cleared if name not in properties]
        return self._format.tail_unsetting(blank) if blank else self._tail

    def _column(self, attribute: str) -> str:
        return dict(self._mapping.attributes)[attribute].column

    def _broken_column(self, cells: Sequence[str]) -> str:
        """The column whose cell contains a lone surrogate, a trace of broken UTF-8."""
        for column, place in self._places.items():
            if any("\ud800" <= character <= "\udfff" for character in cells[place]):
                return column
        return ""


def _whole_to_e164(text: str, region: str | None) -> str | None:
    return None if is_fraction(text) else to_e164(text, region)


def _seen(values: dict[str, Any]) -> dict[str, Any]:
    """The values without wholly invisible texts, and without objects that become empty."""
    seen = {name: _seen(value) if isinstance(value, dict) else value for name, value in values.items()}
    return {
        name: value
        for name, value in seen.items()
        if not (value == {} or (isinstance(value, str) and is_blank(value)))
    }
