"""Runs as they can be looked up: the open one in the head, the closed ones in their records."""

import logging
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from shared import state
from shared.adapters.storage.store import Store
from shared.errors import AlreadyRunning, NotFound, PermanentError
from shared.runs.head import OpenRun, read_head
from shared.runs.record import RunRecord
from shared.runs.steps.close import read_record, summary
from shared.runs.steps.rejected import HEADER

logger = logging.getLogger(__name__)

RUN_ID = re.compile(r"([a-z0-9][a-z0-9-]{0,62})\.\d{8}T\d{6}Z-[0-9a-f]{4}")


def opened_at(run_id: str) -> datetime:
    """When a run was opened, as its id tells."""
    time = run_id.rpartition(".")[2].partition("-")[0]
    return datetime.strptime(time, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def find_run(store: Store, run_id: str) -> RunRecord | OpenRun:
    """A run as it is now: the record of a closed one, or what the head says of an open one.

    Raises NotFound, InvalidDocument where its record or head can't be read.
    """
    name = RUN_ID.fullmatch(run_id)
    if name is None:
        raise NotFound("There is no such run: that can't be the id of one.", code="unknown_run")
    try:
        return read_record(store, name[1], run_id)
    except NotFound:
        run = open_run(store, name[1])
    if run is not None and run.record.id == run_id:
        return run
    try:
        # It may have been closed between the two looks.
        return read_record(store, name[1], run_id)
    except NotFound:
        raise NotFound(f"There is no run {run_id!r}.", code="unknown_run") from None


def read_run(store: Store, run_id: str) -> RunRecord:
    """The record of a run, open or closed. Raises as `find_run` does."""
    run = find_run(store, run_id)
    return summary(run) if isinstance(run, OpenRun) else run


def open_run(store: Store, export_id: str) -> OpenRun | None:
    """The export's open run as it stands at its last checkpoint."""
    try:
        head, _ = read_head(store, export_id)
    except NotFound:
        return None
    return head.open


def list_runs(store: Store, export_id: str, before: str, limit: int) -> tuple[list[RunRecord], str | None]:
    """Runs of an export, newest first, the open one included; those older than the run `before`, if given.

    Also tells the run to go on before, or None at the end. One listing, and one read for each record. A
    record that can't be read is left out; InvalidDocument where the head can't, which only people can mend.
    """
    folder = f"runs/{export_id}/"
    names = (blob.name.removeprefix(folder) for blob in store.list(folder))
    ids = [run_id for name in names if RUN_ID.fullmatch(run_id := name.removesuffix(".json"))]
    running = open_run(store, export_id)
    if running is not None:
        ids.append(running.record.id)
    older = sorted({run_id for run_id in ids if not before or run_id < before}, reverse=True)
    shown = older[:limit]
    return list(_readable(store, shown)), shown[-1] if len(older) > limit else None


def read_rejected(store: Store, run_id: str) -> bytes:
    """The rejected file of a closed run; only its header where no row was refused. Raises NotFound."""
    record = read_run(store, run_id)
    try:
        return store.read(state.rejected(run_id)).content
    except NotFound:
        if not record.is_closed:
            message = "The refused rows can be read when the run is closed."
            raise AlreadyRunning(message, code="run_is_open") from None
        return (",".join(HEADER) + "\n").encode()


def _readable(store: Store, run_ids: Iterable[str]) -> Iterator[RunRecord]:
    for run_id in run_ids:
        try:
            yield read_run(store, run_id)
        except PermanentError as error:
            logger.warning("history: %s", error.message)  # one that is broken hides no other
