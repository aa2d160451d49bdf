"""Shows runs, and changes nothing."""

from export_trigger.addresses import export_of, location
from shared import state
from shared.administration.exports import check_export
from shared.administration.rights import Action
from shared.administration.sampling import first_rows
from shared.api import (
    BadRequest,
    Call,
    Preferences,
    PreviewBody,
    Reply,
    csv_reply,
    limit_in,
    next_page,
    read_body,
    reply,
    reply_of_run,
)
from shared.runs.record import RunRecord
from shared.runs.views.history import find_run, list_runs, read_rejected
from shared.runs.views.preview import preview
from shared.runs.views.recent import recent_runs
from shared.services import process_services


def show_run(call: Call) -> Reply:
    """The current state of a run; showing it never advances it."""
    services = process_services()
    run = find_run(services.state, call.route("run"))
    address = location(call, call.route("run"))
    return reply_of_run(run, address, services.clock.now(), Preferences.of(call.header("prefer")))


def preview_export(call: Call) -> Reply:
    """What a run would send and remove, from the newest snapshots. Sends and writes nothing."""
    services = process_services()
    export = export_of(call, services)
    check_export(services, call.by, Action.PREVIEW, export)
    body = read_body(PreviewBody, call.http.body)
    rows = first_rows(services, call.by, export, unmasked=body.unmasked) if body.rows else None
    made = preview(services, export, full=body.full, confirmed=body.confirm_removals)
    members = made.model_dump(mode="json")
    return reply(200, members if rows is None else members | {"rows": rows})


def show_runs(call: Call) -> Reply:
    """The runs of an export, newest first, including the open one."""
    services, (limit, before) = process_services(), _page_of(call)
    export, now = export_of(call, services), services.clock.now()
    return _page(call, limit, *list_runs(services.state, export.id, before, limit, now))


def show_all_runs(call: Call) -> Reply:
    """The runs of all exports, newest first, including open ones."""
    services, (limit, before) = process_services(), _page_of(call)
    return _page(call, limit, *recent_runs(services.state, before, limit))


def _page_of(call: Call) -> tuple[int, str]:
    """The requested number of runs, and the run before which the page starts."""
    limit, before = limit_in(call, 20), call.http.query.get("before", "")
    if before and state.export_of(before) is None:
        raise BadRequest("before must be the id of a run.")
    return limit, before


def _page(call: Call, limit: int, records: list[RunRecord], following: str | None) -> Reply:
    shown = [record.model_dump(mode="json") for record in records]
    return reply(200, {"runs": shown, "next": next_page(call, limit, following)})


def show_rejected(call: Call) -> Reply:
    """The refused rows of a closed run: places and reasons, no personal data."""
    return csv_reply(read_rejected(process_services().state, call.route("run")))
