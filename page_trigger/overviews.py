"""The first page: all exports, to search, sort, run and add."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from markupsafe import Markup

from page_trigger import words
from page_trigger.charts import Point, bars
from page_trigger.rendering import render, see
from page_trigger.visits import Visit, part_of
from shared import state
from shared.adapters.storage.store import BlobInfo, Store
from shared.administration import running
from shared.administration.overview import AT_ONCE, Overview, overview
from shared.api import Reply, deadline_of
from shared.catalog import Export
from shared.errors import ExportError
from shared.runs.heads.head import read_entry
from shared.runs.starting import Request
from shared.runs.views.history import list_run_ids, read_run
from shared.services import Services, process_services

A_PAGE = 25
# Runs in an export's small chart.
RUNS_SHOWN = 10
ORDERS = {"name": "Name", "status": "Status", "refreshed": "Refreshed"}
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
# Bars of closed runs to keep in memory, a few hundred bytes each.
_MOST_KEPT = 20_000

_closed: dict[tuple[Store, str], Point] = {}


@dataclass(frozen=True, slots=True)
class Shown:
    """An export in the list, with its last runs as a chart."""

    export: Overview
    runs: Markup


def show(visit: Visit) -> Reply:
    """The exports that match the search, a page at a time, in the requested order."""
    services = process_services()
    sought, order = visit.query("q").strip()[:200], visit.query("sort")
    order = order if order in ORDERS else "name"
    entries = _sorted(services, _fitting(services, sought), order)
    part = part_of(visit, len(entries), A_PAGE)
    found = list(overview(services, visit.by, entries[part.first : part.first + A_PAGE]))
    return render(
        visit,
        "exports.html",
        exports=_with_runs(services, found),
        part=part,
        sought=sought,
        order=order,
        orders=ORDERS,
        paused=services.settings.exports_paused,
        opened=visit.number("opened"),
        refused=visit.number("refused"),
        removed=visit.query("removed"),
    )


def run_all(visit: Visit) -> Reply:
    """Opens a run of every export that is active."""
    services = process_services()
    request = Request("on_demand", visit.by.name)
    outcomes = [each for _, each in running.start_all(services, visit.by, request, deadline_of(services))]
    opened = sum(isinstance(each, str) for each in outcomes)
    return see("/", opened=str(opened), refused=str(len(outcomes) - opened))


def _fitting(services: Services, sought: str) -> list[BlobInfo]:
    """The entries of the exports whose names contain the text, case-insensitively."""
    entries = list(services.catalog.entries())
    wanted = sought.casefold()
    return [entry for entry in entries if wanted in _names(services, entry)] if wanted else entries


def _names(services: Services, entry: BlobInfo) -> str:
    """The names that an export can be found by."""
    listed = services.catalog.listed(entry)
    names = [listed.id] if listed is not None else []
    if listed is not None and isinstance(listed.document, Export):
        export = listed.document
        names += [export.display_name, export.connection or "", export.list_id, *export.segments]
    return "\n".join(names).casefold()


def _sorted(services: Services, entries: list[BlobInfo], order: str) -> list[BlobInfo]:
    """Sorts by name, or by what a listing of the heads shows without reading them."""
    if order == "name":
        return sorted(entries, key=lambda entry: _title(services, entry))
    glances = dict(_glances(services))
    unknown = ("none", _LONG_AGO)

    def key(entry: BlobInfo) -> tuple[str, float]:
        status, refreshed_at = glances.get(state.id_of(entry.name) or "", unknown)
        return (status, 0.0) if order == "status" else ("", -refreshed_at.timestamp())

    return sorted(entries, key=key)


def _title(services: Services, entry: BlobInfo) -> str:
    listed = services.catalog.listed(entry)
    document = listed.document if listed is not None else None
    name = document.display_name if isinstance(document, Export) else ""
    return (name or entry.name).casefold()


def _glances(services: Services) -> Iterable[tuple[str, tuple[str, datetime]]]:
    """The status of each export, and when it last succeeded."""
    for blob in services.state.list(state.HEADS):
        export_id = state.id_of(blob.name)
        if export_id is not None:
            with suppress(ExportError):
                entry = read_entry(services.state, blob, export_id)
                yield export_id, (blob.metadata.get("status", "none"), entry.succeeded_at or _LONG_AGO)


def _with_runs(services: Services, found: list[Overview]) -> list[Shown]:
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="bars") as pool:
        return list(pool.map(lambda export: Shown(export, _chart_of(services, export.id)), found))


def _chart_of(services: Services, export_id: str) -> Markup:
    """A bar for each of an export's last runs, oldest first; its height is the number of rows."""
    points: list[Point] = []
    with suppress(ExportError):
        ids, _ = list_run_ids(services.state, export_id, "", RUNS_SHOWN, services.clock.now())
        points = [point for run_id in reversed(ids) if (point := _bar_of(services.state, run_id))]
    return bars(f"The last {len(points)} runs" if points else "No runs yet", points)


def _bar_of(store: Store, run_id: str) -> Point | None:
    """None for a run that can't be read. A closed run does not change, so it is read only once."""
    known = _closed.get((store, run_id))
    if known is None:
        try:
            record = read_run(store, run_id)
        except ExportError:
            return None
        known = Point(words.status(record.status), record.counts.rows, words.kind(record.status))
        if record.is_closed:
            if len(_closed) >= _MOST_KEPT:
                _closed.clear()
            _closed[store, run_id] = known
    return known
