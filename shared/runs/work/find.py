"""Finds the pending work: open runs to continue, and exports that are due."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from shared import state
from shared.adapters import telemetry
from shared.adapters.clock import Deadline
from shared.adapters.storage.store import BlobInfo
from shared.adapters.telemetry import log_bug
from shared.catalog import Export, Listed
from shared.errors import ExportError, PermanentError, TakenElsewhere
from shared.runs.due import is_behind, is_due, is_superseded, pending_retry, wanted_versions
from shared.runs.fingerprint import fingerprint
from shared.runs.heads.head import read_entry
from shared.runs.heads.index import IndexEntry
from shared.runs.lock.account import account_of
from shared.runs.report import log_failure
from shared.runs.run import is_believed
from shared.runs.starting import Request, extend_baseline, open_for_timer, record_baseline
from shared.services import Services

logger = logging.getLogger(__name__)

# Between checks whether people have fixed a cause that only they can fix. With ticks closer than this, two
# checks are less than five minutes apart; otherwise there is one at each tick.
LOOK_AGAIN = timedelta(minutes=2.5)
OPENED_AT_ONCE = 8
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Work:
    """A run to continue (`run` is its id), or an export whose run has to be opened (`request`).

    `status` is the run's when it was found.
    """

    export: str
    account: str
    run: str | None
    request: Request | None
    advanced_at: datetime = NEVER
    not_before: datetime = NEVER
    paused: bool = False
    status: str = "queued"


def find_work(services: Services) -> list[Work]:
    """Finds the work from one listing of heads, one of exports, and one read of each model.json.

    An error in one export is reported, and does not stop the others.
    """
    heads = {
        export_id: blob
        for blob in services.state.list(state.HEADS)
        if (export_id := state.id_of(blob.name)) and not state.is_of_one_file(export_id)
    }
    entries = dict(_entries(services, heads))
    exports = list(services.catalog.exports())
    versions = _versions(services, entries, exports)
    now = services.clock.now()
    found: list[Work] = []
    documents = {listed.id: listed.document for listed in exports}
    for export_id, entry in entries.items():
        with alone(export_id):
            if entry.open is not None:
                account = _account_of_run(services, export_id, entry, documents.get(export_id))
                not_before = _not_before(entry, versions or {}, now)
                found.append(
                    Work(
                        export_id,
                        account,
                        entry.open,
                        None,
                        entry.advanced_at or NEVER,
                        not_before,
                        paused=entry.paused,
                        status=heads[export_id].metadata.get("status", "queued"),
                    )
                )
    for listed in exports:
        if listed.id in entries or listed.id not in heads:
            with alone(listed.id):
                found.extend(_due(services, listed, entries.get(listed.id), versions, now))
    return found


def open_due(services: Services, found: Iterable[Work], whole: Deadline) -> list[Work]:
    """The work, with a run opened for each export that is due; concurrently, since a store answers slowly.

    Runs that another process opened first, or that can't be opened, or not in time, are left out.
    """
    with ThreadPoolExecutor(OPENED_AT_ONCE, thread_name_prefix="open") as pool:
        return list(filter(None, pool.map(partial(_opened, services, whole), found)))


def _opened(services: Services, whole: Deadline, work: Work) -> Work | None:
    opened = None if work.request else work
    if work.request is not None and whole.left() > 0:
        with alone(work.export):
            opened = replace(work, run=open_for_timer(services, work.export, work.request).id)
    return opened


@contextmanager
def alone(export_id: str, *, but: type[ExportError] | tuple[()] = ()) -> Iterator[None]:
    """Keeps errors of an export from the others, except those of the types `but`, which concern all."""
    try:
        yield
    except but:
        raise
    except TakenElsewhere as error:
        logger.info(
            "export %s: %s", export_id, error.message
        )  # another process, or newer code, does its work
    except ExportError as error:
        log_failure(export_id, error)
        _record_behind(export_id, True)
    except Exception as error:
        log_bug(logger, error, {"export": export_id})
        _record_behind(export_id, True)


def _entries(services: Services, heads: Mapping[str, BlobInfo]) -> Iterator[tuple[str, IndexEntry]]:
    """The entries that can be read."""
    now = services.clock.now()
    for export_id, blob in heads.items():
        with alone(export_id):
            entry = read_entry(services.state, blob, export_id)
            if entry.succeeded_at is not None:
                age = now - entry.succeeded_at
                telemetry.success_age.record(age.total_seconds(), {"export": export_id})
            if entry.open is not None:
                age = now - state.opened_at(entry.open)
                telemetry.open_run_age.record(age.total_seconds(), {"export": export_id})
            yield export_id, entry


def _versions(
    services: Services, entries: Mapping[str, IndexEntry], exports: Iterable[Listed]
) -> dict[str, str] | None:
    """The newest snapshots of the segments that are needed; None while they can't be read."""
    segments = {name for entry in entries.values() for name in entry.pinned}
    for listed in exports:
        export = listed.document
        if isinstance(export, Export) and (export.is_active or listed.id not in entries):
            segments.update(export.segments)
    try:
        return services.segments.versions(segments) if segments else {}
    except ExportError as error:
        logger.warning("segments: %s: %s", error.code, error.message)
    except Exception as error:
        log_bug(logger, error)
    return None


def _due(
    services: Services,
    listed: Listed,
    entry: IndexEntry | None,
    versions: dict[str, str] | None,
    now: datetime,
) -> Iterator[Work]:
    """The export, if a run of it has to start. A new export gets its baseline."""
    export = listed.document
    if not isinstance(export, Export):
        raise export
    if entry is None:
        if versions is not None:
            record_baseline(services, export, versions)
        return
    if not export.is_active:
        return
    _record_behind(listed.id, is_behind(export, entry, versions or {}, now, listed.changed_at))
    if entry.open is not None or versions is None:
        return  # if segments can't be read, nothing is due
    if not entry.exported.keys() >= set(export.segments):
        extend_baseline(services, export, entry, versions)
        return
    if not is_due(export, entry, versions, now, listed.changed_at):
        return
    retry = pending_retry(export, entry, versions)
    if (
        retry is not None
        and retry.waits_for is not None
        and not _has_changed(services, export.id, retry.waits_for)
    ):
        return
    request = Request("schedule", "timer", wanted_versions(export, versions), entry)
    yield Work(export.id, account_of(services, export), None, request)


def _has_changed(services: Services, export_id: str, waits_for: str) -> bool:
    """Whether people have changed the configuration since; False between two checks."""
    now, last = services.clock.monotonic(), services.looks.get(export_id)
    if last is not None and now - last < LOOK_AGAIN.total_seconds():
        return False
    services.looks[export_id] = now
    return fingerprint(services, export_id) != waits_for


def _not_before(entry: IndexEntry, versions: Mapping[str, str], now: datetime) -> datetime:
    """The time before which an open run has nothing to do."""
    if entry.paused or entry.not_before is None or is_superseded(entry.pinned, versions):
        return NEVER
    return entry.not_before if is_believed(entry.not_before, now) else NEVER


def _account_of_run(
    services: Services, export_id: str, entry: IndexEntry, export: Export | PermanentError | None
) -> str:
    """The account of an open run; if it is unknown, the run waits for no other run."""
    if entry.account is None and isinstance(export, Export):
        with suppress(ExportError):
            return account_of(services, export)
    return entry.account or export_id


def _record_behind(export_id: str, behind: bool) -> None:
    telemetry.behind.record(int(behind), {"export": export_id})
