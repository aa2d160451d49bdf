"""Looks up runs: the open one in the head, closed ones in their records."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice

from shared import state
from shared.adapters.storage.store import Store
from shared.errors import AlreadyRunning, NewerVersion, NotFound, PermanentError
from shared.runs.heads.head import read_head
from shared.runs.record import RunRecord
from shared.runs.run import OpenRun
from shared.runs.steps.close import read_record
from shared.runs.steps.rejected import HEADER
from shared.runs.views.listing import newest_first

logger = logging.getLogger(__name__)


def find_run(store: Store, run_id: str) -> RunRecord | OpenRun:
    """A run: the record of a closed one, or an open one from its head.

    Raises NotFound; InvalidDocument if its record or head can't be read.
    """
    export_id = state.export_of(run_id)
    if export_id is None:
        raise NotFound("This run does not exist: its id is not valid.", code="unknown_run")
    try:
        return read_record(store, export_id, run_id)
    except NotFound:
        run = read_open_run(store, export_id)
    if run is not None and run.record.id == run_id:
        return run
    try:
        # It may have been closed in between.
        return read_record(store, export_id, run_id)
    except NotFound:
        raise NotFound(f"The run {run_id!r} does not exist.", code="unknown_run") from None


def read_run(store: Store, run_id: str) -> RunRecord:
    """The record of a run, open or closed. Raises as `find_run` does."""
    run = find_run(store, run_id)
    return run.summary() if isinstance(run, OpenRun) else run


def read_open_run(store: Store, export_id: str) -> OpenRun | None:
    """The export's open run as it was at its last checkpoint."""
    try:
        head, _ = read_head(store, export_id)
    except NotFound:
        return None
    return head.open


def list_runs(
    store: Store, export_id: str, before: str, limit: int, now: datetime
) -> tuple[list[RunRecord], str | None]:
    """Runs of an export, newest first, including the open one; those older than the run `before`, if given.

    Also returns the run to continue before, or None at the end. Only a part of a long history is listed, and
    only the records of the page are read. A record that can't be read is left out; raises InvalidDocument if
    the head can't be read.
    """
    shown, following = list_run_ids(store, export_id, before, limit, now)
    return list(_readable(store, shown)), following


def list_run_ids(
    store: Store, export_id: str, before: str, limit: int, now: datetime
) -> tuple[list[str], str | None]:
    """The ids of the same runs; no record is read."""
    known: list[str] = []
    opened = ""
    with suppress(NotFound):
        head, _ = read_head(store, export_id)
        last = head.last_attempt.run if head.last_attempt else None
        known = [run_id for run_id in (head.greatest_id, last) if run_id]
        opened = head.open.record.id if head.open else ""
    # Another machine's clock may be ahead, or may once have been far ahead.
    end = max(
        [state.run_id_stem(export_id, now + timedelta(days=1)), *(f"{each}~" for each in known), opened]
    )
    if before:
        end = min(before, end)
    closed = (run_id for run_id in newest_first(store, export_id, end) if run_id != opened)
    page = list(islice(closed, limit + 1))
    if opened and not (before and opened >= before):
        page = sorted([opened, *page], reverse=True)
    shown = page[:limit]
    return shown, shown[-1] if len(page) > limit else None


def read_rejected(store: Store, run_id: str) -> bytes:
    """The refused rows' file of a closed run; only its header if no row was refused. Raises NotFound."""
    record = read_run(store, run_id)
    try:
        return store.read(state.rejected(run_id)).content
    except NotFound:
        if not record.is_closed:
            message = "The refused rows can be read once the run is closed."
            raise AlreadyRunning(message, code="run_is_open") from None
        return (",".join(HEADER) + "\n").encode()


def _readable(store: Store, run_ids: Iterable[str]) -> Iterator[RunRecord]:
    for run_id in run_ids:
        try:
            yield read_run(store, run_id)
        except (PermanentError, NewerVersion) as error:
            logger.warning("history: %s", error.message)  # an unreadable one must not hide the others
