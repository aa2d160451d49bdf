"""The runs of all exports, newest first."""

import logging
from collections.abc import Iterator
from heapq import merge

from shared import state
from shared.adapters.storage.store import Store
from shared.errors import NewerVersion, NotFound, PermanentError
from shared.runs.record import RunRecord
from shared.runs.views.history import read_run

logger = logging.getLogger(__name__)


def recent_runs(store: Store, before: str, limit: int) -> tuple[list[RunRecord], str | None]:
    """Runs of all exports, open ones included, those that were opened last first.

    Those older than the run `before`, if given. Also returns the run to continue before, or None at the end.
    A run that can't be read is left out, and so is one that was closed before there was an index of them.
    """
    found: list[RunRecord] = []
    seen = ""
    for run_id in _newest_first(store):
        if run_id == seen or (before and _order(run_id) <= _order(before)):
            continue  # one that was closed between the two listings is in both
        if len(found) == limit:
            return found, found[-1].id
        seen = run_id
        try:
            found.append(read_run(store, run_id))
        except (PermanentError, NewerVersion) as error:
            if not isinstance(error, NotFound):  # its process died before it wrote the record
                logger.warning("recent runs: %s", error.message)
    return found, None


def _newest_first(store: Store) -> Iterator[str]:
    opened = [blob.metadata["open"] for blob in store.list(state.HEADS) if "open" in blob.metadata]
    known = sorted((run_id for run_id in opened if state.export_of(run_id) is not None), key=_order)
    closed = (run_id for blob in store.list(state.RECENT) if (run_id := state.run_of_recent(blob.name)))
    return merge(known, closed, key=_order)


def _order(run_id: str) -> str:
    """As the names in the index are ordered."""
    return state.recent(run_id)
