"""What looks at runs, and changes nothing."""

from export_trigger.addresses import export_of, location
from shared import state
from shared.administration.audit import audited
from shared.administration.exports import check_export
from shared.administration.rights import Action
from shared.api import (
    BadRequest,
    Call,
    Preferences,
    PreviewBody,
    Reply,
    csv_reply,
    read_body,
    reply,
    reply_of_run,
)
from shared.catalog import Export
from shared.runs.views.history import find_run, list_runs, read_rejected
from shared.runs.views.preview import preview
from shared.runs.views.recent import recent_runs
from shared.runs.views.sample import sample
from shared.services import Services, process_services

MOST_A_PAGE = 100


def show_run(call: Call) -> Reply:
    """A run as it stands; looking never moves it on."""
    services = process_services()
    run = find_run(services.state, call.route("run"))
    address = location(call, call.route("run"))
    return reply_of_run(run, address, services.clock.now(), Preferences.of(call.header("prefer")))


def preview_export(call: Call) -> Reply:
    """What a run would send and remove, from the newest snapshots; nothing is sent, and nothing written."""
    services = process_services()
    export = export_of(call, services)
    check_export(services, call.by, Action.PREVIEW, export)
    body = read_body(PreviewBody, call.http.body)
    rows = _rows(services, call, export, body) if body.rows else None
    made = preview(services, export, full=body.full, confirmed=body.confirm_removals)
    members = made.model_dump(mode="json")
    return reply(200, members if rows is None else members | {"rows": rows})


def _rows(services: Services, call: Call, export: Export, body: PreviewBody) -> list[dict[str, str]]:
    """The first rows, for callers who may see the connection. That somebody saw them unmasked is written
    down; whom they saw is not."""
    check_export(services, call.by, Action.SHOW_ROWS, export)
    if not body.unmasked:
        return sample(services, export, masked=True)
    with audited(services, call.by, Action.SHOW_ROWS, f"exports/{export.id}"):
        return sample(services, export, masked=False)


def show_runs(call: Call) -> Reply:
    """The runs of an export, newest first, the open one included."""
    services = process_services()
    limit = _limit(call.http.query.get("limit", "20"))
    before = call.http.query.get("before", "")
    if before and state.export_of(before) is None:
        raise BadRequest("before must be the id of a run.")
    export, now = export_of(call, services), services.clock.now()
    records, following = list_runs(services.state, export.id, before, limit, now)
    address = f"{call.here}?limit={limit}&before={following}" if following else None
    return reply(200, {"runs": [record.model_dump(mode="json") for record in records], "next": address})


def show_all_runs(call: Call) -> Reply:
    """The runs of all exports, newest first, open ones included."""
    services = process_services()
    limit = _limit(call.http.query.get("limit", "20"))
    before = call.http.query.get("before", "")
    if before and state.export_of(before) is None:
        raise BadRequest("before must be the id of a run.")
    records, following = recent_runs(services.state, before, limit)
    address = f"{call.here}?limit={limit}&before={following}" if following else None
    return reply(200, {"runs": [record.model_dump(mode="json") for record in records], "next": address})


def _limit(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= 3 and 1 <= int(text) <= MOST_A_PAGE:
        return int(text)
    raise BadRequest(f"limit must be a number from 1 to {MOST_A_PAGE}.")


def show_rejected(call: Call) -> Reply:
    """The refused rows of a closed run: places and reasons, nobody's data."""
    return csv_reply(read_rejected(process_services().state, call.route("run")))
