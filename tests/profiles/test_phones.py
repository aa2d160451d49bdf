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
        ("17075550142", "US", "+17075550142"),
        ("001-707-555-0142", "GB", "+17075550142"),
        ("020 7946 0018", "GB", "+442079460018"),
        ("+44 (0)20 7946 0018", None, "+442079460018"),
        ("(+44) (0)20 7946 0018", None, "+442079460018"),
        ("06 698 00000", "IT", "+390669800000"),
        ("390669800000", "IT", "+390669800000"),
        ("+80012345678", None, "+80012345678"),
        ("+1.7075550142", None, "+17075550142"),
        ("+33.6.12.34.56.78", None, "+33612345678"),
        ("06.12.34.56.00", "FR", "+33612345600"),
        ("0171/1234567", "DE", "+491711234567"),
        ("+49 (0) 171 / 1234567", None, "+491711234567"),
        ("30/123-4567", "HU", "+36301234567"),
        ("(06 1) 234 5678", "HU", "+3612345678"),
        ("030 1234-0", "DE", "+493012340"),
        ("011 15-2345-6789", "AR", "+5491123456789"),
        ("0 15 11 96123-4567", "BR", "+5511961234567"),
        ("4641234", "AG", "+12684641234"),
    ],
)
def test_a_number_leaves_in_e164(text: str, region: str | None, expected: str) -> None:
    """However one number is written, it is found; without a code, it is the region's."""
    assert to_e164(text, region) == expected


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("707.555.0142x9509", "US"),
        ("001-707-555-0142x442", "US"),
        ("+1 707 555 0142 ext. 7", None),
        ("+1 707 555 0142 #7", None),
        ("030 1234567 Durchwahl 5", "DE"),
        ("(415) 555-XXXX", "US"),
        ("212-555-none", "US"),
        ("1-800-FLOWERS", "US"),
        ("call 707-555-0142", "US"),
        ("707-555-0142 (home)", "US"),
        ("tel:+1-707-555-0142", None),
        ("tel:555-0142;phone-context=+1-707", "US"),
        ("+17075550142;ext=7", None),
        ("+17075550142,,7", None),
        ("707-555-0142 or 707-555-0143", "US"),
        ("707-555-0142/0143", "US"),
        ("707-555-0142;707-555-0143", "US"),
        ("707-555-0142\n707-555-0143", "US"),
        ("+49301234567 +49301234568", None),
        ("030 1234567/68", "DE"),
        ("030 123456 / 57", "DE"),
        ("030 1234567-70", "DE"),
        ("030 1234567  030 1234568", "DE"),
        ("0301/2345/678", "DE"),
        ("+358412345678.0", None),
        ("358412345678.0", "FI"),
        ("1721234567.00", "DE"),
        ("1721234567.25", "DE"),
        ("1.721234567E9", "DE"),
        ("12345.0", "LU"),
        ("1,721,234,567", "DE"),
        ("-1721234567", "DE"),
        ("0171 1234567-", "DE"),
        ("++491711234567", None),
        ("+49+1711234567", None),
        ("0171 123 (4567)", "DE"),
        ("0171) 1234567", "DE"),
        ("\uff0b17075550142", None),
        ("+1707555014\u0662", None),
        ("\u0967\u096d07555014\u0662", "US"),
        ("+1\u200b7075550142", None),
        ("+49" + "3" * 14, None),
        ("4915123456789", "DE"),
        ("62812345678", "ID"),
        ("7075550142", None),
        ("unknown", "US"),
        ("", "US"),
        ("+", "US"),
        ("+10000000000", None),
        ("+1707555014", None),
        ("+170755501421", None),
        ("+99912345678", None),
        ("+990491711234567", "FI"),
        ("555-0142", "US"),
        ("8102450701", "BY"),
        ("+3758101123456", None),
        ("0" * 1_000_000, "US"),
        ("7075550142", "XX"),
        ("\ud800\x00", "US"),
    ],
)
def test_an_unusable_number_does_not_leave(text: str, region: str | None) -> None:
    """What can't exist, has no country, is in doubt or is not plainly one number is nobody's."""
    assert to_e164(text, region) is None


def test_a_number_is_what_the_library_reads_it_as() -> None:
    """Of every region and kind, examples and numbers near them, in many spellings, are libphonenumber's."""
    for text, region in _spellings(random.Random(20261123)):
        found, expected = to_e164(text, region), _by_the_library(text, region)
        assert found == expected or (found is None and _is_in_doubt(text, region)), (text, region)


def _by_the_library(text: str, region: str) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if number.extension or not phonenumbers.is_valid_number(number):
        return None
    found = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return found if len(found) <= 16 else None  # E.164 has at most 15 digits


def _is_in_doubt(text: str, region: str) -> bool:
    """Digits that are valid as they stand, and another valid number as an international one."""
    code = str(phonenumbers.country_code_for_region(region))
    with_code = _by_the_library(f"+{text}", region)
    return text.startswith(code) and with_code is not None and with_code != _by_the_library(text, region)


def _spellings(chance: random.Random) -> Iterator[tuple[str, str]]:
    forms = phonenumbers.PhoneNumberFormat
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        code = phonenumbers.country_code_for_region(region)
        plan = phonenumbers.PhoneMetadata.metadata_for_region(region)
        trunk = (plan and plan.national_prefix) or "0"
        for kind in phonenumbers.PhoneNumberType.values():
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            for form in (forms.E164, forms.INTERNATIONAL, forms.NATIONAL):
                yield phonenumbers.format_number(example, form), region
            digits = phonenumbers.national_significant_number(example)
            yield f"+{code} (0){digits}", region
            yield f"({digits[:3]}) {digits[3:]}", region
            near = [_changed(digits, chance) for _ in range(3)]
            for each in (digits, *near):
                for before in ("", str(code), trunk, f"00{code}", f"+{code}", f"+{code}{trunk}"):
                    yield f"{before}{each}", region


def _changed(digits: str, chance: random.Random) -> str:
    place = chance.randrange(len(digits) + 1)
    return digits[:place] + chance.choice("0123456789") + digits[place + chance.randrange(3) :]
