"""Which exports are due: pure decisions about the entries of listings."""

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim

from shared.catalog import Cron, Export
from shared.runs.heads.index import IndexEntry, Retry
from shared.runs.run import is_believed

# Attempts of the timer per snapshot; then it waits for the next snapshot, or for a person.
MOST_ATTEMPTS = 8


def is_due(
    export: Export, entry: IndexEntry, versions: Mapping[str, str], now: datetime, changed_at: datetime
) -> bool:
    """Whether the timer has to start a run now, unless `waits_for` holds it back.

    `versions` are those of the newest snapshots. `changed_at` is when the export's document was written:
    saving an export does not run it, and neither does an earlier time of its recurrence.
    """
    if not export.is_active:
        return False
    retry = pending_retry(export, entry, versions)
    if retry is not None:
        is_over = now >= retry.not_before or not is_believed(retry.not_before, now)
        return retry.attempts < MOST_ATTEMPTS and is_over
    when = export.schedule.when
    if not isinstance(when, Cron):
        return _has_newer(export, entry, versions)
    # If the run of a recurrence failed, the export is still owed one when newer snapshots arrive.
    is_owed = entry.retry is not None and entry.retry.versions.keys() == set(export.segments)
    return is_owed or _has_come(when, entry, now, changed_at)


def is_newer_due(export: Export, entry: IndexEntry, now: datetime, changed_at: datetime) -> bool:
    """Whether the timer would export a newer snapshot than an open run's if that run were closed."""
    when = export.schedule.when
    is_time = not isinstance(when, Cron) or _has_come(when, entry, now, changed_at)
    return export.is_active and is_time


def is_behind(
    export: Export, entry: IndexEntry, versions: Mapping[str, str], now: datetime, changed_at: datetime
) -> bool:
    """Whether a run of an active export should have succeeded and none has, for whatever reason.

    A segment that can't be read may have had a refresh.
    """
    when = export.schedule.when
    if isinstance(when, Cron):
        since = _believed(now, entry.succeeded_at, changed_at)
        return since is not None and next_time(when, since) <= now
    return _has_newer(export, entry, versions) or not versions.keys() >= set(export.segments)


def pending_retry(export: Export, entry: IndexEntry, versions: Mapping[str, str]) -> Retry | None:
    """The retry that earlier attempts with exactly these snapshots left, if any."""
    retry = entry.retry
    return retry if retry is not None and retry.versions == wanted_versions(export, versions) else None


def is_superseded(pinned: Mapping[str, str], versions: Mapping[str, str]) -> bool:
    """Whether a segment has a newer snapshot than the one that a run has pinned."""
    return any(versions.get(name, "") > version for name, version in pinned.items())


def wanted_versions(export: Export, versions: Mapping[str, str]) -> dict[str, str]:
    """The versions of the export's own segments."""
    return {name: versions.get(name, "") for name in export.segments}


def in_words(cron: Cron) -> str:
    """A recurrence in words, such as `at 06:00 on Monday through Friday (UTC)`."""
    words = CronSim(cron.cron, datetime(2026, 1, 1, tzinfo=UTC)).explain()
    return f"{words[0].lower()}{words[1:]} ({cron.timezone})"


def next_time(cron: Cron, after: datetime) -> datetime:
    """The first time of a recurrence later than `after`, in its time zone.

    As with cron itself, a time that a clock change skips occurs right after the change, and one that it
    repeats occurs once.
    """
    times = CronSim(cron.cron, after.astimezone(ZoneInfo(cron.timezone)))
    # Within a repeated hour, CronSim begins again with the first of the two.
    return next(time for each in times if (time := each.astimezone(UTC)) > after)


def _has_come(when: Cron, entry: IndexEntry, now: datetime, changed_at: datetime) -> bool:
    """If neither time is plausible, the recurrence is due now, and writes a plausible one."""
    since = _believed(now, entry.scheduled_at, changed_at)
    return since is None or next_time(when, since) <= now


def _believed(now: datetime, *times: datetime | None) -> datetime | None:
    """The latest plausible one of these times."""
    return max((time for time in times if time is not None and is_believed(time, now)), default=None)


def _has_newer(export: Export, entry: IndexEntry, versions: Mapping[str, str]) -> bool:
    """Whether a segment has a newer snapshot. One that is new to the export still lacks its baseline."""
    known = (name for name in export.segments if name in entry.exported)
    return any(versions.get(name, "") > entry.exported[name] for name in known)
