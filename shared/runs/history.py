"""Runs as they can be looked up: the open one in the head, the closed ones in their records."""

import re

from shared.adapters.storage.store import Store
from shared.errors import NotFound
from shared.runs.closing import summary
from shared.runs.head import read_head
from shared.runs.parts import record_name
from shared.runs.record import RunRecord

RUN_ID = re.compile(r"([a-z0-9][a-z0-9-]{0,62})\.\d{8}T\d{6}Z-[0-9a-f]{4}")


def read_run(store: Store, run_id: str) -> RunRecord:
    """The record of a run, open or closed. Raises NotFound."""
    name = RUN_ID.fullmatch(run_id)
    if name is not None:
        try:
            return _closed(store, name[1], run_id)
        except NotFound:
            record = open_run(store, name[1])
            if record is not None and record.id == run_id:
                return record
            # It may have been closed between the two looks.
            try:
                return _closed(store, name[1], run_id)
            except NotFound:
                pass
    raise NotFound(f"There is no run {run_id!r}.", code="unknown_run")


def open_run(store: Store, export_id: str) -> RunRecord | None:
    """The export's open run as it stands at its last checkpoint."""
    try:
        head, _ = read_head(store, export_id)
    except NotFound:
        return None
    return summary(head.open) if head.open is not None else None


def _closed(store: Store, export_id: str, run_id: str) -> RunRecord:
    return RunRecord.model_validate_json(store.read(record_name(export_id, run_id)).content)
