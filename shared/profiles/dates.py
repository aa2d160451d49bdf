"""Dates and times in ISO 8601, from ISO 8601 and from the American form (en-US).

A value keeps its precision: no time is added to a date, no offset to a time.
"""

import re
from datetime import UTC, date, datetime, time

# The usual form of Customer Insights; it is sent unchanged.
_ISO = re.compile(
    r"\d\d\d\d-\d\d-\d\d(?:T(?!24)\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?)?",
    re.ASCII,
)
# Newer systems' en-US has a narrow no-break space before PM.
_CLOCK = r"(?P<hour>\d\d?):(?P<minute>\d\d)(?P<second>:\d\d(?:\.\d+)?)?(?:[ \u202f]?(?P<half>[AP])M)?"
_TIME = re.compile(_CLOCK, re.ASCII | re.IGNORECASE)
_MOMENT = re.compile(
    r"(?:(?P<iso>\d\d\d\d-\d\d-\d\d)|(?P<month>\d\d?)/(?P<day>\d\d?)/(?P<year>\d\d\d\d))"
    rf"(?:[T ]{_CLOCK}(?: ?(?P<offset>Z|[+-]\d\d:\d\d))?)?",
    re.ASCII | re.IGNORECASE,
)


def to_moment(text: str) -> str:
    """A date, with a time and an offset if it has them. Raises ValueError if it isn't one."""
    if _ISO.fullmatch(text):
        datetime.fromisoformat(text)
        return text
    day, clock = _day_and_clock(text)
    moment = f"{day}T{clock}" if clock else day
    datetime.fromisoformat(moment)
    return moment


def to_date(text: str) -> str:
    """A date, which may be followed by midnight. Raises ValueError if it isn't one."""
    day, clock = _day_and_clock(text)
    if clock and time.fromisoformat(clock).replace(tzinfo=None) != time.min:
        raise ValueError("not a date alone")
    date.fromisoformat(day)
    return day


def to_time(text: str) -> str:
    """A time of day, in 24 hours. Raises ValueError if it isn't one."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError("not a time")
    clock = _clock(match)
    time.fromisoformat(clock)
    return clock


def to_epoch(text: str) -> int:
    """Whole seconds since 1970 of a date and time; UTC if it has no offset, midnight if it has no time.
    Raises ValueError if it isn't one, or is not from 1970 to 2106."""
    moment = datetime.fromisoformat(text if _ISO.fullmatch(text) else to_moment(text))
    seconds = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    if not 0 < seconds < 1 << 32:
        raise ValueError("not a time of our days")
    return seconds


def _day_and_clock(text: str) -> tuple[str, str]:
    """The date, and the time with its offset, blank if there is none; both may still be impossible."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError("not a date")
    day = match["iso"] or f"{match['year']}-{match['month']:0>2}-{match['day']:0>2}"
    return day, _clock(match) + (match["offset"] or "").upper() if match["hour"] else ""


def _clock(match: re.Match[str]) -> str:
    hour = int(match["hour"])
    if hour > 23:  # newer Pythons read 24:00 as the next day
        raise ValueError("not an hour")
    if half := match["half"]:
        if not 1 <= hour <= 12:
            raise ValueError("not an hour of twelve")
        hour = hour % 12 + (12 if half in "Pp" else 0)
    return f"{hour:02}:{match['minute']}{match['second'] or ':00'}"
