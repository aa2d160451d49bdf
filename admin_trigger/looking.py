"""Read-only routes: segments, the audit and the caller; and the timer's work on request."""

from datetime import UTC, datetime

from admin_trigger.replies import page
from admin_trigger.shown import Ticked
from shared.administration.audit import Filter, audited, read_audit
from shared.administration.rights import RIGHTS, Action
from shared.administration.segments import overview, read
from shared.api import BadRequest, Call, EmptyBody, Reply, limit_in, next_page, read_body, reply
from shared.runs.work.tick import tick
from shared.segments import Segments
from shared.services import process_services

# Characters of a filter of the audit.
LONGEST_FILTER = 200


def segments(call: Call) -> Reply:  # noqa: ARG001 - the same for all callers who may
    services = process_services()
    view = Segments(services.segment_store, services.settings.segments_prefix).view()
    return page("segments", overview(view))


def segment(call: Call) -> Reply:
    """A segment with its number of members, which reads every row."""
    services = process_services()
    view = Segments(services.segment_store, services.settings.segments_prefix).view()
    return reply(200, read(services, view, call.route("segment")))


def audit(call: Call) -> Reply:
    query, limit = call.http.query, limit_in(call, 50)
    given = {name: query.get(name, "") for name in ("document", "person", "since", "until", "before")}
    if any(len(text) > LONGEST_FILTER or not text.isprintable() for text in given.values()):
        raise BadRequest("A filter is too long, or not printable.")
    wanted = Filter(
        given["document"], given["person"], _time(given["since"], "since"), _time(given["until"], "until")
    )
    found = read_audit(process_services(), wanted, limit, given.pop("before"))
    entries = [entry.model_dump(mode="json") for entry in found.entries]
    return page("audit", entries, next_page(call, limit, found.following, **given))


def me(call: Call) -> Reply:
    """The caller, and what their role may do."""
    may = [action.value for action, reach in RIGHTS.items() if call.by.role in reach]
    return reply(
        200, {"name": call.by.name, "object_id": call.by.object_id, "role": call.by.role.value, "may": may}
    )


def run_tick(call: Call) -> Reply:
    """Does the timer's work, if the platform's timer does not."""
    read_body(EmptyBody, call.http.body)
    services = process_services()
    with audited(services, call.by, Action.TICK, "runs"):
        done = tick(services, services.settings.http_time_budget)
    had_turns = [(record.id, record.export, record.status) for record in done.records]
    handed_out = [(work.run, work.export, work.status) for work in done.handed_out if work.run]
    ticked: Ticked = {
        "runs": [
            {"id": run, "export": export, "status": status} for run, export, status in had_turns + handed_out
        ],
        "accounts": len({work.account for work in done.handed_out}),
        "left": len(done.left),
        "due_at": done.due_at(services.clock.now()),
    }
    return reply(202, ticked)


def _time(text: str, name: str) -> datetime | None:
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text.replace(" ", "+"))  # a plus in a URL is decoded as a space
        time.astimezone(UTC)  # times near the first and the last year can't be converted
    except (ValueError, OverflowError):
        time = None
    if time is None or time.tzinfo is None:
        raise BadRequest(f"{name} must be a date and time such as 2026-11-23T20:00:00Z.")
    return time
