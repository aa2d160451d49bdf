"""What each route does, from plain values to a reply."""

import orjson

from shared.adapters.clock import Deadline
from shared.api import Preferences, Reply, reply, reply_of_run
from shared.errors import InvalidRequest
from shared.runs.advance import run, start
from shared.runs.history import read_run
from shared.runs.services import process_services
from shared.runs.starting import Request


def start_run(export_id: str, url: str, prefer: str, body: bytes) -> Reply:
    """Starts a run, or goes on with the open one, as long as the caller waits."""
    services = process_services()
    requested_by = _requested_by(body)
    preferences = Preferences.of(prefer)
    seconds = services.settings.http_time_budget if preferences.wait is None else preferences.wait
    deadline = Deadline(services.clock, seconds)
    request = Request("on_demand", requested_by)
    if seconds > 0:
        record = run(services, export_id, request, deadline)
    else:
        record = start(services, export_id, request)
    applied = {"preference-applied": ", ".join(preferences.applied)} if preferences.applied else {}
    return reply_of_run(record, _location(url, record.id), applied)


def show_run(run_id: str, url: str) -> Reply:
    """A GET looks, and never moves a run on."""
    record = read_run(process_services().state, run_id)
    return reply_of_run(record, _location(url, record.id))


def health() -> Reply:
    process_services()
    return reply(200, {"status": "ok"})


def _location(url: str, run_id: str) -> str:
    base = url.partition("?")[0]
    for route in ("/exports/", "/runs/"):
        base = base.partition(route)[0]
    return f"{base}/runs/{run_id}"


def _requested_by(body: bytes) -> str:
    """Who asks, as the caller says: `{"requested_by": "…"}`, which may be left out."""
    if not body.strip():
        return "http"
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise InvalidRequest("The body is not JSON.") from None
    if not isinstance(document, dict) or set(document) - {"requested_by"}:
        raise InvalidRequest('The body may hold {"requested_by": "…"} and nothing else.')
    requested_by = document.get("requested_by", "http")
    if not isinstance(requested_by, str) or not 1 <= len(requested_by) <= 200:
        raise InvalidRequest("requested_by must be a text of 1 to 200 characters.")
    return requested_by
