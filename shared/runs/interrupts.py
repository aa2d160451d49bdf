"""What can end an open run before its end: somebody who cancels it, or a newer snapshot."""

import logging
from collections.abc import Collection

from shared.errors import ExportError
from shared.runs.due import is_newer_due, is_superseded
from shared.runs.lock.export import ExportLock
from shared.runs.steps.parts import is_cancel_requested
from shared.services import Services

logger = logging.getLogger(__name__)


def interrupt(hold: ExportLock, services: Services) -> None:
    """Sees whether somebody cancelled the run, or a newer snapshot has made it pointless."""
    run = hold.run
    confirming = run.record.phase == "confirming"
    if not confirming and is_cancel_requested(hold.store, run.record.id):
        run.ending = "canceled"
        return
    pinned = hold.head.pinned()
    if not is_superseded(pinned, _newest(services, pinned)):
        return
    if confirming and not _is_newer_due(hold, services):
        return
    run.last_look, run.not_before = True, None
    if not confirming:
        run.ending = "canceled"
        run.record.warn("superseded")


def _newest(services: Services, segments: Collection[str]) -> dict[str, str]:
    """Where the segments can't be seen just now, none of them is newer."""
    try:
        return services.segments.versions(segments) if segments else {}
    except ExportError as problem:
        logger.warning("segments: %s: %s", problem.code, problem.message)
        return {}


def _is_newer_due(hold: ExportLock, services: Services) -> bool:
    """Whether the timer waits for the open run's end: where that can't be told, nobody does."""
    try:
        export = services.catalog.export(hold.head.export)
        changed_at = services.state.stat(f"exports/{export.id}.json").last_modified
    except ExportError:
        return False
    return is_newer_due(export, hold.head.glance(), hold.clock.now(), changed_at)
