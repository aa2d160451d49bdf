"""Phone numbers in E.164, and only numbers that can exist.

Klaviyo drops an impossible number without an error, and a wrong one may be another person's. So a cell must
plainly be one number, and libphonenumber decides which. The library takes 25 µs a number; its numbering
plans, as one pattern for each country calling code, take 0.5 µs. So it gets only numbers that it may change.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    NumberParseException,
    PhoneMetadata,
    PhoneNumberFormat,
    country_code_for_region,
    format_number,
    is_valid_number,
    parse,
)

_CODES = {f"+{code}": code for code in COUNTRY_CODE_TO_REGION_CODE}
_MOST_DIGITS = 15  # of a number in E.164
_LONGEST_CELL = 40  # characters
_PUNCTUATION = str.maketrans("", "", " ().-/")

# Groups of digits with one separator between them, and parentheses around the first group or the area code.
_ONE_NUMBER = re.compile(
    r"(?:\+?\d++|\+?\d{0,4}[ .-]?\((?:\d{1,2}[ -])?\d{1,6}\)\d*+|\(\+\d{1,3}\) ?(?:\(0\))?\d*+)"
    r"(?:(?: ?[./-] ?| )\d++)*+",
    re.ASCII,
)
# A short last group may be an extension, decimals or the end of another number: 1721234567.0, 1234567-68.
_SHORT_END = re.compile(r"\d{6}(?: ?[./-] ?| )\d{1,3}\Z|\d{4}\.\d{1,3}\Z|\.\d\Z", re.ASCII)
# After more than an area code, a slash begins another number.
_AREA_CODE = re.compile(
    r"(?:(?:(?:\+|00)\d{1,3}[ .-]?|\(\+\d{1,3}\) ?)(?:\(0\) ?)?\(?\d{1,5}|\(?0\d{1,5}|\(?\d{1,4})\)? ?",
    re.ASCII,
)
_LEAST_BEHIND_SLASH = 4  # digits

# The kinds of numbers in libphonenumber's plans; every valid number is one of them.
_KINDS = (
    "mobile", "fixed_line", "toll_free", "premium_rate", "shared_cost",
    "personal_number", "voip", "pager", "uan", "voicemail",
)  # fmt: skip


def to_e164(text: str, region: str | None = None) -> str | None:
    """The number in E.164, or None if the text is not plainly one valid number.

    A number consists of ASCII digits, with or without a leading plus, and between them spaces (including
    no-break ones), dots, hyphens, a slash, and parentheses around the area code. Without a plus, it belongs
    to `region` (`US`). Digits that are valid both with and without the region's own country calling code are
    ambiguous: None.
    """
    plan = _plan(text[:4])
    if plan is not None and plan.valid.fullmatch(text):
        return text
    digits = _digits(text)
    if digits is None:
        return None
    if digits.startswith("+"):
        return _international(digits)
    if region is None:
        return None
    code, changed = _dialing(region)
    if not changed.match(digits):
        return _international(f"+{code}{digits}")
    found = _by_library(digits, region)
    if found and digits.startswith(str(code)) and _by_library(f"+{digits}", None) not in (None, found):
        return None
    return found


def _digits(text: str) -> str | None:
    """The digits, with their plus, of a text that is plainly one number; else None."""
    if len(text) > _LONGEST_CELL:
        return None
    text = text.replace("\u00a0", " ")
    if not _ONE_NUMBER.fullmatch(text) or _SHORT_END.search(text):
        return None
    if "/" in text:
        area, _, rest = text.partition("/")
        if "/" in rest or len(rest.translate(_PUNCTUATION)) < _LEAST_BEHIND_SLASH:
            return None
        if not _AREA_CODE.fullmatch(area):
            return None
    return text.translate(_PUNCTUATION)


def _international(number: str) -> str | None:
    plan = _plan(number[:4])
    if plan is None:
        return None
    if plan.valid.fullmatch(number):
        return number
    return _by_library(number, None) if plan.changed.match(number) else None


def _by_library(digits: str, region: str | None) -> str | None:
    try:
        number = parse(digits, region)
    except NumberParseException:
        return None
    if not is_valid_number(number):
        return None
    found = format_number(number, PhoneNumberFormat.E164)
    return found if len(found) <= _MOST_DIGITS + 1 else None


@dataclass(frozen=True, slots=True)
class _Plan:
    """The numbers in E.164 of a country calling code.

    `changed` matches numbers from which the library may strip a trunk prefix, `valid` all other valid ones.
    """

    valid: re.Pattern[str]
    changed: re.Pattern[str]


@lru_cache(maxsize=1024)
def _plan(beginning: str) -> _Plan | None:
    """The plan of the country calling code in these four characters (`+170`), if there is one."""
    code = next((code for n in (2, 3, 4) if (code := _CODES.get(beginning[:n]))), None)
    return None if code is None else _plan_of(code)


@cache
def _plan_of(code: int) -> _Plan:
    """Follows region_code_for_number: the first region whose leading digits or kinds match decides."""
    regions = COUNTRY_CODE_TO_REGION_CODE[code]
    plans = [PhoneMetadata.metadata_for_region_or_calling_code(code, region) for region in regions]
    longest = _MOST_DIGITS - len(str(code))
    pattern = "(?!)"
    for plan in reversed([plan for plan in plans if plan is not None]):
        if plan.leading_digits and len(regions) > 1:
            leading = f"(?:{plan.leading_digits})"
            pattern = f"(?={leading})(?:{_valid(plan, longest)})|(?!{leading})(?:{pattern})"
        else:
            pattern = f"{_valid(plan, longest)}|{pattern}"
    trunk = (plans[0].national_prefix_for_parsing if plans[0] is not None else None) or "(?!)"
    changed = rf"(?:{trunk})(?<!\+{code})"  # but not if the prefix is empty
    return _Plan(
        re.compile(rf"\+{code}(?!{changed})(?:{pattern})", re.ASCII),
        re.compile(rf"\+{code}{changed}", re.ASCII),
    )


def _valid(plan: PhoneMetadata, longest: int) -> str:
    """The valid national numbers of a plan, as a pattern that matches to the end of the text."""
    general = plan.general_desc
    if general is None or not general.national_number_pattern:
        return "(?!)"
    by_length: dict[tuple[int, ...], dict[str, None]] = {}
    for kind in (getattr(plan, name) for name in _KINDS):
        if kind is not None and kind.national_number_pattern:
            lengths = {*kind.possible_length} & {*general.possible_length} & {*range(longest + 1)}
            by_length.setdefault(tuple(sorted(lengths)), {})[kind.national_number_pattern] = None
    valid = "|".join(f"{_of_length(lengths)}(?:{'|'.join(each)})" for lengths, each in by_length.items())
    return rf"(?=(?:{general.national_number_pattern})\Z)(?:{valid})"


def _of_length(lengths: tuple[int, ...]) -> str:
    """A lookahead for texts of one of these lengths."""
    if lengths and len(lengths) == lengths[-1] - lengths[0] + 1:
        return rf"(?=.{{{lengths[0]},{lengths[-1]}}}\Z)"
    return rf"(?=(?:{'|'.join(f'.{{{length}}}' for length in lengths) or '(?!)'})\Z)"


@cache
def _dialing(region: str) -> tuple[int, re.Pattern[str]]:
    """A region's country calling code, and a pattern for the digits that the library may strip a prefix from.

    These begin with the international prefix, the country calling code or a trunk prefix.
    """
    code, plan = country_code_for_region(region), PhoneMetadata.metadata_for_region(region)
    prefixes = [str(code)]
    if plan is not None:
        prefixes += filter(None, (plan.international_prefix, plan.national_prefix_for_parsing))
    return code, re.compile("|".join(rf"(?:{prefix})(?!\A)" for prefix in prefixes), re.ASCII)
