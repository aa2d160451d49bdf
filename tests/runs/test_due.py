"""Which exports are due: decisions over what listings show."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.catalog.export import Cron
from shared.runs.due import MOST_ATTEMPTS, in_words, is_behind, is_due, is_newer_due, next_time
from shared.runs.heads.index import Retry
from tests.support.index import LONG_AGO, entry, export
from tests.support.index import NOON as NOW


@pytest.mark.parametrize(
    ("versions", "due"),
    [
        ({"A": "2", "B": "2"}, False),
        ({"A": "3", "B": "2"}, True),
        ({"A": "2", "B": "3"}, True),
        ({"A": "1", "B": "1"}, False),
        ({}, False),
    ],
)
def test_on_refresh_a_newer_snapshot_is_due(versions: dict[str, str], due: bool) -> None:
    """Newer than what was last exported, or than the baseline; an older or missing one is not."""
    assert is_due(export(), entry(), versions, NOW, LONG_AGO) is due


def test_who_is_inactive_is_never_due() -> None:
    """An inactive export runs by hand only."""
    inactive = export(schedule={"active": False})
    assert not is_due(inactive, entry(), {"A": "9", "B": "9"}, NOW, LONG_AGO)


@pytest.mark.parametrize(
    ("attempts", "minutes", "due"), [(1, -1, True), (1, 1, False), (7, -1, True), (MOST_ATTEMPTS, -1, False)]
)
def test_a_failed_attempt_waits_for_its_time(attempts: int, minutes: int, due: bool) -> None:
    """Back-off, and at most eight attempts for a snapshot."""
    versions = {"A": "3", "B": "2"}
    retry = Retry(versions=versions, attempts=attempts, not_before=NOW + timedelta(minutes=minutes))
    assert is_due(export(), entry(retry=retry), versions, NOW, LONG_AGO) is due


def test_a_new_snapshot_ends_the_back_off() -> None:
    """What failed with another snapshot holds nothing back."""
    retry = Retry(versions={"A": "3", "B": "2"}, attempts=8, not_before=NOW + timedelta(days=1))
    assert is_due(export(), entry(retry=retry), {"A": "4", "B": "2"}, NOW, LONG_AGO)


def test_a_recurrence_is_owed_what_came_to_nothing() -> None:
    """A run that failed or was superseded is made up for by the next snapshot, before the next time."""
    daily = export(schedule={"when": {"cron": "0 6 * * *"}})
    retry = Retry(versions={"A": "3", "B": "2"}, attempts=1, not_before=NOW - timedelta(hours=1))
    today = entry(scheduled_at=NOW - timedelta(hours=6), retry=retry)

    assert is_due(daily, today, {"A": "4", "B": "2"}, NOW, LONG_AGO)
    assert not is_due(daily, entry(scheduled_at=NOW - timedelta(hours=6)), {"A": "4"}, NOW, LONG_AGO)


def test_a_segment_that_is_new_to_an_export_is_not_due() -> None:
    """Its present snapshot becomes the baseline: saving an export runs nothing."""
    assert not is_due(export(segments=["A", "C"]), entry(), {"A": "2", "C": "9"}, NOW, LONG_AGO)


@pytest.mark.parametrize(
    ("versions", "behind"),
    [({"A": "2", "B": "2"}, False), ({"A": "3", "B": "2"}, True), ({"A": "2"}, True), ({}, True)],
)
def test_what_can_not_be_seen_may_be_behind(versions: dict[str, str], behind: bool) -> None:
    """A segment that is gone, or a store that refuses us, must not look like a success."""
    assert is_behind(export(), entry(), versions, NOW, LONG_AGO) is behind


@pytest.mark.parametrize(
    ("schedule", "due"),
    [
        ({}, True),
        ({"active": False}, False),
        ({"when": {"cron": "0 6 * * *"}}, True),
        ({"when": {"cron": "0 18 * * *"}}, False),
    ],
)
def test_a_newer_snapshot_waits_for_an_open_run(schedule: dict[str, Any], due: bool) -> None:
    """Only where the timer would export it now."""
    known = entry(scheduled_at=NOW - timedelta(hours=12))
    assert is_newer_due(export(schedule=schedule), known, NOW, LONG_AGO) is due


@pytest.mark.parametrize(
    ("scheduled_at", "changed_at", "due"),
    [
        (NOW - timedelta(days=1), LONG_AGO, True),
        (NOW - timedelta(days=9), LONG_AGO, True),  # a missed time is caught up
        (NOW - timedelta(hours=1), LONG_AGO, False),
        (NOW - timedelta(days=1), NOW - timedelta(hours=1), False),  # saved after today's time
    ],
)
def test_a_recurrence_is_due_when_its_time_has_come(
    scheduled_at: datetime, changed_at: datetime, due: bool
) -> None:
    """Once for every time, or once for all that were missed; saving runs nothing."""
    daily = export(schedule={"when": {"cron": "0 6 * * *", "timezone": "Europe/Paris"}})
    assert is_due(daily, entry(scheduled_at=scheduled_at), {"A": "2"}, NOW, changed_at) is due


@pytest.mark.parametrize(
    ("cron", "after", "times"),
    [
        # 29 March 2026: 02:00 becomes 03:00, and 02:30 never is.
        ("30 2 * * *", "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:30"]),
        # 25 October 2026: 03:00 becomes 02:00, and 02:30 is twice.
        ("30 2 * * *", "2026-10-24T12:00", ["2026-10-25T00:30", "2026-10-26T01:30"]),
        # Seen in the repeated hour, when the first 02:30 is over.
        ("30 2 * * *", "2026-10-25T01:05", ["2026-10-26T01:30"]),
        ("0 6 * * *", "2026-03-28T12:00", ["2026-03-29T04:00", "2026-03-30T04:00"]),
        ("0 6 * * *", "2026-10-24T12:00", ["2026-10-25T05:00", "2026-10-26T05:00"]),
    ],
)
def test_a_recurrence_keeps_to_its_time_zone(cron: str, after: str, times: list[str]) -> None:
    """Six o'clock in Paris is six o'clock in summer and winter; a clock change skips and doubles nothing."""
    recurrence = Cron(cron=cron, timezone="Europe/Paris")
    time = datetime.fromisoformat(f"{after}:00+00:00")
    for expected in times:
        time = next_time(recurrence, time)
        assert time == datetime.fromisoformat(f"{expected}:00+00:00")


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 6 * * 1-5", "at 06:00 on Monday through Friday (UTC)"),
        ("*/15 * * * *", "every 15th minute of every hour (UTC)"),
        ("30 6,18 1 * *", "at 06:30 and 18:30 on the first day of every month (UTC)"),
    ],
)
def test_a_recurrence_in_words(cron: str, words: str) -> None:
    """As people say it, with its time zone."""
    assert in_words(Cron(cron=cron)) == words
