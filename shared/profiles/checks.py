"""What Klaviyo accepts as an email and as a phone number.

The rules come from Klaviyo's API reference and from answers seen there; see docs of the bulk import:
https://developers.klaviyo.com/en/reference/bulk_import_profiles
"""

import re

LONGEST_EMAIL = 100

# Plain addresses: what nearly every row holds, and what Klaviyo never refused.
_PLAIN_EMAIL = re.compile(
    r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)
# Beyond them: what RFC 5321 allows without quotes, less what Klaviyo refuses: `!`, digits in the last label.
_UNUSUAL_EMAIL = re.compile(
    r"[^\W_]?[\w#$%&'*+/=?^`{|}~.-]*@(?:[^\W_](?:[\w-]*[^\W_])?\.)+(?:[^\W\d_]{2,63}|xn--[A-Za-z0-9-]{1,59})"
)
_E164 = re.compile(r"\+[1-9]\d{6,14}")


def is_plain_email(text: str) -> bool:
    """True for an address that no reader of addresses doubts."""
    return len(text) <= LONGEST_EMAIL and _PLAIN_EMAIL.fullmatch(text) is not None


def is_email(text: str) -> bool:
    """True for an address that Klaviyo may accept; the plain ones it does."""
    if is_plain_email(text):
        return True
    local = text.partition("@")[0]
    return (
        len(text) <= LONGEST_EMAIL
        and bool(local)
        and not local.startswith(".")
        and not local.endswith(".")
        and ".." not in local
        and _UNUSUAL_EMAIL.fullmatch(text) is not None
    )


def is_e164(text: str) -> bool:
    """True for `+`, a country code and 7 to 15 digits in all."""
    return _E164.fullmatch(text) is not None
