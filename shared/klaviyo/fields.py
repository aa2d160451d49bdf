"""The members of a resource in an answer, each checked before it is used."""

import re
from typing import Any

from shared.klaviyo.answers import unexpected
from shared.text import shown

# No account and no job has more profiles, so a larger number is not a count.
LARGEST_COUNT = 10**9

_WORD = re.compile(r"[A-Za-z_-]{1,64}")


def attributes_of(item: Any) -> dict[str, Any]:
    attributes = item.get("attributes") if isinstance(item, dict) else None
    if not isinstance(attributes, dict):
        raise unexpected(200)
    return attributes


def id_of(item: Any, alphabet: re.Pattern[str]) -> str:
    text = item.get("id") if isinstance(item, dict) else None
    if not isinstance(text, str) or not alphabet.fullmatch(text):
        raise unexpected(200)
    return text


def word_of(text: Any) -> str:
    return text if isinstance(text, str) and _WORD.fullmatch(text) else ""


def name_of(text: Any) -> str:
    return shown(text) if isinstance(text, str) else ""


def count_of(value: Any) -> int:
    """A number of profiles; a boolean is not one, though Python treats it as one."""
    if value is None:
        return 0
    if type(value) is not int or not 0 <= value <= LARGEST_COUNT:
        raise unexpected(200)
    return value


def number_of(value: Any) -> float | None:
    """Any number, whole or not; None if it is not a number."""
    return value if type(value) in (int, float) and 0 <= value <= LARGEST_COUNT else None
