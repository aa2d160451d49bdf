"""Exports at a glance: the state of each, the result of its last run, and its next run."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from shared.adapters.storage.store import BlobInfo
from shared.administration.connections import not_opened
from shared.administration.exports import sharing_of
from shared.administration.rights import Action, Person, may
from shared.catalog import Cron, Export
from shared.errors import ExportError, InvalidDocument, NotFound
from shared.runs.due import in_words, next_time
from shared.runs.heads.head import Head, read_head
from shared.runs.record import RunRecord
from shared.runs.views.history import read_run
from shared.services import Services

# Exports whose heads and records are read at once.
AT_ONCE = 16
MAY_BE_DONE = (
    Action.CHANGE_EXPORT,
    Action.DETACH_EXPORT,
    Action.REMOVE_EXPORT,
    Action.PREVIEW,
    Action.START_RUN,
    Action.CANCEL_RUN,
)


@dataclass(frozen=True, slots=True)
class LastRun:
    """The result of the last closed run; `fact` is a sentence about it."""

    id: str
    status: str
    fact: str
    finished_at: datetime | None
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Overview:
    """An export in the list.

    `state` is active (it runs automatically), inactive, detached (it has no connection) or not_valid;
    `status` is that of its open run, else of its last one, else none. `refreshed_at` is when its last run
    ended, as in Customer Insights; `next_run_at` is known only of a recurrence. `may` lists the caller's
    allowed actions.
    """

    id: str
    display_name: str = ""
    type: str = ""
    state: str = "not_valid"
    status: str = "none"
    refreshed_at: datetime | None = None
    schedule: str = ""
    next_run_at: datetime | None = None
    connection: str = ""
    list_id: str = ""
    segments: tuple[str, ...] = ()
    open_run: str | None = None
    last_run: LastRun | None = None
    may: tuple[str, ...] = ()
    updated_at: datetime | None = None
    updated_by: str = ""
    error: dict[str, str] | None = None


def overview(services: Services, by: Person, entries: Iterable[BlobInfo]) -> Iterator[Overview]:
    """An overview of each export at these entries of the catalog; errors of one don't hide the others."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="overview") as pool:
        yield from filter(None, pool.map(partial(_overview, services, by), entries))


def _overview(services: Services, by: Person, entry: BlobInfo) -> Overview | None:
    listed = services.catalog.listed(entry)
    if listed is None:
        return None
    export = listed.document
    if not isinstance(export, Export):
        return Overview(listed.id, status="not valid", error=_told(export))
    kind, error, head, last = "", None, None, None
    try:
        head = _head(services, export.id)
        last = _last_run(services, head) if head is not None else None
    except ExportError as problem:
        error = _told(problem)
    try:
        if export.connection is not None:
            kind = services.catalog.connection(export.connection).type
    except ExportError as problem:
        error = error or _told(problem)
        if isinstance(problem, InvalidDocument) and not may(by, Action.READ_CONNECTION):
            error = {"code": problem.code, "message": not_opened(export.connection or "")}
    sharing = sharing_of(services, export)
    opened = head.open if head is not None else None
    when = export.schedule.when
    is_timed = export.is_active and isinstance(when, Cron)
    return Overview(
        export.id,
        export.display_name,
        kind,
        state_of(export),
        opened.record.status if opened is not None else last.status if last is not None else "none",
        last.finished_at if last is not None else None,
        schedule_of(export),
        next_time(when, services.clock.now()) if is_timed and isinstance(when, Cron) else None,
        export.connection or "",
        export.list_id,
        export.segments,
        opened.record.id if opened is not None else None,
        last,
        tuple(action.value for action in MAY_BE_DONE if may(by, action, sharing)),
        export.updated_at,
        export.updated_by,
        error,
    )


def _told(error: ExportError) -> dict[str, str]:
    return {"code": error.code, "message": error.message}


def state_of(export: Export) -> str:
    """Whether an export runs automatically, in a word."""
    if export.connection is None:
        return "detached"
    return "active" if export.schedule.active else "inactive"


def schedule_of(export: Export) -> str:
    """When an export runs automatically, in words."""
    when = export.schedule.when
    text = in_words(when) if isinstance(when, Cron) else "on refresh"
    return text if export.is_active else "none"


def _head(services: Services, export_id: str) -> Head | None:
    try:
        return read_head(services.state, export_id)[0]
    except NotFound:
        return None


def _last_run(services: Services, head: Head) -> LastRun | None:
    last = head.last_attempt
    if last is None:
        return None
    try:
        record = read_run(services.state, last.run)
    except NotFound:  # old records were removed
        return LastRun(last.run, last.status, "", last.finished_at, {})
    return LastRun(
        record.id, record.status, fact_of(record), record.finished_at, record.counts.model_dump(mode="json")
    )


def fact_of(record: RunRecord) -> str:
    """The result of a run, in a sentence."""
    if record.error is not None:
        return record.error.message
    counts = record.counts
    refused = counts.rejected + counts.failed
    parts = [f"{counts.imported:,} of {counts.rows:,} rows imported"]
    parts += [f"{counts.unchanged:,} unchanged"] if counts.unchanged else []
    parts += [f"{counts.removed:,} removed"] if counts.removed else []
    parts += [f"{refused:,} refused"] if refused else []
    parts += [f"{counts.unconfirmed:,} unconfirmed"] if counts.unconfirmed else []
    held = record.warned("removals_held")
    parts += [f"{held:,} removals held"] if held else []
    return ", ".join(parts) + "."
