"""Table 12: what grows with what, as straight lines through measurements."""

import json
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

from bench.ground import (
    REFRESHED,
    Ground,
    documents,
    documents_of_accounts,
    lay_out,
    let_all_be_due,
    write_documents,
)
from bench.measure import EXPORT, measure
from bench.output import show
from bench.stand_in import running_stand_in
from shared.adapters.storage import open_store
from shared.runs.views.history import list_runs
from shared.runs.work.tick import tick
from shared.services import Services
from shared.settings import Settings
from tests.support.azurite import Azurite, client, running_azurite, running_queues
from tests.support.records import every, run_ids, write_to_container

PEOPLE = (100_000, 400_000, 1_000_000)
EXPORTS = (10, 300, 1_000)
ACCOUNTS = (10, 50, 100)
RUNS = (100, 1_000, 10_000)
# How often a short call is measured, for its median.
TIMES = 5
COLUMNS = ("what", "unit", "fixed", "for each", "measured")


def main(ground: Ground) -> None:
    rows = _of_people(ground)
    with running_azurite() as azurite:
        rows += _of_exports(ground, azurite)
        rows += _of_accounts(ground, azurite)
        rows += _of_runs(azurite)
    show("What grows with what", COLUMNS, rows)


def _line(
    what: str, unit: str, per: str, step: int, sizes: Sequence[int], values: Sequence[float]
) -> tuple[str, ...]:
    """A row: what is there anyway, and what each `step` adds, by the straight line that fits best."""
    slope, fixed = statistics.linear_regression(sizes, values)
    measured = "; ".join(f"{size:,}: {value:.3g}" for size, value in zip(sizes, values, strict=True))
    return what, unit, f"{max(0.0, fixed):.3g}", f"{slope * step:.3g} {per}", measured


def _of_people(ground: Ground) -> list[tuple[str, ...]]:
    """A first run, from files, that nothing but this machine holds back."""
    taken = []
    for people in PEOPLE:
        with running_stand_in("--wide", "--counting") as klaviyo:
            done = measure(EXPORT, ground.environment(ground.segment(people), klaviyo.url))
        if json.loads(done.output)["counts"]["imported"] != people:
            raise AssertionError("not everybody was imported")
        taken.append(done)
    return [
        _line(
            "memory of a run", "MB", "per 100,000 people", 100_000, PEOPLE, [each.peak_mb for each in taken]
        ),
        _line("CPU of a run", "s", "per 100,000 people", 100_000, PEOPLE, [each.cpu for each in taken]),
    ]


def _of_exports(ground: Ground, azurite: Azurite) -> list[tuple[str, ...]]:
    """A tick with nothing due."""
    seconds = []
    for exports in EXPORTS:
        segments_url, state_url = azurite.container(), azurite.container()
        lay_out(segments_url, 100)
        environment = ground.environment(segments_url, "http://127.0.0.1:1", state_url)
        export = documents()["exports/vip.json"]
        names = [f"e{number}" for number in range(exports - 1)]
        write_documents(state_url, {f"exports/{name}.json": export | {"id": name} for name in names})
        with Services.from_settings(Settings.from_environment(environment)) as services:
            tick(services, 240)  # the first sight of each
            seconds.append(_median(partial(tick, services, 240)))
    return [_line("a quiet tick", "ms", "per 100 exports", 100, EXPORTS, [each * 1000 for each in seconds])]


def _of_accounts(ground: Ground, azurite: Azurite) -> list[tuple[str, ...]]:
    """A tick that opens a run for each account and hands it out."""
    seconds = []
    with running_queues() as queues:
        for accounts in ACCOUNTS:
            segments_url, state_url = azurite.container(), azurite.container()
            lay_out(segments_url, 100)
            environment = ground.environment(segments_url, "http://127.0.0.1:1", state_url)
            environment["QUEUE_URL"] = f"{queues.url}/accounts-{accounts}"
            write_documents(state_url, documents_of_accounts(accounts))
            with Services.from_settings(Settings.from_environment(environment)) as services:
                let_all_be_due(services)
                started = time.perf_counter()
                tick(services, 240)
                seconds.append(time.perf_counter() - started)
    return [
        _line("a tick that hands out", "ms", "per account", 1, ACCOUNTS, [each * 1000 for each in seconds])
    ]


def _of_runs(azurite: Azurite) -> list[tuple[str, ...]]:
    """A page of 20 runs out of so many, every three hours."""
    seconds = []
    for runs in RUNS:
        url = azurite.container()
        write_to_container(client(url), run_ids(every(timedelta(hours=3), runs, REFRESHED)))
        seconds.append(_median(partial(list_runs, open_store(url), "vip", "", 20, REFRESHED)))
    return [
        _line("a page of runs", "ms", "per 1,000 runs kept", 1000, RUNS, [each * 1000 for each in seconds])
    ]


def _median(call: Callable[[], object]) -> float:
    """Seconds."""
    taken = []
    for _ in range(TIMES):
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)
