"""Which email addresses can be sent.

Klaviyo's reference only says that an address must be valid. In observations, it refused a `mailto:`, a `!`
before the @ and a digit in the top-level domain. So there are two classes: plain addresses, which are
certainly valid, and possible ones, which are sent separately and which Klaviyo may refuse.
"""

import re

from shared.profiles.visible import visible

# Short enough that neither the part before the @ nor a label of the domain can exceed its own limit.
_SHORT = 64

_PLAIN = re.compile(
    r"[A-Za-z0-9_][A-Za-z0-9_+-]*+(?:\.[A-Za-z0-9_+-]++)*+"
    r"@(?:[A-Za-z0-9]++(?:-++[A-Za-z0-9]++)*+\.)+[A-Za-z]{2,}"
)

# RFC 5321 without quotes, extended to other alphabets by RFC 6531, without what Klaviyo refuses.
_ATOM = r"[A-Za-z0-9#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]++"
_LETTER = r"[A-Za-z\x80-\U0010ffff]"
_ALNUM = r"[A-Za-z0-9\x80-\U0010ffff]"
# Letters alone, or Punycode (RFC 3492) that happens to have no digit.
_TOP = rf"(?:{_LETTER}{{2,63}}|(?=.{{1,63}}\Z)(?i:xn)--[A-Za-z]++(?:-++[A-Za-z]++)*+)"
_POSSIBLE = re.compile(
    rf"(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*+@(?:(?=[^.]{{1,63}}\.){_ALNUM}++(?:-++{_ALNUM}++)*+\.)+{_TOP}"
)


def is_plain_email(text: str) -> bool:
    """Whether the address is valid by any standard; nearly all are."""
    return len(text) <= _SHORT and _PLAIN.fullmatch(text) is not None


def is_possible_email(text: str) -> bool:
    """Whether the address could be valid, plain or not."""
    return (
        text.isprintable()
        and _POSSIBLE.fullmatch(text) is not None
        and (text.isascii() or (visible(text) == text and all(map(_keeps_apart, text))))
    )


def _keeps_apart(character: str) -> bool:
    """False for a capital whose small letter is also another capital's.

    Klaviyo compares addresses in lower case, in which this would be another person's address: the Kelvin sign
    becomes the `k` of kate, the dotted capital I begins with an `i`.
    """
    lower = character.lower()
    if lower == character:
        return True
    return len(lower) == 1 and (lower.upper() == character or len(lower.upper()) > 1)
