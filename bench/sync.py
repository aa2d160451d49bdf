"""Table 9: a million profiles, and the refreshes that follow: what is compared, sent and removed."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import override

from bench.ground import MILLION, REFRESHED, SEGMENT, Ground, documents, write_documents
from bench.measure import EXPORT, Taken, measure
from bench.output import show
from bench.stand_in import Running, running_stand_in
from sandbox.people import COLUMNS as CELLS
from sandbox.people import People, Row
from sandbox.sample import write_segment
from shared import state
from shared.adapters.storage import open_store
from shared.ledger import read_ledger, write_ledger
from shared.runs.heads.head import read_head

COLUMNS = ("run", "new", "changed", "removed", "wall s", "CPU s", "peak MB", "posts", "reads", "DELETEs")
FEW = MILLION // 100
MEMBERS = 100_000
CITY = list(CELLS).index("City")


@dataclass(frozen=True, slots=True)
class Moved(People):
    """The first one per cent of a million live elsewhere."""

    @override
    def __iter__(self) -> Iterator[Row]:
        # Without super(), which dataclasses with slots lose.
        for number, row in enumerate(People.__iter__(self)):
            yield (*row[:CITY], "Lisbon", *row[CITY + 1 :]) if number < FEW else row


def main(ground: Ground) -> None:
    rows = [_without_ledger(ground)]
    with running_stand_in("--wide") as klaviyo:
        environment = ground.environment(ground.segment(MILLION), klaviyo.url)
        mirrored = documents()
        mirrored["exports/vip.json"]["sync"] = {"mode": "mirror"}
        write_documents(environment["STATE_URL"], mirrored)
        rows.append(_row("the first", klaviyo, environment))
        rows.append(_row("nothing changed", klaviyo, environment))
        ledger = _ledger(environment["STATE_URL"])
        for name, people in (
            ("1 % changed", Moved(MILLION)),
            ("1 % left, 1 % changed", Moved(MILLION - FEW, start=FEW)),
        ):
            _refresh(ground, people)
            rows.append(_row(name, klaviyo, environment))
    show("A million profiles, and the refreshes that follow", COLUMNS, rows)
    show("The ledger of a million", ("bytes a person", "read s", "written s"), [ledger])
    show(f"A reconciling run over {MEMBERS:,} members", ("wall s", "pages"), [_reconciled(ground)])


def _refresh(ground: Ground, people: People) -> None:
    store = open_store(ground.segment(MILLION))
    refreshed = REFRESHED + timedelta(minutes=1 + people.start)
    write_segment(store, SEGMENT, people, refreshed=refreshed, partitions=10)


def _without_ledger(ground: Ground) -> tuple[str, ...]:
    """A key was used here before and is gone, so that none is made."""
    with running_stand_in("--wide") as klaviyo:
        environment = ground.environment(ground.segment(MILLION), klaviyo.url)
        open_store(environment["STATE_URL"]).write(state.DIGEST_KEY, b'{"id":"gone"}')
        return _row("without a ledger", klaviyo, environment)


def _row(name: str, klaviyo: Running, environment: dict[str, str]) -> tuple[str, ...]:
    before = len(klaviyo.requests())
    taken = measure(EXPORT, environment)
    counts = json.loads(taken.output)["counts"]
    if counts["failed"] or counts["unconfirmed"] or counts["rejected"]:
        raise AssertionError(f"{name}: {counts}")
    methods = [request["method"] for request in klaviyo.requests()[before:]]
    return (
        name,
        *(f"{counts[count]:,}" for count in ("new", "changed", "removed")),
        *_figures(taken),
        *(f"{methods.count(method):,}" for method in ("POST", "GET", "DELETE")),
    )


def _figures(taken: Taken) -> tuple[str, str, str]:
    return f"{taken.wall:.1f}", f"{taken.cpu:.1f}", f"{taken.peak_mb:.0f}"


def _ledger(state_url: str) -> tuple[str, ...]:
    store = open_store(state_url)
    name = read_head(store, "vip")[0].ledger or ""
    started = time.perf_counter()
    ledger = read_ledger(store, name)
    read = time.perf_counter()
    write_ledger(store, f"{name}0", ledger)
    written = time.perf_counter()
    size = store.stat(name).size / len(ledger.people)
    return f"{size:.1f}", f"{read - started:.2f}", f"{written - read:.2f}"


def _reconciled(ground: Ground) -> tuple[str, ...]:
    """Against Klaviyo's own limits."""
    with running_stand_in() as klaviyo:
        environment = ground.environment(ground.segment(MEMBERS), klaviyo.url)
        measure(EXPORT, environment)
        before = len(klaviyo.requests())
        taken = measure((*EXPORT, "--reconcile"), environment)
        methods = [request["method"] for request in klaviyo.requests()[before:]]
    return f"{taken.wall:.1f}", f"{methods.count('GET'):,}"
