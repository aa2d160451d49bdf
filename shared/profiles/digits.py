"""Phones, postcodes and ids from columns that are numeric in model.json."""

import re

from shared.profiles.values import LARGEST, plain_number

# Formats of doubles: 8001.0, 1.721234567E9.
_WHOLE = re.compile(r"([+-]?\d+)\.0*", re.ASCII)
_SCIENTIFIC = re.compile(r"([+-]?)([1-9])(?:\.(\d+))?[eE](\+?)(\d\d?)", re.ASCII)
_FRACTION = re.compile(r"[+-]?\d*\.\d*[1-9]\d*", re.ASCII)
_INTEGER = re.compile(r"[+-]?0*(\d+)(\.0*)?", re.ASCII)
_SAFE_DIGITS = 15  # preserved by a double, wherever the point is
_MOST_DIGITS = 19  # of an int64


def to_digits(text: str) -> str:
    """The digits of a whole number in the format of a double; any other text unchanged."""
    if text.isdecimal():
        return text
    if match := _WHOLE.fullmatch(text):
        return match[1]
    if match := _SCIENTIFIC.fullmatch(text):
        sign, first, fraction, plus, exponent = match[1], match[2], match[3] or "", match[4], int(match[5])
        # Spreadsheets and .NET write E+09, and round: hidden digits may be lost.
        is_whole = len(fraction.rstrip("0")) <= exponent and not (plus and len(fraction) < exponent)
        digits = first + fraction[:exponent].ljust(exponent, "0")
        if is_whole and int(digits) < LARGEST:
            return sign + digits
    return text


def is_fraction(text: str) -> bool:
    """Whether the text is a number that is not whole."""
    return _FRACTION.fullmatch(text) is not None


def has_all_digits(text: str, data_type: str) -> bool:
    """Whether a value of a numeric column certainly has all its digits, so no two ids became one.

    A whole number has them below 2**53 in a double and below 2**63 in an int64 or a decimal, a fraction up to
    15 digits. An exponent may hide some, and many ids could have become NaN. A text that is not a number has
    lost nothing.
    """
    try:
        text = plain_number(text)
        float(text)
    except ValueError:
        return True
    if match := _INTEGER.fullmatch(text):
        is_double = data_type == "double" or (data_type == "int64" and match[2] is not None)
        return len(match[1]) <= _MOST_DIGITS and int(match[1]) < (LARGEST if is_double else 2**63)
    if match := _FRACTION.fullmatch(text):
        return sum(map(str.isdigit, text.lstrip("+-0."))) <= _SAFE_DIGITS
    return to_digits(text) != text
