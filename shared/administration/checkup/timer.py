"""Whether the timer ticks, by the last recorded tick; one is recorded every five minutes."""

from datetime import timedelta

from shared.administration.checkup import fixes
from shared.administration.checkup.finding import Finding

# The alert `silent` uses the same time.
LONGEST_SILENCE = timedelta(minutes=15)


def timer_finding(name: str, age: timedelta | None, *, is_expected: bool) -> Finding:
    """The finding for the age of the last recorded tick; None if none was ever recorded.

    A timer is not `is_expected` on a machine that runs it only while somebody serves the app there.
    """
    is_silent = is_expected and (age is None or age > LONGEST_SILENCE)
    return Finding(name, _said(age), fixes.TIMER if is_silent else "", warning=is_silent)


def _said(age: timedelta | None) -> str:
    if age is None:
        return "no tick of the timer has been recorded yet"
    seconds = max(0, int(age.total_seconds()))
    ago = f"{seconds} s" if seconds < 120 else f"{seconds // 60:,} minutes"
    return f"the last recorded tick was {ago} ago; one is recorded every five minutes"
