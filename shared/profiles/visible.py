"""The visible part of a text: no white space, control or format characters."""

import re

from shared.text import trim

# Unicode's White_Space, Cc and Default_Ignorable_Code_Point, the marks of interlinear annotation, and the
# blank of braille: https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt
_UNSEEN = (
    r"\x00-\x20\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f"
    r"\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_RUN = re.compile(f"[{_UNSEEN}]+")
_BLANK = re.compile(f"[{_UNSEEN}]*+")


def visible(text: str) -> str:
    """The text without its invisible characters, including white space."""
    return _RUN.sub("", text)


def is_blank(text: str) -> bool:
    """Whether the text has no visible character."""
    return _BLANK.fullmatch(text) is not None


def value_of(cell: str) -> str:
    """The cell without surrounding white space and invisible marks; "" if nothing is left."""
    text = trim(cell)
    return text if "!" <= text[:1] <= "~" or not is_blank(text) else ""
