"""What the timer does at each tick: go on with what is open, start what is due, fairly and apart."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from shared.adapters import telemetry
from shared.adapters.clock import Deadline
from shared.adapters.telemetry import log_bug
from shared.catalog import Export
from shared.errors import AlreadyRunning, ExportError, InvalidDocument, TryLater
from shared.runs import one_file
from shared.runs.advance import begin, take_up_again
from shared.runs.due import is_behind, is_due, is_superseded, pending_retry, wanted_versions
from shared.runs.fingerprint import fingerprint
from shared.runs.head import Glance, glance_at
from shared.runs.history import opened_at
from shared.runs.record import RunRecord
from shared.runs.services import Services
from shared.runs.starting import Request, see
from shared.runs.steps import Stand

logger = logging.getLogger(__name__)

# Seconds that one run may take while others of its account wait.
SLICE = 60.0
ACCOUNTS_AT_ONCE = 4
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


def tick(services: Services, seconds: float) -> list[RunRecord]:
    """Goes on with every open run and starts every export that is due; the records of what it touched.

    Each account has a thread of its own, at most four at once; in it the runs take turns. One export's
    failure never stops another's. A tick with nothing due writes nothing.
    """
    telemetry.ticks.add(1)
    whole = Deadline(services.clock, seconds)
    by_account: dict[str, list[Work]] = defaultdict(list)
    for work in _find_work(services):
        by_account[work.account].append(work)
    if not by_account:
        return []
    queues = sorted(by_account.values(), key=lambda queue: min(work.advanced_at for work in queue))
    with ThreadPoolExecutor(ACCOUNTS_AT_ONCE, thread_name_prefix="account") as pool:
        done = pool.map(lambda queue: _serve(services, queue, whole), queues)
        return [record for records in done for record in records]


def _find_work(services: Services) -> Iterator[Work]:
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
                telemetry.behind.record(int(behind), {"export": listed.id})
            if known.open is None and is_due(listed.document, known, versions, now, listed.changed_at):
                yield from _due(services, listed.document, known, versions, now)
        except ExportError as error:
            _log_failure(listed.id, error)


def _glances(services: Services) -> Iterator[tuple[str, Glance]]:
    for blob in services.state.list("heads/"):
        export_id = blob.name.removeprefix("heads/").removesuffix(".json")
        if one_file.ID.fullmatch(export_id):
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
            _log_failure(export_id, error)


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
    except TryLater as error:
        logger.warning("segments: %s: %s", error.code, error.message)
        return {}  # nothing is due by what can't be seen; open runs go on


def _due(
    services: Services, export: Export, glance: Glance, versions: dict[str, str], now: datetime
) -> Iterator[Work]:
    retry = pending_retry(export, glance, versions)
    waits_for = retry.waits_for if retry else None
    if waits_for and (now.minute % LOOK_AGAIN or fingerprint(services, export.id) == waits_for):
        return
    yield Work(
        export.id,
        _account(services, export),
        None,
        Request("schedule", "timer", wanted_versions(export, versions)),
    )


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


def _serve(services: Services, queue: list[Work], whole: Deadline) -> list[RunRecord]:
    """Gives each run of an account a slice in turn, the least recently advanced first."""
    touched: dict[str, RunRecord] = {}
    while queue and whole.left() > 0:
        work = min(queue, key=lambda work: (max(work.not_before, services.clock.now()), work.advanced_at))
        pause = (work.not_before - services.clock.now()).total_seconds()
        if pause >= whole.left():
            break
        if pause > 0:
            whole.sleep(pause)
        queue.remove(work)
        stand = _advance(services, work, Deadline(services.clock, min(SLICE, whole.left())))
        if stand is None:
            continue
        touched[stand.record.id] = stand.record
        if not stand.record.is_closed:
            again = stand.not_before or NEVER
            queue.append(
                replace(work, run=stand.record.id, advanced_at=services.clock.now(), not_before=again)
            )
    return list(touched.values())


def _advance(services: Services, work: Work, deadline: Deadline) -> Stand | None:
    """One slice; None where the run is in other hands or met something that it can't be in a slice's."""
    try:
        if work.run is not None:
            return take_up_again(services, work.export, work.run, deadline)
        if work.request is not None:
            return begin(services, work.export, work.request, deadline)
    except AlreadyRunning:
        return None
    except ExportError as error:
        _log_failure(work.export, error)
    except Exception as error:  # a bug must not stop the other exports
        log_bug(logger, error, {"export": work.export})
    return None


def _log_failure(export_id: str, error: ExportError) -> None:
    logger.error("export %s: %s: %s", export_id, error.code, error.message, extra={"export": export_id})
