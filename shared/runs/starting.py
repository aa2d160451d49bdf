"""How a run begins: a new export gets a head, and a run is opened in it."""

import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from shared import state
from shared.catalog import Export
from shared.errors import AlreadyRunning, NotFound
from shared.runs.heads.head import Head, create_head
from shared.runs.heads.index import IndexEntry
from shared.runs.lock.export import ExportLock
from shared.runs.record import RunRecord, Trigger
from shared.runs.run import OpenRun
from shared.services import Services


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a run. The timer passes the versions of the snapshots that it found due, and the head's
    entry on which it based that. `limit` makes the run a trial, which sends at most that many profiles; a
    `full` run sends unchanged profiles, too; `confirmed` is how many people it may remove. With `reconcile`,
    it first reads the list's members; with `readd`, it sends people who are not among them again."""

    trigger: Trigger
    requested_by: str
    versions: dict[str, str] | None = None
    seen: IndexEntry | None = None
    limit: int | None = None
    full: bool = False
    confirmed: int | None = None
    reconcile: bool = False
    readd: bool = False

    @property
    def is_on_demand(self) -> bool:
        """Whether a caller waits for the newest snapshot."""
        return self.trigger != "schedule"


def ensure_head(services: Services, export: Export) -> None:
    """Records the baseline of an export that has no head yet."""
    try:
        services.state.stat(state.head(export.id))
    except NotFound:
        record_baseline(services, export, services.segments.versions(export.segments))


def record_baseline(services: Services, export: Export, versions: Mapping[str, str]) -> None:
    """Creates the head of a new export: the current snapshots are its baseline.

    `versions` are those of the newest snapshots.
    """
    baseline = {name: versions.get(name, "") for name in export.segments}
    create_head(services.state, Head(export=export.id, exported=baseline, scheduled_at=services.clock.now()))


def extend_baseline(
    services: Services, export: Export, seen: IndexEntry, versions: Mapping[str, str]
) -> None:
    """Records the baseline of segments that are new to a known export."""
    new = {name: versions.get(name, "") for name in export.segments if name not in seen.exported}
    with suppress(AlreadyRunning), ExportLock.acquire(services.state, export.id, services.clock) as lock:
        lock.head.exported |= new
        lock.checkpoint()


def open_run(lock: ExportLock, request: Request) -> None:
    """Opens a run. The timer's attempt is recorded before it begins, in the same checkpoint.

    Raises AlreadyRunning if the head has changed since the timer decided to start the run.
    """
    now, head = lock.clock.now(), lock.head
    if request.seen is not None and request.seen != head.entry():
        raise AlreadyRunning(f"Another process has just run the export {head.export!r}.")
    if request.versions is not None:
        head.begin_attempt(request.versions, now)
    record = RunRecord(
        id=_new_id(head, now),
        export=head.export,
        trigger=request.trigger,
        requested_by=request.requested_by,
        created_at=now,
    )
    run = OpenRun(
        record=record,
        limit=request.limit,
        full=request.full,
        confirmed=request.confirmed,
        reconcile=request.reconcile,
        readd=request.readd,
    )
    head.open_run(run)
    lock.checkpoint()


def open_for_timer(services: Services, export_id: str, request: Request) -> RunRecord:
    """Opens the run that the timer found due, without continuing it; returns its record.

    Raises AlreadyRunning if another process was faster.
    """
    with ExportLock.acquire(services.state, export_id, services.clock) as lock:
        open_run(lock, request)
        return lock.run.record


def check_same(run: OpenRun, request: Request) -> None:
    """Raises AlreadyRunning if the open run is not of the requested kind, such as a trial or a full run."""
    wanted = []
    if request.full and not run.full:
        wanted.append("is not a full one")
    if request.reconcile and (request.reconcile, request.readd) != (run.reconcile, run.readd):
        wanted.append("does not read the list's members in this way")
    if request.confirmed is not None and request.confirmed != run.confirmed:
        wanted.append("does not have these removals confirmed")
    if request.limit is not None and request.limit != run.limit:
        wanted.append(f"is not a trial of {request.limit} profiles")
    if wanted:
        raise AlreadyRunning(
            f"The run {run.record.id} is open, and {' and '.join(wanted)}: "
            "let it end, or cancel it, before you start another one.",
            code="run_is_open",
        )


def _new_id(head: Head, now: datetime) -> str:
    """Ids of an export sort by time, even within one second."""
    stem = state.run_id_stem(head.export, now)
    last = head.last_attempt.run if head.last_attempt else ""
    number = int(last.removeprefix(stem), 16) + 1 if last.startswith(stem) else secrets.randbelow(0x8000)
    return state.new_run_id(head.export, now, number)
