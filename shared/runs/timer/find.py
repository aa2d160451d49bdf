"""What a tick has to do: open runs to go on with, and exports that are due."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from shared import state
from shared.adapters import telemetry
from shared.administration.fingerprint import fingerprint
from shared.catalog import Export
from shared.errors import ExportError, InvalidDocument
from shared.runs.due import is_behind, is_due, is_superseded, pending_retry, wanted_versions
from shared.runs.head import Glance, glance_at
from shared.runs.history import opened_at
from shared.runs.starting import Request, extend_baseline, see
from shared.services import Services
from shared.text import shown

logger = logging.getLogger(__name__)

# Minutes between looks at whether people have mended what only they could.
LOOK_AGAIN = 5
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Work:
    """A run to go on with (`run` is its id), or an export to start (`request`)."""

    export: str
    account: str
    run: str | None
    request: Request | None
    advanced_at: datetime = NEVER
    not_before: datetime = NEVER


def find_work(services: Services) -> Iterator[Work]:
    """From one listing of heads, one of exports, and one read of each model.json."""
    glances = dict(_glances(services))
    exports = list(services.catalog.exports())
    documents = {listed.id: listed.document for listed in exports}
    versions = _versions(services, glances, documents.values())
    now = services.clock.now()
    for export_id, glance in glances.items():
        if glance.open is not None:
            not_before = NEVER if is_superseded(glance.pinned, versions) else glance.not_before or NEVER
            queue = _queue(services, export_id, glance, documents.get(export_id))
            yield Work(export_id, queue, glance.open, None, glance.advanced_at or NEVER, not_before)
    for listed in exports:
        try:
            if not isinstance(listed.document, Export):
                raise listed.document
            known = glances.get(listed.id)
            if known is None:
                see(services, listed.document)
                continue
            if listed.document.schedule.active:
                behind = is_behind(listed.document, known, versions, now, listed.changed_at)
                _tell_behind(listed.id, behind)
                if known.open is None and not known.exported.keys() >= set(listed.document.segments):
                    extend_baseline(services, listed.document, known)
                    continue
            if known.open is None and is_due(listed.document, known, versions, now, listed.changed_at):
                yield from _due(services, listed.document, known, versions, now)
        except ExportError as error:
            log_failure(listed.id, error)
            _tell_behind(listed.id, True)


def _glances(services: Services) -> Iterator[tuple[str, Glance]]:
    for blob in services.state.list("heads/"):
        export_id = blob.name.removeprefix("heads/").removesuffix(".json")
        if state.is_of_one_file(export_id):
            continue
        try:
            glance = glance_at(services.state, blob, export_id)
            now = services.clock.now()
            if glance.succeeded_at is not None:
                age = now - glance.succeeded_at
                telemetry.success_age.record(age.total_seconds(), {"export": export_id})
            if glance.open is not None:
                age = now - opened_at(glance.open)
                telemetry.open_run_age.record(age.total_seconds(), {"export": export_id})
            yield export_id, glance
        except ExportError as error:
            log_failure(export_id, error)
            _tell_behind(export_id, True)


def _tell_behind(export_id: str, behind: bool) -> None:
    telemetry.behind.record(int(behind), {"export": export_id})


def _versions(
    services: Services, glances: Mapping[str, Glance], documents: Iterable[Export | InvalidDocument]
) -> dict[str, str]:
    """The newest snapshots of the segments that anything depends on."""
    segments = {name for glance in glances.values() for name in glance.pinned}
    for export in documents:
        if isinstance(export, Export) and export.schedule.active:
            segments.update(export.segments)
    try:
        return services.segments.versions(segments) if segments else {}
    except ExportError as error:
        logger.warning("segments: %s: %s", error.code, error.message)
        return {}  # nothing is due by what can't be seen; open runs go on


def _due(
    services: Services, export: Export, glance: Glance, versions: dict[str, str], now: datetime
) -> Iterator[Work]:
    retry = pending_retry(export, glance, versions)
    waits_for = retry.waits_for if retry else None
    if waits_for and (now.minute % LOOK_AGAIN or fingerprint(services, export.id) == waits_for):
        return
    request = Request("schedule", "timer", wanted_versions(export, versions), glance)
    yield Work(export.id, _account(services, export), None, request)


def _queue(
    services: Services, export_id: str, glance: Glance, export: Export | InvalidDocument | None
) -> str:
    """The account of an open run; one that can't be told yet waits for nobody."""
    if glance.account is None and isinstance(export, Export):
        with suppress(ExportError):
            return _account(services, export)
    return glance.account or export_id


def _account(services: Services, export: Export) -> str:
    """The account that a run of the export would send to; until that is known, its connection."""
    connection = services.catalog.connection(export.connection)
    return connection.account.id if connection.account else connection.id


def log_failure(export_id: str, error: ExportError) -> None:
    logger.error(
        "export %s: %s: %s", shown(export_id), error.code, error.message, extra={"export": export_id}
    )
