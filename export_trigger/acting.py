"""Starts and cancels runs."""

from export_trigger.addresses import export_of, location
from shared.adapters.clock import Deadline
from shared.administration import running
from shared.administration.exports import check_export
from shared.administration.rights import Action, Role
from shared.api import (
    Call,
    EmptyBody,
    Preferences,
    Reply,
    StartAllBody,
    StartBody,
    come_back,
    deadline_of,
    problem_reply,
    read_body,
    reply,
    reply_of_run,
)
from shared.errors import TakenElsewhere
from shared.runs.record import RunRecord
from shared.runs.run import OpenRun
from shared.runs.starting import Request
from shared.runs.views.history import find_run, read_open_run, read_run
from shared.services import Services, process_services

# The service that is unavailable, by the reason that a run waits for.
AWAY = {"storage_unavailable": "The storage", "vault_unavailable": "The vault"}


def start_run(call: Call) -> Reply:
    """Runs the export, or resumes its open run, while the caller waits."""
    services = process_services()
    preferences = Preferences.of(call.header("prefer"), waits=True)
    export = export_of(call, services)
    check_export(services, call.by, Action.START_RUN, export)
    request = _request(call)
    seconds = services.settings.http_time_budget if preferences.wait is None else preferences.wait
    deadline = Deadline(services.clock, seconds) if seconds > 0 else None
    try:
        record = running.start_run(services, call.by, export, request, deadline)
    except TakenElsewhere as error:
        taken = read_open_run(services.state, export.id)
        headers = {"location": location(call, taken.record.id)} if taken else {}
        detail = "Another process is running this export. Check its run, or try again later."
        if error.code == "run_is_open":
            detail = error.message
        return problem_reply(409, error.code, detail, headers)
    return _stand(call, services, record, preferences)


def _stand(call: Call, services: Services, record: RunRecord, preferences: Preferences) -> Reply:
    """The state of the run: 200, 202, or 503 if it could not even begin."""
    now = services.clock.now()
    found = record if record.is_closed else find_run(services.state, record.id)
    address = location(call, record.id)
    wait = found.wait_at(now) if isinstance(found, OpenRun) and found.plan is None else None
    if isinstance(found, OpenRun) and wait is not None and wait.reason in AWAY:
        detail = f"{AWAY[wait.reason]} can't be reached. The run stays open, and the timer continues with it."
        return problem_reply(503, wait.reason, detail, come_back(found, address, now))
    return reply_of_run(found, address, now, preferences)


def start_all(call: Call) -> Reply:
    """Opens a run of every export with an active schedule while time is left; the timer advances them."""
    services = process_services()
    deadline = deadline_of(services)
    request = Request("on_demand", _name(call, read_body(StartAllBody, call.http.body)))
    runs, problems = [], []
    for export_id, opened in running.start_all(services, call.by, request, deadline):
        if isinstance(opened, str):
            runs.append({"id": opened, "location": location(call, opened)})
        else:
            problems.append({"export": export_id, "code": opened.code, "detail": opened.message})
    return reply(202, {"runs": runs, "problems": problems})


def cancel_run(call: Call) -> Reply:
    """Requests the cancellation of a run, and closes it if no other process holds it."""
    services = process_services()
    record = read_run(services.state, call.route("run"))
    running.check_run(services, call.by, record)
    read_body(EmptyBody, call.http.body)
    if record.is_closed:
        return problem_reply(
            409, "already_closed", f"The run has already ended ({record.status}), so it can't be canceled."
        )
    record = running.cancel_run(services, call.by, record, deadline_of(services))
    found = record if record.is_closed else find_run(services.state, record.id)
    return reply_of_run(found, location(call, record.id), services.clock.now(), Preferences())


def _request(call: Call) -> Request:
    """The caller and the options of the request."""
    body = read_body(StartBody, call.http.body)
    return Request(
        "on_demand",
        _name(call, body),
        full=body.full,
        confirmed=body.confirm_removals,
        reconcile=body.reconcile,
        readd=body.readd,
    )


def _name(call: Call, body: StartAllBody) -> str:
    """The name of the signed-in caller, or from the body with a function key."""
    return body.requested_by or call.by.name if call.by.role is Role.OPERATOR else call.by.name
