"""Pages of an export's runs, the open one among them, whatever the clocks say."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared import state
from shared.adapters.storage import open_store
from shared.adapters.storage.store import Store
from shared.errors import NotFound
from shared.runs.heads.head import Head, LastRun, create_head
from shared.runs.record import RunRecord
from shared.runs.run import OpenRun
from shared.runs.views.history import find_run, list_runs
from tests.support.records import every, run_ids, write_to_folder

NOW = datetime(2026, 8, 24, 14, 33, tzinfo=UTC)
IDS = run_ids(every(timedelta(hours=1), 5, NOW))
NONE = "vip.20260824T143300Z-ffff"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A history of five runs."""
    write_to_folder(tmp_path, IDS)
    return open_store(f"file:{tmp_path}")


def open_run(store: Store, run_id: str, last: str | None = None) -> None:
    """Writes a head with this open run, and with this one as its last."""
    record = RunRecord(id=run_id, export="vip", trigger="schedule", requested_by="timer", created_at=NOW)
    attempt = LastRun(run=last, status="failed", finished_at=NOW) if last else None
    head = Head(export="vip", scheduled_at=NOW, open=OpenRun(record=record), last_attempt=attempt)
    create_head(store, head)


def pages(store: Store, limit: int, now: datetime = NOW) -> list[list[str]]:
    found: list[list[str]] = []
    before: str | None = ""
    while before is not None:
        records, before = list_runs(store, "vip", before, limit, now)
        found.append([record.id for record in records])
    return found


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6])
def test_pages_are_full_and_end_with_the_last_run(store: Store, limit: int) -> None:
    """No page is empty, and none says that another follows where none does."""
    newest = IDS[::-1]
    assert pages(store, limit) == [newest[start : start + limit] for start in range(0, 5, limit)]


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7])
@pytest.mark.parametrize(
    "opened",
    [
        state.new_run_id("vip", NOW + timedelta(minutes=1), 1),
        state.new_run_id("vip", NOW - timedelta(minutes=90), 1),
        state.new_run_id("vip", NOW + timedelta(days=400), 1),
        state.new_run_id("vip", NOW - timedelta(days=400), 1),
    ],
)
def test_the_open_run_has_its_place(store: Store, limit: int, opened: str) -> None:
    """By its id, wherever that is: once, and not again on the page that follows it."""
    open_run(store, opened)
    everything: Sequence[str] = sorted([*IDS, opened], reverse=True)
    found = pages(store, limit)
    assert [run_id for page in found for run_id in page] == everything
    assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
    assert found[-1]


def test_an_open_run_whose_record_is_written_is_shown_once(store: Store) -> None:
    """Its holder died before it cleared the head."""
    open_run(store, IDS[-1])
    assert pages(store, 2) == [IDS[:2:-1], IDS[2:0:-1], IDS[:1]]


@pytest.mark.parametrize("behind", [timedelta(), timedelta(hours=20), timedelta(days=30)])
def test_a_clock_that_is_behind_hides_no_run(store: Store, behind: timedelta) -> None:
    """Another machine may have been ahead by hours; by how much the last run was, the head has."""
    open_run(store, state.new_run_id("vip", NOW - timedelta(days=400), 1), last=IDS[-1])
    assert pages(store, 10, NOW - behind)[0][:5] == IDS[::-1]


def test_without_a_head_a_day_ahead_is_shown(store: Store) -> None:
    """As after somebody has removed the head to start afresh."""
    assert pages(store, 10, NOW - timedelta(hours=20)) == [IDS[::-1]]


def test_a_page_before_a_time_to_come_is_the_first(store: Store) -> None:
    """A listing does not search all months until then."""
    records, _ = list_runs(store, "vip", "vip.21991231T235959Z-ffff", 10, NOW)
    assert [record.id for record in records] == IDS[::-1]


def test_a_run_is_found_by_its_id(store: Store) -> None:
    """In its record, or in the head; no other run is taken for it."""
    opened = state.new_run_id("vip", NOW + timedelta(minutes=1), 1)
    open_run(store, opened)
    closed, found = find_run(store, IDS[0]), find_run(store, opened)
    assert isinstance(closed, RunRecord)
    assert isinstance(found, OpenRun)
    assert (closed.id, found.record.id) == (IDS[0], opened)
    for unknown in (NONE, "vip", "other.20260824T143300Z-0000"):
        with pytest.raises(NotFound):
            find_run(store, unknown)
