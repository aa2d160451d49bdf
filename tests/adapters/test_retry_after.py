"""How long a server asks us to wait."""

from datetime import UTC, datetime

import pytest

from shared.adapters.retry_after import retry_after

NOW = datetime(2026, 11, 23, 20, 0, 0, tzinfo=UTC)
EARLIER = "Mon, 23 Nov 2026 19:58:30 GMT"


@pytest.mark.parametrize(
    ("text", "date", "seconds"),
    [
        ("7", "", 7),
        (" 42 ", "", 42),
        ("0", "", 0),
        ("1.5", "", 1.5),
        ("0.25", "", 0.25),
        ("3600", "", 3600),
        ("3723", "", 3600),
        ("86400", "", 3600),
        ("9" * 20, "", 3600),
        ("Mon, 23 Nov 2026 20:00:30 GMT", "", 30),
        ("Mon, 23 Nov 2026 20:00:30 GMT", EARLIER, 120),
        ("Mon, 23 Nov 2026 20:00:30 GMT", "rubbish", 30),
        ("Monday, 23-Nov-26 20:00:30 GMT", "", 30),
        ("Mon Nov 23 20:00:30 2026", "", 30),
        ("Tue Dec  1 20:00:30 2026", "", 3600),
        ("Fri, 31 Dec 9999 23:59:59 GMT", "", 3600),
        ("Mon, 23 Nov 2026 20:00:00 GMT", "", 0),
        ("Mon, 23 Nov 2026 19:59:59 GMT", "", None),
        ("Mon, 23 Nov 2026 20:00:30 +0100", "", None),
        ("", "", None),
        ("-1", "", None),
        ("+1", "", None),
        ("1e3", "", None),
        (".5", "", None),
        ("5.", "", None),
        ("7, 7", "", None),
        ("nan", "", None),
        ("inf", "", None),
        ("\u0667", "", None),
        ("soon", "", None),
        ("9" * 5_000, "", None),
        ("Mon, 23 Nov 2026 20:00:30 GMT" * 100, "", None),
    ],
)
def test_how_long(text: str, date: str, seconds: float | None) -> None:
    """Seconds, or a date of RFC 9110 by the server's own clock, and an hour at most; rubbish is nothing."""
    assert retry_after({"retry-after": text, "date": date}, NOW) == seconds


def test_nothing_is_asked_for() -> None:
    """Without the header there is nothing to obey."""
    assert retry_after({}, NOW) is None
