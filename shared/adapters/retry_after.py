"""How long a server asks us to wait: `Retry-After` of RFC 9110 (10.2.3), at most an hour."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

# A daily quota asks for hours; a request after one hour shows whether that still holds.
LONGEST = 3600.0

_SECONDS = re.compile(r"[0-9]{1,300}(\.[0-9]{1,300})?")
# The three forms of an HTTP date (RFC 9110, 5.6.7); the last two are obsolete, but must be accepted.
_DATES = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait, from 0 to 3600; None if the header is missing or not valid.

    `headers` have names in lower case. A date is compared with the answer's own `Date`, else with `now`: the
    clocks of two machines may differ.
    """
    text = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), LONGEST)
    until = _http_date(text)
    if until is None:
        return None
    seconds = (until - (_http_date(headers.get("date", "").strip()) or now)).total_seconds()
    return min(seconds, LONGEST) if seconds >= 0 else None


def _http_date(text: str) -> datetime | None:
    if len(text) > 40:
        return None
    for form in _DATES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None
