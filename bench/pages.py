"""Table 13: how long the pages take, and how large they are, with 1,000 exports and 10,000 runs."""

import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from bench.ground import Ground, documents_of_accounts, write_documents
from bench.output import show
from shared import state
from shared.adapters.storage import open_store
from shared.runs.heads.head import Head, LastRun
from tests.support.host import SERVE, running_host
from tests.support.records import every, run_ids, write_to_folder

EXPORTS, RUNS_EACH, TIMES = 1_000, 10, 9
COLUMNS = ("page", "ms, median", "ms, slowest", "KB")
NOW = datetime.now(UTC).replace(microsecond=0)


def main(ground: Ground) -> None:
    environment = ground.environment(ground.segment(1_000), "http://127.0.0.1:1") | {"AUTH": "local"}
    newest = _lay_out(environment["STATE_URL"])
    pages = {
        "exports": "/",
        "exports, searched": "/?q=account-77",
        "exports, by time": "/?sort=refreshed",
        "an export": "/exports/account-77",
        "all runs": "/runs",
        "a run": f"/runs/{newest}",
        "connections": "/connections",
        "audit": "/audit",
    }
    with running_host(environment, (*SERVE, "--as", "administrator")) as client:
        rows = [(name, *_measured(client, path)) for name, path in pages.items()]
    show(f"Pages, with {EXPORTS:,} exports and {EXPORTS * RUNS_EACH:,} runs", COLUMNS, rows)


def _measured(client: httpx.Client, path: str) -> tuple[str, str, str]:
    client.get(path).raise_for_status()  # documents are kept in memory from the first look on
    taken, size = [], 0
    for _ in range(TIMES):
        began = time.perf_counter()
        size = len(client.get(path).raise_for_status().content)
        taken.append(time.perf_counter() - began)
    return f"{statistics.median(taken) * 1000:.0f}", f"{max(taken) * 1000:.0f}", f"{size / 1000:.1f}"


def _lay_out(state_url: str) -> str:
    """Writes documents, heads, records and the index of runs; returns the id of the newest run."""
    store, folder = open_store(state_url), Path(state_url.removeprefix("file:"))
    write_documents(state_url, documents_of_accounts(EXPORTS))
    newest = ""
    for number in range(EXPORTS):
        name = f"account-{number}"
        ids = run_ids(every(timedelta(hours=6), RUNS_EACH, NOW - timedelta(seconds=number)), name)
        write_to_folder(folder, ids)
        for run_id in ids:
            place = folder / state.recent(run_id)
            place.parent.mkdir(exist_ok=True)
            place.touch()
        newest = ids[-1]
        last = LastRun(run=newest, status="successful", finished_at=NOW)
        head = Head(export=name, scheduled_at=NOW, last_attempt=last, last_success=last, greatest_id=newest)
        store.write(state.head(name), head.content(), metadata=head.metadata())
    return newest
