"""Converts values to the types that model.json gives their columns.

A converter takes a cell's text, trimmed and not blank, and returns the value for the JSON. It raises
ValueError if the text doesn't fit; then the value is sent as text. Readers of JSON treat numbers as doubles,
so a number that a double can't hold does not fit.
"""

import json
import math
import re
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from shared.profiles.dates import to_date, to_moment, to_time
from shared.profiles.visible import is_blank

type Convert = Callable[[str], Any]

NUMERIC = frozenset({"int64", "double", "decimal"})

_GUID = re.compile(r"\{?[0-9a-fA-F]{8}(-?)(?:[0-9a-fA-F]{4}\1){3}[0-9a-fA-F]{12}\}?")
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?", re.ASCII)
_BOOLEANS = {"true": True, "false": False}
# Above this, two whole numbers can become one double.
LARGEST = 2**53
# A double preserves decimals of this many digits.
_SAFE_DIGITS = 15
_LONGEST_NUMBER = 400  # characters; a double without an exponent has fewer
_DEEPEST = 100  # levels of nested lists and objects


def to_integer(text: str) -> int:
    if len(text) <= _SAFE_DIGITS and text.isascii() and text.isdecimal():
        return int(text)
    number = int(plain_number(text))
    if abs(number) > LARGEST:
        raise ValueError("more than a double holds")
    return number


def to_number(text: str) -> float:
    """A number whose digits are all preserved by a double."""
    text = plain_number(text)
    number = float(text)
    if not math.isfinite(number) or abs(number) > LARGEST:
        raise ValueError("not finite, or more than a double holds")
    is_short = len(text) <= _SAFE_DIGITS and "e" not in text and "E" not in text
    if not is_short and _exact(text) != Decimal(repr(number)):
        raise ValueError("more digits than a double holds")
    return number


def to_comparable(text: str) -> Decimal | str:
    """The number, equal for all its spellings; the text itself if it is not a number."""
    try:
        return _exact(plain_number(text))
    except ValueError:
        return text


def plain_number(text: str) -> str:
    """The number without en-US's thousands separators. Raises ValueError for forms that only Python reads."""
    if "_" in text or not text.isascii() or len(text) > _LONGEST_NUMBER:
        raise ValueError("not a number")
    if "," in text and _GROUPED.fullmatch(text):
        return text.replace(",", "")
    return text


def _exact(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:  # not a number, or a huge exponent
        raise ValueError("not a number") from None
    if not number.is_finite():
        raise ValueError("not finite")
    return number


def to_boolean(text: str) -> bool:
    value = _BOOLEANS.get(text.lower())
    if value is None:
        raise ValueError("not a boolean")
    return value


def to_guid(text: str) -> str:
    """The text itself: formats of GUIDs differ by tenant."""
    if not _GUID.fullmatch(text):
        raise ValueError("not a GUID")
    return text


def to_json(text: str) -> orjson.Fragment | None:
    """The JSON as written; None for null or blank text.

    Ambiguous JSON does not fit: an object with a name twice, a number that a double can't hold, lists and
    objects nested more than 100 deep.
    """
    value = orjson.loads(text)
    if value is None or (isinstance(value, str) and is_blank(value)):
        return None
    if not isinstance(value, str | bool):
        _check_json(text)
    return orjson.Fragment(text)


def _check_json(text: str) -> None:
    try:
        value = json.loads(text, parse_int=to_integer, parse_float=to_number, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("too deep") from None
    level = [value]
    for _ in range(_DEEPEST):
        items = [item for each in level for item in _items(each)]
        level = [item for item in items if isinstance(item, dict | list)]
        if not level:
            return
    raise ValueError("too deep")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a name twice")
    return members


def _items(value: Any) -> Iterable[Any]:
    match value:
        case dict():
            return value.values()
        case list():
            return value
    return ()


# By model.json's dataType. All others, such as string and unclassified, are sent as text.
CONVERTERS: dict[str, Convert] = {
    "int64": to_integer,
    "double": to_number,
    "decimal": to_number,
    "boolean": to_boolean,
    "date": to_date,
    "time": to_time,
    "dateTime": to_moment,
    "dateTimeOffset": to_moment,
    "guid": to_guid,
    "json": to_json,
}
