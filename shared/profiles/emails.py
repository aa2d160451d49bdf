"""What Klaviyo takes as an email address.

Its reference only says that an address has to be valid, and at most 100 characters long:
https://developers.klaviyo.com/en/reference/bulk_import_profiles. It was seen to refuse a `mailto:`, a `!`
before the @ and a digit in the top-level domain. So there are two circles here: what nobody doubts, and
what may be right, which travels apart and leaves the last word to Klaviyo.
"""

import re

LONGEST = 100  # characters
# So short that neither the part before the @ nor a label of the domain can be over its own limit.
_SHORT = 64

_PLAIN = re.compile(
    r"[A-Za-z0-9_][A-Za-z0-9_+-]*+(?:\.[A-Za-z0-9_+-]++)*+"
    r"@(?:[A-Za-z0-9]++(?:-++[A-Za-z0-9]++)*+\.)+[A-Za-z]{2,}"
)

# RFC 5321 without quotes, opened to other alphabets by RFC 6531, and less what Klaviyo refuses.
_ATOM = r"[A-Za-z0-9#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]++"
_LETTER = r"[A-Za-z\x80-\U0010ffff]"
_ALNUM = r"[A-Za-z0-9\x80-\U0010ffff]"
_POSSIBLE = re.compile(
    rf"(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*+@(?:(?=[^.]{{1,63}}\.){_ALNUM}++(?:-++{_ALNUM}++)*+\.)+{_LETTER}{{2,63}}"
)


def is_plain_email(text: str) -> bool:
    """True for an address that no reader of addresses doubts; nearly all are."""
    return len(text) <= _SHORT and _PLAIN.fullmatch(text) is not None


def is_possible_email(text: str) -> bool:
    """True for an address that Klaviyo may take, plain or not."""
    return len(text) <= LONGEST and text.isprintable() and _POSSIBLE.fullmatch(text) is not None
