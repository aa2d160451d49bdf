"""What each route does, from plain values to a reply."""

from collections.abc import Mapping

import orjson

from shared.adapters.clock import Deadline
from shared.api import Preferences, Reply, csv_reply, problem_reply, reply, reply_of_run
from shared.catalog import Export
from shared.errors import AlreadyRunning, ExportError, InvalidRequest
from shared.runs.advance import run, start
from shared.runs.cancelling import cancel
from shared.runs.history import list_runs, open_run, read_rejected, read_run
from shared.runs.record import RunRecord
from shared.runs.services import Services, process_services
from shared.runs.starting import Request

LONGEST_BODY = 65_536
MOST_A_PAGE = 100


def start_run(export_id: str, url: str, prefer: str, body: bytes) -> Reply:
    """Starts a run, or goes on with the open one, as long as the caller waits."""
    services = process_services()
    preferences = Preferences.of(prefer)
    request = Request("on_demand", _requested_by(body))
    seconds = services.settings.http_time_budget if preferences.wait is None else preferences.wait
    try:
        if seconds > 0:
            record = run(services, export_id, request, Deadline(services.clock, seconds))
        else:
            record = start(services, export_id, request)
    except AlreadyRunning as error:
        running = open_run(services.state, export_id)
        headers = {"location": _location(url, running.id)} if running else {}
        return problem_reply(409, error.code, "Somebody else is running this export right now.", headers)
    return _reply_of(record, url, preferences)


def start_all(url: str, body: bytes) -> Reply:
    """Opens a run of every export with an active schedule, and leaves them to the timer."""
    services = process_services()
    request = Request("on_demand", _requested_by(body))
    started, problems = [], []
    for listed in services.catalog.exports():
        if isinstance(listed.document, Export) and not listed.document.schedule.active:
            continue
        try:
            if not isinstance(listed.document, Export):
                raise listed.document
            started.append(_started(services, listed.id, request))
        except ExportError as error:
            problems.append({"export": listed.id, "code": error.code, "detail": error.message})
    runs = [{"id": run_id, "location": _location(url, run_id)} for run_id in started]
    return reply(202, {"runs": runs, "problems": problems})


def _started(services: Services, export_id: str, request: Request) -> str:
    try:
        return start(services, export_id, request).id
    except AlreadyRunning:
        running = open_run(services.state, export_id)
        if running is None:
            raise
        return running.id


def show_run(run_id: str, url: str, prefer: str) -> Reply:
    """A GET looks, and never moves a run on."""
    return _reply_of(read_run(process_services().state, run_id), url, Preferences.of(prefer))


def show_runs(export_id: str, url: str, parameters: Mapping[str, str]) -> Reply:
    """The runs of an export, newest first, the open one included."""
    services = process_services()
    services.catalog.export(export_id)
    limit = _number(parameters.get("limit", "20"))
    before = parameters.get("before", "")
    records, following = list_runs(services.state, export_id, before, limit)
    address = f"{url.partition('?')[0]}?limit={limit}&before={following}" if following else None
    return reply(200, {"runs": [record.model_dump(mode="json") for record in records], "next": address})


def cancel_run(run_id: str, url: str) -> Reply:
    """Asks for the end of a run, and brings it about where nobody else holds it."""
    services = process_services()
    record = read_run(services.state, run_id)
    if record.is_closed:
        return problem_reply(409, "already_closed", f"The run has ended: {record.status}.")
    record = cancel(services, record, Deadline(services.clock, services.settings.http_time_budget))
    return _reply_of(record, url, Preferences())


def show_rejected(run_id: str) -> Reply:
    """The refused rows of a closed run: places and reasons, nobody's data."""
    return csv_reply(read_rejected(process_services().state, run_id))


def health() -> Reply:
    process_services()
    return reply(200, {"status": "ok"})


def _reply_of(record: RunRecord, url: str, preferences: Preferences) -> Reply:
    applied = {"preference-applied": ", ".join(preferences.applied)} if preferences.applied else {}
    status = 500 if preferences.strict and record.status == "failed" else None
    return reply_of_run(record, _location(url, record.id), applied, status)


def _location(url: str, run_id: str) -> str:
    base = url.partition("?")[0]
    for route in ("/exports/", "/runs"):
        base = base.partition(route)[0]
    return f"{base}/runs/{run_id}"


def _requested_by(body: bytes) -> str:
    """Who asks, as the caller says: `{"requested_by": "…"}`, which may be left out."""
    if len(body) > LONGEST_BODY:
        raise InvalidRequest(f"The body is longer than {LONGEST_BODY:,} bytes.", code="too_large")
    if not body.strip():
        return "http"
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise InvalidRequest("The body is not JSON.") from None
    if not isinstance(document, dict):
        raise InvalidRequest("The body must be a JSON object.")
    unknown = len(document.keys() - {"requested_by"})
    if unknown:
        raise InvalidRequest(f"The body has {unknown} unknown members: it may hold requested_by only.")
    requested_by = document.get("requested_by", "http")
    if (
        not isinstance(requested_by, str)
        or not 1 <= len(requested_by) <= 200
        or not requested_by.isprintable()
    ):
        raise InvalidRequest("requested_by must be a text of 1 to 200 printable characters.")
    return requested_by


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= len(text) <= 3 and 1 <= int(text) <= MOST_A_PAGE):
        raise InvalidRequest(f"limit must be a number from 1 to {MOST_A_PAGE}.")
    return int(text)
