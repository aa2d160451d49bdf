"""How a run begins: the export's head is made where there is none, and a run opened in it."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from shared.catalog import Export
from shared.errors import AlreadyRunning, NotFound
from shared.runs.head import Head, OpenRun, Retry, create_head, head_name
from shared.runs.hold import Hold
from shared.runs.record import RunRecord, Trigger
from shared.runs.services import Services

# Minutes until the timer tries a failed attempt again, by the number of attempts; then hourly.
BACK_OFF = (5, 15, 60)


@dataclass(frozen=True, slots=True)
class Request:
    """Who wants a run. The timer gives the versions of the snapshots that it found due; `limit` makes
    the run a trial, which sends so many profiles and no more."""

    trigger: Trigger
    requested_by: str
    versions: dict[str, str] | None = None
    limit: int | None = None


def see(services: Services, export: Export) -> None:
    """Makes the head of an export that is seen for the first time: the present snapshots are its baseline."""
    try:
        services.state.stat(head_name(export.id))
    except NotFound:
        versions = services.segments.versions(export.segments)
        baseline = {name: versions.get(name, "") for name in export.segments}
        create_head(
            services.state,
            Head(export=export.id, exported=baseline, scheduled_at=services.clock.now()),
        )


def open_run(hold: Hold, request: Request) -> None:
    """Opens a run. An attempt of the timer is written down before it begins, in the same checkpoint."""
    now = hold.clock.now()
    head = hold.head
    if request.versions is not None:
        known = head.retry if head.retry and head.retry.versions == request.versions else None
        attempts = known.attempts + 1 if known else 1
        minutes = BACK_OFF[min(attempts, len(BACK_OFF)) - 1]
        head.retry = Retry(
            versions=request.versions, attempts=attempts, not_before=now + timedelta(minutes=minutes)
        )
        head.scheduled_at = now
    record = RunRecord(
        id=f"{head.export}.{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}",
        export=head.export,
        trigger=request.trigger,
        requested_by=request.requested_by,
        created_at=now,
    )
    if request.limit is not None:
        record.warn("limited", request.limit)
    head.open = OpenRun(record=record, limit=request.limit)
    hold.checkpoint()


def check_limit(run: OpenRun, request: Request) -> None:
    """Raises AlreadyRunning where a trial is wanted and the open run would send more, or less."""
    if request.limit is not None and request.limit != run.limit:
        raise AlreadyRunning(
            f"The run {run.record.id} is open, and is no trial of {request.limit} profiles: "
            "let it end, or cancel it, before you try.",
            code="run_is_open",
        )
