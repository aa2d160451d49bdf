"""docs/codes.md has every code that the program can show, and no other."""

from typing import get_args

from shared.runs.record import WARNINGS, Status
from tests.docs import codes
from tests.docs.pages import names, page, rows, section

CODES = page("docs/codes.md")


def documented(*headings: str) -> set[str]:
    """The codes in the first column of all tables under the headings; each is there once."""
    found = [names(row[0])[0] for heading in headings for row in rows(section(CODES, heading))]
    assert len(set(found)) == len(found)
    return set(found)


def test_every_error_code_is_documented() -> None:
    """An error that a person meets can be looked up, once."""
    headings = [line for line in CODES.splitlines() if line.startswith("## Errors")]
    assert documented(*headings) ^ codes.error_codes() == set()


def test_every_warning_is_documented() -> None:
    """Every warning of a run has a message, and a line with its fix."""
    assert set(WARNINGS) == codes.warning_codes()
    assert documented("## Warnings") ^ set(WARNINGS) == set()


def test_every_reason_is_documented() -> None:
    """A refused row's reason can be looked up, unless it is Klaviyo's own."""
    assert documented("## Reasons of refused rows") ^ codes.reasons() == set()


def test_every_status_is_documented() -> None:
    """A run's status names a fact."""
    assert documented("## Statuses of runs") == set(get_args(Status.__value__))
