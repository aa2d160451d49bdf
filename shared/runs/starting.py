"""How a run begins: the export's head is made where there is none, and a run opened in it."""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared import state
from shared.catalog import Export
from shared.errors import AlreadyRunning, NotFound
from shared.runs.head import Glance, Head, OpenRun, Retry, create_head
from shared.runs.lock.export import ExportLock
from shared.runs.record import RunRecord, Trigger
from shared.services import Services

# Minutes until the timer tries a failed attempt again, by the number of attempts; then hourly.
BACK_OFF = (5, 15, 60)


@dataclass(frozen=True, slots=True)
class Request:
    """Who wants a run. The timer gives the versions of the snapshots that it found due, and the head by
    which it did; `limit` makes the run a trial, which sends so many profiles and no more."""

    trigger: Trigger
    requested_by: str
    versions: dict[str, str] | None = None
    seen: Glance | None = None
    limit: int | None = None


def see(services: Services, export: Export) -> None:
    """Makes the head of an export that is seen for the first time: the present snapshots are its baseline."""
    try:
        services.state.stat(state.head(export.id))
    except NotFound:
        versions = services.segments.versions(export.segments)
        baseline = {name: versions.get(name, "") for name in export.segments}
        create_head(
            services.state,
            Head(export=export.id, exported=baseline, scheduled_at=services.clock.now()),
        )


def extend_baseline(services: Services, export: Export, seen: Glance) -> None:
    """Gives the segments that are new to a known export their baseline."""
    names = [name for name in export.segments if name not in seen.exported]
    versions = services.segments.versions(names)
    with suppress(AlreadyRunning), ExportLock.take(services.state, export.id, services.clock) as hold:
        hold.head.exported |= {name: versions.get(name, "") for name in names}
        hold.checkpoint()


def open_run(hold: ExportLock, request: Request) -> None:
    """Opens a run. An attempt of the timer is written down before it begins, in the same checkpoint.

    Raises AlreadyRunning where the head isn't any more what made the timer start it.
    """
    now = hold.clock.now()
    head = hold.head
    if request.seen is not None and request.seen != head.glance():
        raise AlreadyRunning(f"Somebody else has just run the export {head.export!r}.")
    if request.versions is not None:
        known = head.retry if head.retry and head.retry.versions == request.versions else None
        attempts = known.attempts + 1 if known else 1
        minutes = BACK_OFF[min(attempts, len(BACK_OFF)) - 1]
        head.retry = Retry(
            versions=request.versions, attempts=attempts, not_before=now + timedelta(minutes=minutes)
        )
        head.scheduled_at = now
    record = RunRecord(
        id=_new_id(head, now),
        export=head.export,
        trigger=request.trigger,
        requested_by=request.requested_by,
        created_at=now,
    )
    head.open = OpenRun(record=record, limit=request.limit)
    hold.checkpoint()


def _new_id(head: Head, now: datetime) -> str:
    """Ids of an export sort by time, also those of one second."""
    stem = f"{head.export}.{now:%Y%m%dT%H%M%SZ}-"
    last = head.last_attempt.run if head.last_attempt else ""
    number = int(last.removeprefix(stem), 16) + 1 if last.startswith(stem) else secrets.randbelow(0x8000)
    return f"{stem}{number:04x}"


def check_limit(run: OpenRun, request: Request) -> None:
    """Raises AlreadyRunning where a trial is wanted and the open run would send more, or less."""
    if request.limit is not None and request.limit != run.limit:
        raise AlreadyRunning(
            f"The run {run.record.id} is open, and is no trial of {request.limit} profiles: "
            "let it end, or cancel it, before you try.",
            code="run_is_open",
        )
