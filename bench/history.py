"""Table 8: a page of a long history."""

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

from bench.ground import REFRESHED, Ground
from bench.output import show
from shared.adapters.storage import open_store
from shared.adapters.storage.store import Store
from shared.runs.views.history import list_runs
from tests.support.azurite import client, running_azurite
from tests.support.records import every, run_ids, write_to_container, write_to_folder
from tests.support.stores import CountingStore

RUNS, PAGE = 10_000, 20
# Pages that are measured, one after another, from the newest run on.
PAGES = 20
COLUMNS = ("store", "runs", "ms, median", "ms, slowest", "storage calls")
LAYOUTS = {
    "every 3 h": timedelta(hours=3),
    "every 8 s": timedelta(seconds=8),
    "20 a second": timedelta(seconds=0.05),
}


def main(ground: Ground) -> None:
    rows = []
    with running_azurite() as azurite:
        for name, pause in LAYOUTS.items():
            ids = run_ids(every(pause, RUNS, REFRESHED))
            folder: Path = ground.folder / f"history-{name}".replace(" ", "-")
            url = azurite.container()
            kinds: list[tuple[str, str, Callable[[list[str]], None]]] = [
                ("folder", f"file:{folder}", partial(write_to_folder, folder)),
                ("Azurite", url, partial(write_to_container, client(url))),
            ]
            for kind, store_url, write in kinds:
                write(ids)
                rows.append((kind, name, *_pages(CountingStore(open_store(store_url)))))
    show(f"A page of {PAGE} out of {RUNS:,} runs", COLUMNS, rows)


def _pages(store: CountingStore) -> tuple[str, str, int]:
    taken = list(_seconds(store))
    calls = len(store.calls) // len(taken)
    return f"{statistics.median(taken) * 1000:.0f}", f"{max(taken) * 1000:.0f}", calls


def _seconds(store: Store) -> Iterator[float]:
    before = ""
    for _ in range(PAGES):
        started = time.perf_counter()
        records, following = list_runs(store, "vip", before, PAGE, REFRESHED)
        yield time.perf_counter() - started
        if len(records) != PAGE or following is None:
            raise AssertionError(f"{len(records)} runs were listed")
        before = following
