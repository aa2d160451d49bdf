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

# For each run of a page: bounds the cost of entries whose records no longer exist.
MOST_LOOKS = 5


def recent_runs(store: Store, before: str, limit: int) -> tuple[list[RunRecord], str | None]:
    """Runs of all exports, including open ones; the last opened first.

    Only those older than the run `before`, if given. Also returns the run to continue before, or None at the
    end. Runs that can't be read are left out, and so are those closed before this index existed.
    """
    found: list[RunRecord] = []
    seen, looked = before, 0
    for run_id in _newest_first(store, before, limit + 1):
        if run_id == seen:
            continue  # a run that was closed between the two listings is in both
        if len(found) == limit or looked == MOST_LOOKS * limit:
            return found, seen
        seen, looked = run_id, looked + 1
        try:
            found.append(read_run(store, run_id))
        except (PermanentError, NewerVersion) as error:
            if not isinstance(error, NotFound):  # its process died before it wrote the record
                logger.warning("recent runs: %s", error.message)
    return found, None


def _newest_first(store: Store, before: str, page: int) -> Iterator[str]:
    """The ids of the runs that were opened before this one; all if it is blank."""
    opened = (blob.metadata["open"] for blob in store.list(state.HEADS) if "open" in blob.metadata)
    after = _order(before) if before else ""
    known = (run_id for run_id in opened if state.export_of(run_id) is not None and _order(run_id) > after)
    closed = (run_id for name in _names_after(store, after, page) if (run_id := state.run_of_recent(name)))
    return merge(sorted(known, key=_order), closed, key=_order)


def _names_after(store: Store, name: str, page: int) -> Iterator[str]:
    """The names in the index after this one. A listing can't begin in the middle, but it can select a prefix:
    so first the names that share the longest prefix with this one, then shorter and shorter ones."""
    if not name:
        yield from (blob.name for blob in store.list(state.RECENT, page=page))
        return
    number = name.removeprefix(state.RECENT).partition("-")[0]
    yield from (blob.name for blob in store.list(f"{state.RECENT}{number}", page=page) if blob.name > name)
    for length in range(len(number) - 1, -1, -1):
        for digit in range(int(number[length]) + 1, 10):
            beginning = f"{state.RECENT}{number[:length]}{digit}"
            yield from (blob.name for blob in store.list(beginning, page=page))


def _order(run_id: str) -> str:
    """The sort key of a run, as in the index."""
    return state.recent(run_id)
