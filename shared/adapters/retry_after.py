"""How long a server asks us to wait: `Retry-After` of RFC 9110 (10.2.3), and an hour at most."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

# A daily quota asks for hours; a request after one hour shows whether that still holds.
LONGEST = 3600.0

_SECONDS = re.compile(r"[0-9]{1,300}(\.[0-9]{1,300})?")
# The three forms of an HTTP date (RFC 9110, 5.6.7); the last two are obsolete, and must be understood.
_DATES = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait, from 0 to 3600; None where nothing is asked for, or nothing that makes sense.

    `headers` have names in lower case. A date is measured against the answer's own `Date`, else against
    `now`: the clocks of two machines need not agree.
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
