"""What counts as newer: decisions over versions and times that are not quite as one expects."""

from datetime import datetime, timedelta

import pytest

from shared.runs.due import is_behind, is_due, is_newer_due, is_superseded, pending_retry, wanted_versions
from shared.runs.heads.index import Retry
from shared.runs.run import LONGEST_WAIT
from tests.support.index import LONG_AGO, NOON, entry, export

DAILY = {"when": {"cron": "0 6 * * *"}}
SIX = NOON - timedelta(hours=6)


@pytest.mark.parametrize(
    ("pinned", "versions", "superseded"),
    [
        ({"A": "2"}, {"A": "3"}, True),
        ({"A": "2", "B": "2"}, {"A": "2", "B": "3"}, True),
        ({"A": "2", "B": "2"}, {"A": "1", "B": "3"}, True),
        ({"A": "2"}, {"A": "2"}, False),
        ({"A": "2"}, {"A": "1"}, False),
        ({"A": "2"}, {"A": ""}, False),
        ({"A": "2"}, {}, False),
        ({"A": "2"}, {"B": "3"}, False),
        ({}, {"A": "3"}, False),
    ],
)
def test_only_a_newer_snapshot_supersedes(
    pinned: dict[str, str], versions: dict[str, str], superseded: bool
) -> None:
    """One of any pinned segment; an older, a missing or another segment's ends no run."""
    assert is_superseded(pinned, versions) is superseded


@pytest.mark.parametrize("versions", [{"A": "1", "B": "2"}, {"A": "2", "B": ""}, {"A": "2", "B": "2"}])
def test_an_older_snapshot_is_not_behind(versions: dict[str, str]) -> None:
    """A snapshot that somebody removed makes the one before the newest: that is exported already."""
    assert not is_behind(export(), entry(), versions, NOON, LONG_AGO)
    assert not is_due(export(), entry(), versions, NOON, LONG_AGO)


@pytest.mark.parametrize(("attempts", "due"), [(7, True), (8, False), (9, False)])
def test_eight_attempts_are_all(attempts: int, due: bool) -> None:
    """Then the timer waits for another snapshot, or for a person."""
    versions = {"A": "3", "B": "2"}
    retry = Retry(versions=versions, attempts=attempts, not_before=NOON)
    assert is_due(export(), entry(retry=retry), versions, NOON, LONG_AGO) is due


@pytest.mark.parametrize(
    ("ahead", "due"),
    [(timedelta(), True), (timedelta(seconds=1), False), (LONGEST_WAIT, False), (2 * LONGEST_WAIT, True)],
)
def test_a_retry_is_due_at_its_time(ahead: timedelta, due: bool) -> None:
    """One that is put off for longer than any cause asks for was written by a wrong clock."""
    versions = {"A": "3", "B": "2"}
    retry = Retry(versions=versions, attempts=1, not_before=NOON + ahead)
    assert is_due(export(), entry(retry=retry), versions, NOON, LONG_AGO) is due


def test_a_retry_of_a_recurrence_needs_no_newer_snapshot() -> None:
    """What failed at its time is tried again with the same snapshots."""
    versions = {"A": "2", "B": "2"}
    retry = Retry(versions=versions, attempts=1, not_before=NOON)
    known = entry(scheduled_at=SIX, retry=retry)
    assert is_due(export(schedule=DAILY), known, versions, NOON, LONG_AGO)


def test_a_recurrence_is_not_owed_for_other_segments() -> None:
    """An attempt with segments that the export no longer has says nothing of these."""
    retry = Retry(versions={"A": "3"}, attempts=1, not_before=LONG_AGO)
    known = entry(scheduled_at=SIX, retry=retry)
    assert not is_due(export(schedule=DAILY), known, {"A": "4", "B": "2"}, NOON, LONG_AGO)


def test_a_retry_is_of_the_very_snapshots() -> None:
    """Those of the export's own segments; a missing one counts as having no version."""
    one = export()
    assert wanted_versions(one, {"A": "3", "C": "9"}) == {"A": "3", "B": ""}
    retry = Retry(versions={"A": "3", "B": ""}, attempts=1, not_before=NOON)
    assert pending_retry(one, entry(retry=retry), {"A": "3", "C": "9"}) == retry
    assert pending_retry(one, entry(retry=retry), {"A": "4"}) is None
    assert pending_retry(one, entry(), {"A": "3"}) is None


@pytest.mark.parametrize(
    ("succeeded", "changed", "behind"),
    [
        (SIX + timedelta(minutes=1), LONG_AGO, False),
        (SIX - timedelta(minutes=1), LONG_AGO, True),
        (None, LONG_AGO, True),
        (None, SIX + timedelta(minutes=1), False),
        (SIX - timedelta(minutes=1), SIX + timedelta(minutes=1), False),
        (NOON + 2 * LONGEST_WAIT, SIX - timedelta(minutes=1), True),
        (NOON + 2 * LONGEST_WAIT, NOON + 2 * LONGEST_WAIT, False),
    ],
)
def test_a_recurrence_is_behind_its_last_success(
    succeeded: datetime | None, changed: datetime, behind: bool
) -> None:
    """From its time until a run succeeds; times that can't be believed say nothing."""
    known = entry(succeeded_at=succeeded, scheduled_at=NOON)
    one = export(schedule=DAILY)
    assert is_behind(one, known, {"A": "2", "B": "2"}, NOON, changed) is behind


def test_a_recurrence_whose_times_cannot_be_believed_comes_now() -> None:
    """Its run writes a time that can."""
    ahead = NOON + 2 * LONGEST_WAIT
    known = entry(scheduled_at=ahead)
    assert is_due(export(schedule=DAILY), known, {"A": "2", "B": "2"}, NOON, ahead)
    assert is_newer_due(export(schedule=DAILY), known, NOON, ahead)


def test_a_recurrence_comes_at_its_very_time() -> None:
    """And not again after that."""
    one = export(schedule=DAILY)
    before, at = entry(scheduled_at=SIX - timedelta(seconds=1)), entry(scheduled_at=SIX)
    assert is_due(one, before, {"A": "2"}, SIX, LONG_AGO)
    assert not is_due(one, at, {"A": "2"}, SIX, LONG_AGO)
