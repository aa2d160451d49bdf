"""Values with the types that model.json gives their columns.

A converter takes a cell's text, trimmed and not blank, and returns what goes into the JSON. It raises
ValueError where the text doesn't fit; such a value leaves as the text that it is.
"""

import math
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from shared.profiles.dates import to_date, to_moment, to_time

type Convert = Callable[[str], Any]

_GUID = re.compile(r"\{?[0-9a-fA-F]{8}(-?)(?:[0-9a-fA-F]{4}\1){3}[0-9a-fA-F]{12}\}?")
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?", re.ASCII)
_BOOLEANS = {"true": True, "false": False}
# Any decimal of so many digits comes back from a double as it went in.
_SAFE_DIGITS = 15


def to_integer(text: str) -> int:
    number = int(_plain_number(text))
    if not -(2**63) <= number < 2**63:
        raise ValueError("not an int64")
    return number


def to_double(text: str) -> float:
    number = float(_plain_number(text))
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number


def _plain_number(text: str) -> str:
    """The number without en-US's commas between its thousands; not what only Python would read as one."""
    if "_" in text or not text.isascii():
        raise ValueError("not a number")
    if "," in text and _GROUPED.fullmatch(text):
        return text.replace(",", "")
    return text


def to_decimal(text: str) -> float:
    """A number whose digits all survive in a JSON number, which readers take as a double."""
    text = _plain_number(text)
    number = to_double(text)
    is_short = len(text) <= _SAFE_DIGITS and "e" not in text.lower()
    if not is_short and not _is_exactly(text, number):
        raise ValueError("more digits than a double holds")
    return number


def _is_exactly(text: str, number: float) -> bool:
    try:
        return Decimal(text) == Decimal(repr(number))
    except InvalidOperation:  # an exponent beyond all measure
        return False


def to_boolean(text: str) -> bool:
    value = _BOOLEANS.get(text.lower())
    if value is None:
        raise ValueError("not a boolean")
    return value


def to_guid(text: str) -> str:
    """The text itself: how a GUID is written is the tenant's own."""
    if not _GUID.fullmatch(text):
        raise ValueError("not a GUID")
    return text


def to_json(text: str) -> orjson.Fragment | None:
    """The JSON as it is written, so that no digit of its numbers is lost; None for null or blank text."""
    value = orjson.loads(text)
    is_blank = value is None or (isinstance(value, str) and not value.strip())
    return None if is_blank else orjson.Fragment(text)


# By model.json's dataType. What isn't here, string and unclassified among them, leaves as text.
CONVERTERS: dict[str, Convert] = {
    "int64": to_integer,
    "double": to_double,
    "decimal": to_decimal,
    "boolean": to_boolean,
    "date": to_date,
    "time": to_time,
    "dateTime": to_moment,
    "dateTimeOffset": to_moment,
    "guid": to_guid,
    "json": to_json,
}
