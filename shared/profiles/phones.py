"""Phone numbers as Klaviyo wants them: E.164, and such as can exist.

A number that can't is dropped by Klaviyo without a word, so each one is checked against the numbering
plans of libphonenumber. The library takes 25 µs a number; its plans, as one pattern for each country
calling code, 0.3 µs, and settle what is written plainly.
"""

import re
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
_PUNCTUATION = str.maketrans("", "", " \u00a0().-")
_LONGEST = 40  # characters of a number that is written plainly

# The kinds of numbers in libphonenumber's plans; a valid number is of one of them.
_KINDS = (
    "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost",
    "personal_number", "voip", "pager", "uan", "voicemail",
)  # fmt: skip


def to_e164(text: str, region: str | None = None) -> str | None:
    """The number in E.164; None where it isn't a valid one, or has an extension: a switchboard's.

    A number without a country calling code is one of `region` (`US`).
    """
    if _is_valid(text):
        return text
    plain = _plain(text, region)
    if plain is not None and _is_valid(plain):
        return plain
    return _parse(text, region)


def _is_valid(text: str) -> bool:
    """True for a number that is valid and written in E.164."""
    return _numbers_like(text[:4]).fullmatch(text) is not None


def _plain(text: str, region: str | None) -> str | None:
    """What the number would be in E.164 if nothing but punctuation were to be taken away."""
    if len(text) > _LONGEST:
        return None
    digits = text.translate(_PUNCTUATION)
    if digits.startswith("+"):
        return digits
    if region is None:
        return None
    code, trunk = _dialling(region)
    # Behind a trunk prefix (the 0 of 0171) the library knows best what is left.
    return None if trunk and digits.startswith(trunk) else f"+{code}{digits}"


def _parse(text: str, region: str | None) -> str | None:
    try:
        number = parse(text, region)
    except NumberParseException:
        return None
    if number.extension or not is_valid_number(number):
        return None
    return format_number(number, PhoneNumberFormat.E164)


@lru_cache(maxsize=1024)
def _numbers_like(beginning: str) -> re.Pattern[str]:
    """Every valid number in E.164 of the country calling code in these four characters (`+170`)."""
    code = next((code for n in (2, 3, 4) if (code := _CODES.get(beginning[:n]))), None)
    return re.compile(r"(?!)") if code is None else _numbers(code)


@cache
def _numbers(code: int) -> re.Pattern[str]:
    patterns = dict.fromkeys(
        kind.national_number_pattern
        for region in COUNTRY_CODE_TO_REGION_CODE[code]
        if (plan := PhoneMetadata.metadata_for_region_or_calling_code(code, region)) is not None
        for name in _KINDS
        if (kind := getattr(plan, name)) is not None and kind.national_number_pattern
    )
    return re.compile(rf"\+{code}(?:{'|'.join(patterns)})", re.ASCII)


@cache
def _dialling(region: str) -> tuple[int, str]:
    """A region's country calling code and trunk prefix."""
    plan = PhoneMetadata.metadata_for_region(region)
    return country_code_for_region(region), (plan.national_prefix or "" if plan is not None else "")
