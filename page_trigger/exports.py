"""The page of one export: its state, its last runs, and its actions."""

from collections.abc import Callable

from page_trigger import words
from page_trigger.charts import Point, line
from page_trigger.rendering import render, render_problem, see
from page_trigger.visits import Visit
from shared import state
from shared.administration import connections, exports, running
from shared.administration.connections import state_of
from shared.administration.documents import read_export
from shared.administration.overview import overview
from shared.administration.rights import Action, has_role_for, may
from shared.administration.sampling import first_rows
from shared.api import BadRequest, Reply, deadline_of
from shared.catalog import Connection, Export
from shared.errors import ExportError, InvalidDocument, NotFound, PermanentError
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from shared.runs.views.history import list_runs
from shared.runs.views.preview import fields_of, preview
from shared.services import Services, process_services

RUNS_SHOWN = 30
_DONE = ("successful", "completed_with_warnings")
# Warnings that count people who have left the segment, but are still on the list.
_STAY = ("removals_held", "removals_pending", "removals_unmatched", "merged_kept", "kept_for_another")
# What has just been done, by the word in the URL.
_SAVED = {
    "1": "Saved. Saving does not start a run: use Run, or wait for the schedule.",
    "on": "The schedule is on.",
    "off": "The schedule is off. The export now runs on demand only.",
    "copied": "This is the copy. It sends to the same list, and its schedule is off. Edit it first.",
    "attached": "The connection is attached.",
    "detached": "The connection is detached. The export can't run until you attach one.",
}


def show(visit: Visit) -> Reply:
    services, export_id = process_services(), visit.route("export")
    try:
        stored = read_export(services, export_id)
    except InvalidDocument as error:
        return render_problem(visit, error, 422, removable=has_role_for(visit.by, Action.ADD_CONNECTION))
    glance = next(overview(services, visit.by, [services.state.stat(state.export(export_id))]), None)
    if glance is None:
        raise NotFound(f"The export {export_id!r} does not exist.", code="unknown_export")
    records = _last_runs(services, export_id)
    return render(
        visit,
        "export.html",
        export=stored.document,
        glance=glance,
        runs=records[::-1],
        charts=_charts(stored.document, records),
        fields=fields_of(stored.document),
        connections=_others(services, visit, stored.document),
        not_checked=visit.query("not_checked"),
        saved=_SAVED.get(visit.query("saved"), ""),
        held=records[-1].warned("removals_held") if records else 0,
        connection_state=_connection_state(services, stored.document),
    )


def act(visit: Visit) -> Reply:
    """Does what the pressed button requests."""
    done = _ACTIONS.get(visit.form.text("action"))
    if done is None:
        raise BadRequest("This page does not have that button.")
    return done(process_services(), visit, visit.route("export"))


def _run(services: Services, visit: Visit, export_id: str) -> Reply:
    export = exports.mine(services, visit.by, Action.START_RUN, export_id).document
    full = visit.form.is_on("full")
    record = running.start_run(services, visit.by, export, Request("on_demand", visit.by.name, full=full))
    return see(f"/runs/{record.id}", started="1")


def _activate(services: Services, visit: Visit, export_id: str) -> Reply:
    exports.activate(services, visit.by, export_id, active=True)
    return see(f"/exports/{export_id}", saved="on")


def _deactivate(services: Services, visit: Visit, export_id: str) -> Reply:
    exports.activate(services, visit.by, export_id, active=False)
    return see(f"/exports/{export_id}", saved="off")


def _duplicate(services: Services, visit: Visit, export_id: str) -> Reply:
    new_id = exports.free_id(services, exports.copy_id(export_id))
    saved = exports.duplicate(services, visit.by, export_id, new_id, None, deadline_of(services))
    return see(f"/exports/{saved.stored.document.id}", saved="copied")


def _attach(services: Services, visit: Visit, export_id: str) -> Reply:
    exports.attach(services, visit.by, export_id, visit.form.text("connection"), deadline_of(services))
    return see(f"/exports/{export_id}", saved="attached")


def _detach(services: Services, visit: Visit, export_id: str) -> Reply:
    exports.detach(services, visit.by, export_id)
    return see(f"/exports/{export_id}", saved="detached")


def _remove(services: Services, visit: Visit, export_id: str) -> Reply:
    exports.remove(services, visit.by, export_id)
    return see("/", removed="1")


def _preview(services: Services, visit: Visit, export_id: str) -> Reply:
    """What a run would do, and the first rows for visitors who may see them; masked unless they ask."""
    export = exports.mine(services, visit.by, Action.PREVIEW, export_id).document
    unmasked = visit.form.is_on("unmasked")
    rows = None
    if may(visit.by, Action.SHOW_ROWS, exports.sharing_of(services, export)):
        rows = first_rows(services, visit.by, export, unmasked=unmasked)
    plan = preview(services, export, full=visit.form.is_on("full"))
    names = list(dict.fromkeys(name for row in rows or () for name in row))
    return render(visit, "preview.html", export=export, plan=plan, rows=rows, names=names, unmasked=unmasked)


_ACTIONS: dict[str, Callable[[Services, Visit, str], Reply]] = {
    "run": _run,
    "preview": _preview,
    "activate": _activate,
    "deactivate": _deactivate,
    "duplicate": _duplicate,
    "attach": _attach,
    "detach": _detach,
    "remove": _remove,
}


def _connection_state(services: Services, export: Export) -> str:
    """The state of the export's connection; blank if it can't be read."""
    try:
        return state_of(services.catalog.connection(export.connection))
    except PermanentError:
        return ""


def _others(services: Services, visit: Visit, export: Export) -> list[Connection]:
    """The connections that could be attached to a detached export."""
    if export.connection is not None or not has_role_for(visit.by, Action.SEE_CONNECTION):
        return []
    found = connections.visible(services, visit.by)
    return [each for each in found if isinstance(each, Connection)]


def _last_runs(services: Services, export_id: str) -> list[RunRecord]:
    """The last runs, oldest first; none if the history can't be read."""
    try:
        return list_runs(services.state, export_id, "", RUNS_SHOWN, services.clock.now())[0][::-1]
    except ExportError:
        return []


def _charts(export: Export, records: list[RunRecord]) -> list[tuple[str, object, list[tuple[str, str]]]]:
    """Charts of the closed runs: people on the list, duration, share of refused rows; with the numbers for
    a table."""
    closed = [record for record in records if record.is_closed]
    done = [record for record in closed if record.status in _DONE]
    is_mirror = export.sync.mode == "mirror"
    name = "People on the list" if is_mirror else "People of the segment"
    people = [_point(each, _people(each)) for each in done]
    seconds = [_point(each, _seconds(each)) for each in done]
    shares = [_point(each, 100 * _refused_share(each)) for each in done]
    return [
        (name, line(name, people), _table(people)),
        ("Duration in seconds", line("Duration of each run", seconds, " s"), _table(seconds)),
        ("Refused rows in percent", line("Share of refused rows, by run", shares, " %"), _table(shares)),
    ]


def _people(record: RunRecord) -> int:
    """The people of the segment, and those who have left it but are still on the list."""
    counts = record.counts
    return counts.sent - counts.failed + counts.unchanged + record.warned(*_STAY)


def _point(record: RunRecord, value: float) -> Point:
    return Point(f"{record.created_at:%Y-%m-%d %H:%M}", value, words.kind(record.status))


def _table(points: list[Point]) -> list[tuple[str, str]]:
    return [(point.label, f"{round(point.value, 2):,}".removesuffix(".0")) for point in points]


def _seconds(record: RunRecord) -> float:
    lasted = words.duration_of(record.started_at, record.finished_at)
    return round(lasted.total_seconds(), 1) if lasted is not None else 0.0


def _refused_share(record: RunRecord) -> float:
    counts = record.counts
    return (counts.rejected + counts.failed) / counts.rows if counts.rows else 0.0
