"""What the timer does at each tick: go on with what is open, start what is due."""

import json
import logging
from collections.abc import Mapping

from shared.adapters.clock import Deadline
from shared.catalog import Export
from shared.errors import AlreadyRunning, ExportError
from shared.runs.advance import advance, see, start
from shared.runs.head import read_head
from shared.runs.history import open_run
from shared.runs.record import RunRecord
from shared.runs.services import Services

logger = logging.getLogger(__name__)

# One run takes no more of a tick than this, in seconds, while others wait.
SLICE = 60.0


def tick(services: Services, seconds: float) -> list[RunRecord]:
    """Goes on with every open run and starts every export that is due; the records of what it touched.

    One export's failure never stops another's. A tick with nothing due writes nothing.
    """
    whole = Deadline(services.clock, seconds)
    heads = {_export_id(blob.name): blob.metadata for blob in services.state.list("heads/")}
    versions: dict[str, str] | None = None
    touched = []
    for export_id, export in services.catalog.exports():
        try:
            if not isinstance(export, Export):
                raise export
            if versions is None:
                versions = services.segments.versions()
            record = _open_or_due(services, export, heads.get(export_id), versions)
            if record is not None and whole.left() > 0:
                slice_ = Deadline(services.clock, min(SLICE, whole.left()))
                touched.append(advance(services, record, slice_))
        except AlreadyRunning:
            continue
        except ExportError as error:
            logger.error("export %s: %s: %s", export_id, error.code, error, extra={"export": export_id})  # noqa: TRY400 - a trace tells the operator nothing
    return touched


def _open_or_due(
    services: Services, export: Export, metadata: Mapping[str, str] | None, versions: Mapping[str, str]
) -> RunRecord | None:
    if metadata is None:
        see(services, export.id, export.segments)
        return None
    if "open" in metadata or "status" not in metadata:
        record = open_run(services.state, export.id)
        if record is not None:
            return record
    if not export.schedule.active or export.schedule.when != "on_refresh":
        return None
    known = _known_versions(services, export.id, metadata)
    if any(versions.get(segment, "") > known.get(segment, "") for segment in export.segments):
        return start(services, export.id, "schedule", "timer")
    return None


def _known_versions(services: Services, export_id: str, metadata: Mapping[str, str]) -> dict[str, str]:
    if "versions" in metadata:
        return dict(json.loads(metadata["versions"]))
    head, _ = read_head(services.state, export_id)
    return head.versions()


def _export_id(name: str) -> str:
    return name.removeprefix("heads/").removesuffix(".json")
