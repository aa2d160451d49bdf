"""What starts and ends runs."""

import azure.functions as func

from export_trigger.addresses import export_of, location
from shared.adapters.clock import Deadline
from shared.api import (
    EmptyBody,
    Preferences,
    Reply,
    StartAllBody,
    StartBody,
    come_back,
    is_name,
    problem_reply,
    read_body,
    reply,
    reply_of_run,
)
from shared.catalog import Export
from shared.errors import AlreadyRunning, ExportError, TakenElsewhere, TryLater
from shared.runs.advance import cancel, run, start
from shared.runs.record import RunRecord
from shared.runs.run import OpenRun
from shared.runs.starting import Request
from shared.runs.views.history import find_run, read_open_run, read_run
from shared.services import Services, process_services

# What is away when a run waits for one of these.
AWAY = {"storage_unavailable": "The storage", "vault_unavailable": "The vault"}


def start_run(req: func.HttpRequest) -> Reply:
    """Runs the export, or continues with its open run, as long as the caller waits."""
    services = process_services()
    preferences = Preferences.of(req.headers.get("prefer", ""), waits=True)
    request = _request(req)
    export = export_of(req, services)
    services.catalog.connection(export.connection)  # without it no run is opened
    seconds = services.settings.http_time_budget if preferences.wait is None else preferences.wait
    try:
        if seconds > 0:
            record = run(services, export.id, request, Deadline(services.clock, seconds))
        else:
            record = start(services, export.id, request)
    except TakenElsewhere as error:
        running = read_open_run(services.state, export.id)
        headers = {"location": location(req, running.record.id)} if running else {}
        detail = "Another process is running this export: look at its run, or ask again later."
        if error.code == "run_is_open":
            detail = error.message
        return problem_reply(409, error.code, detail, headers)
    return _stand(req, services, record, preferences)


def _stand(req: func.HttpRequest, services: Services, record: RunRecord, preferences: Preferences) -> Reply:
    """How far the run has come: 200, 202, or 503 where it could not even begin."""
    now = services.clock.now()
    found = record if record.is_closed else find_run(services.state, record.id)
    address = location(req, record.id)
    wait = found.wait_at(now) if isinstance(found, OpenRun) and found.plan is None else None
    if isinstance(found, OpenRun) and wait is not None and wait.reason in AWAY:
        detail = f"{AWAY[wait.reason]} can't be reached. The run stays open, and the timer continues with it."
        return problem_reply(503, wait.reason, detail, come_back(found, address, now))
    return reply_of_run(found, address, now, preferences)


def start_all(req: func.HttpRequest) -> Reply:
    """Opens a run of every export with an active schedule, while there is time, for the timer."""
    services = process_services()
    deadline = Deadline(services.clock, services.settings.http_time_budget)
    body = read_body(StartAllBody, req.get_body())
    request = Request("on_demand", _name(req, body))
    runs, problems = [], []
    for listed in services.catalog.exports():
        try:
            if not isinstance(listed.document, Export):
                raise listed.document
            if listed.document.schedule.active:
                run_id = _start(services, listed.document, request, deadline)
                runs.append({"id": run_id, "location": location(req, run_id)})
        except ExportError as error:
            problems.append({"export": listed.id, "code": error.code, "detail": error.message})
    return reply(202, {"runs": runs, "problems": problems})


def _start(services: Services, export: Export, request: Request, deadline: Deadline) -> str:
    """The id of the run that was opened, or was open already."""
    if not deadline.left():
        message = "The time was over before this export's turn: send the same request again."
        raise TryLater(message, code="out_of_time")
    services.catalog.connection(export.connection)
    try:
        return start(services, export.id, request).id
    except AlreadyRunning:
        running = read_open_run(services.state, export.id)
        if running is None:
            raise
        return running.record.id


def cancel_run(req: func.HttpRequest) -> Reply:
    """Asks for the end of a run, and brings it about where nobody else holds it."""
    services = process_services()
    read_body(EmptyBody, req.get_body())
    record = read_run(services.state, req.route_params["run"])
    if record.is_closed:
        return problem_reply(
            409, "already_closed", f"The run has ended ({record.status}): nothing is left to cancel."
        )
    record = cancel(services, record, Deadline(services.clock, services.settings.http_time_budget))
    found = record if record.is_closed else find_run(services.state, record.id)
    return reply_of_run(found, location(req, record.id), services.clock.now(), Preferences())


def _request(req: func.HttpRequest) -> Request:
    """Who asks, and for what."""
    body = read_body(StartBody, req.get_body())
    return Request(
        "on_demand",
        _name(req, body),
        full=body.full,
        confirmed=body.confirm_removals,
        reconcile=body.reconcile,
        readd=body.readd,
    )


def _name(req: func.HttpRequest, body: StartAllBody) -> str:
    """As the body says, else whom Azure's own sign-in has seen."""
    signed_in = req.headers.get("x-ms-client-principal-name", "")
    return body.requested_by or (signed_in if is_name(signed_in) else "http")
