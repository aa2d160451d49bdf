"""Ids of closed runs, newest first, without listing a whole history, although listings are ascending."""

from collections.abc import Iterator
from itertools import islice

from shared import state
from shared.adapters.storage.store import Store

# Entries that are listed at once. If a month has more, its days are listed one by one, and so on.
MOST_AT_ONCE = 100
# Where the time in an id, such as 20261126T123759Z, can be cut, and what can follow, latest first.
_MONTH, _MINUTE = 6, 13
_FOLLOWING = {
    _MONTH: [f"{day:02}" for day in range(31, 0, -1)],
    8: [f"T{hour:02}" for hour in range(23, -1, -1)],
    11: [f"{minute:02}" for minute in range(59, -1, -1)],
}


def newest_first(store: Store, export_id: str, before: str) -> Iterator[str]:
    """The ids of an export's closed runs that are smaller than `before`, which begins like an id."""
    oldest = next(_records(store, export_id, "", page=1), None)
    if oldest is None:
        return
    month, first = (state.time_of(run_id)[:_MONTH] for run_id in (before, oldest))
    while month >= first:
        for run_id in _below(store, export_id, month, state.time_of(before)):
            if run_id < before:
                yield run_id
        year, number = divmod(int(month[:4]) * 12 + int(month[4:]) - 2, 12)
        month = f"{year:04}{number + 1:02}"


def _below(store: Store, export_id: str, time: str, until: str) -> Iterator[str]:
    """Ids whose time begins with `time`, latest first; those after `until` may be left out."""
    records = _records(store, export_id, time, page=MOST_AT_ONCE + 1)
    found = list(records if len(time) == _MINUTE else islice(records, MOST_AT_ONCE + 1))
    if len(time) == _MINUTE or len(found) <= MOST_AT_ONCE:
        yield from reversed(found)
        return
    for following in _FOLLOWING[len(time)]:
        if f"{time}{following}" <= until:
            yield from _below(store, export_id, f"{time}{following}", until)


def _records(store: Store, export_id: str, time: str, *, page: int) -> Iterator[str]:
    """The ids of the closed runs whose time begins with `time`, in order."""
    for blob in store.list(state.runs_of_time(export_id, time), page=page):
        if (run_id := state.run_of_record(blob.name)) is not None:
            yield run_id
