"""Phone numbers: what leaves in E.164, and what doesn't leave at all."""

import random
from collections.abc import Iterator

import phonenumbers
import pytest

from shared.profiles.phones import to_e164


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("+17075550142", None, "+17075550142"),
        ("+17075550142", "GB", "+17075550142"),
        ("+1 (707) 555-0142", None, "+17075550142"),
        ("707.555.0142", "US", "+17075550142"),
        ("(707) 555\u00a00142", "US", "+17075550142"),
        ("1-707-555-0142", "US", "+17075550142"),
        ("001-707-555-0142", "GB", "+17075550142"),
        ("020 7946 0018", "GB", "+442079460018"),
        ("+44 (0)20 7946 0018", None, "+442079460018"),
        ("06 698 00000", "IT", "+390669800000"),
        ("tel:+1-707-555-0142", None, "+17075550142"),
        ("+80012345678", None, "+80012345678"),
        ("\uff0b17075550142", None, "+17075550142"),
        ("+1707555014\u0662", None, "+17075550142"),
    ],
)
def test_a_number_leaves_in_e164(text: str, region: str | None, expected: str) -> None:
    """Whatever the way it is written in, a valid number is found; without a code, it is the region's."""
    assert to_e164(text, region) == expected


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("707.555.0142x9509", "US"),
        ("001-707-555-0142x442", "US"),
        ("+1 707 555 0142 ext. 7", None),
        ("7075550142", None),
        ("unknown", "US"),
        ("+", "US"),
        ("+10000000000", None),
        ("+1707555014", None),
        ("+170755501421", None),
        ("+99912345678", None),
        ("555-0142", "US"),
        ("8102450701", "BY"),
        ("707-555-0142 or 707-555-0143", "US"),
        ("0" * 1_000_000, "US"),
        ("7075550142", "XX"),
        ("\ud800\x00", "US"),
    ],
)
def test_an_unusable_number_does_not_leave(text: str, region: str | None) -> None:
    """One with an extension, one that can't exist, one without a country: none of them."""
    assert to_e164(text, region) is None


def test_the_fast_way_says_what_the_library_says() -> None:
    """Of every country, numbers near its examples are taken and refused as libphonenumber does."""
    for text, region in _numbers(random.Random(20261123)):
        assert to_e164(text, region) == _by_the_library(text, region), (text, region)


def _by_the_library(text: str, region: str) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if number.extension or not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _numbers(chance: random.Random) -> Iterator[tuple[str, str]]:
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        code = phonenumbers.country_code_for_region(region)
        for kind in phonenumbers.PhoneNumberType.values():
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            digits = phonenumbers.national_significant_number(example)
            for _ in range(4):
                place = chance.randrange(len(digits) + 1)
                changed = digits[:place] + chance.choice("0123456789") + digits[place + chance.randrange(2) :]
                for text in (f"+{code}{digits}", f"+{code}{changed}", digits, changed):
                    yield text, region
