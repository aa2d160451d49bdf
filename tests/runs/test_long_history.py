"""Thousands of runs of an export, listed page by page: each once, and never all of them at once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest

from shared import state
from shared.adapters.storage import open_store
from shared.adapters.storage.store import Blob, BlobInfo, Store
from shared.runs.views.history import list_runs
from shared.runs.views.listing import MOST_AT_ONCE, newest_first
from tests.support.azurite import Azurite, client
from tests.support.records import every, record_of, run_ids, write_to_container, write_to_folder
from tests.support.stores import CountingStore

NOW = datetime(2026, 8, 24, 14, 33, tzinfo=UTC)
RUNS, PAGE = 1_500, 300
# Entries that a page may look at: a month, a day and an hour that are too full to be shown at once, what is
# shown, and twice what is in a minute.
MOST_LISTED = 4 * 101 + PAGE
# Lists of a page: the oldest run, a month, its days, their hours, their minutes.
MOST_LISTS = 1 + 2 + 31 + 24 + 60
LAYOUTS = {
    "over days": timedelta(hours=3),
    "over one day": timedelta(seconds=8),
    "over minutes": timedelta(seconds=0.05),
}


class MeasuredStore(CountingStore):
    """Counts the entries that listings have shown, too."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.listed = 0

    def list(self, prefix: str = "", *, page: int | None = None) -> Iterator[BlobInfo]:
        for blob in super().list(prefix, page=page):
            self.listed += 1
            yield blob


class QuickReads(MeasuredStore):
    """The records are as they were written: only listings ask the store."""

    def read(self, name: str, *, most: int | None = None) -> Blob:
        self.called("read", name)
        run_id = state.run_of_record(name)
        return Blob(record_of(run_id), "") if run_id else self._store.read(name, most=most)


def pages(store: MeasuredStore, most_listed: int = MOST_LISTED) -> Iterator[list[str]]:
    """The ids of each page, whose calls are bounded."""
    before: str | None = ""
    while before is not None:
        store.calls.clear()
        store.listed = 0
        records, before = list_runs(store, "vip", before, PAGE, NOW)
        lists = [name for what, name in store.calls if what == "list"]
        assert len(lists) <= MOST_LISTS
        assert len(store.calls) <= len(lists) + 1 + len(records)
        assert store.listed <= most_listed
        yield [record.id for record in records]


def assert_listed_once(found: list[list[str]], ids: list[str]) -> None:
    """Newest first, and each page is full but for the last."""
    assert [run_id for page in found for run_id in page] == ids[::-1]
    assert {len(page) for page in found[:-1]} == {PAGE}
    assert len(found) == -(-len(ids) // PAGE)


@pytest.mark.parametrize("pause", LAYOUTS.values(), ids=LAYOUTS)
def test_a_long_history_is_listed_page_by_page(tmp_path: Path, pause: timedelta) -> None:
    """However close together the runs are."""
    ids = run_ids(every(pause, RUNS, NOW))
    write_to_folder(tmp_path, ids)
    in_a_minute = max(1, round(60 / pause.total_seconds()))
    bound = MOST_LISTED + 2 * in_a_minute

    assert_listed_once(list(pages(QuickReads(open_store(f"file:{tmp_path}")), bound)), ids)


def test_a_long_history_in_blobs_is_listed_page_by_page(azurite: Azurite) -> None:
    """Some runs over days, some within a day, some within minutes."""
    times = [
        *every(LAYOUTS["over minutes"], 250, NOW),
        *every(LAYOUTS["over one day"], 250, NOW - timedelta(hours=1)),
        *every(LAYOUTS["over days"], 150, NOW - timedelta(days=2)),
    ]
    ids = run_ids(times)
    url = azurite.container()
    write_to_container(client(url), ids)

    assert_listed_once(list(pages(QuickReads(open_store(url)), MOST_LISTED + 2 * 250)), ids)


EDGES = [
    "20260101T000000Z",
    "20260131T235959Z",
    "20260201T000000Z",
    "20260228T235959Z",
    "20260301T000000Z",
    "20251231T235959Z",
    "20240229T120000Z",
    "20260301T005959Z",
    "20260301T010000Z",
    "20260301T095959Z",
    "20260301T100000Z",
    "20260301T235959Z",
]


@pytest.mark.parametrize("crowded", [None, "20260301T00", "20260131T23", "20260101T00", "20251231T23"])
def test_no_run_falls_between_two_listings(tmp_path: Path, crowded: str | None) -> None:
    """At the edges of years, months, days and hours, crowded or not; before any run, only older ones."""
    ids = sorted(f"vip.{time}-{number:04x}" for time in EDGES for number in (0, 7))
    if crowded:
        crowd = (
            f"vip.{crowded}{n // 60 % 60:02}{n % 60:02}Z-{0x100 + n // 3600:04x}"
            for n in range(MOST_AT_ONCE + 10)
        )
        ids = sorted({*ids, *crowd})
    write_to_folder(tmp_path, ids)
    store = open_store(f"file:{tmp_path}")

    assert list(newest_first(store, "vip", "vip.20270101T000000Z-")) == ids[::-1]
    for time in EDGES:
        for before in (f"vip.{time}-0000", f"vip.{time}-0007"):
            older = [run_id for run_id in ids if run_id < before]
            assert list(islice(newest_first(store, "vip", before), 4)) == older[::-1][:4]


def test_other_exports_and_other_files_are_no_runs(tmp_path: Path) -> None:
    """Ids that begin alike, refused rows, requests and parts."""
    ids = run_ids(every(timedelta(minutes=1), 3, NOW))
    write_to_folder(tmp_path, [*ids, *run_ids([NOW], "vip-2"), *run_ids([NOW], "vi")])
    for name in (state.rejected(ids[0]), state.cancel(ids[1]), "runs/vip/notes.json"):
        (tmp_path / name).write_bytes(b"")
    store = open_store(f"file:{tmp_path}")

    assert list(newest_first(store, "vip", "vip.20270101T000000Z-")) == ids[::-1]
    assert list(newest_first(store, "none", "none.20270101T000000Z-")) == []
