"""The pages of runs: all of them, and one with its state and its actions."""

import csv
import io
import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from page_trigger.charts import Step, waterfall
from page_trigger.codes import meaning_of, remedy_of
from page_trigger.rendering import render, see
from page_trigger.visits import Visit
from page_trigger.words import duration_of
from shared import state
from shared.adapters.clock import Deadline
from shared.administration import exports, running
from shared.administration.exports import sharing_of
from shared.administration.rights import Action, may
from shared.api import BadRequest, Reply, deadline_of
from shared.api.preferences import LONGEST_WAIT
from shared.catalog import Export
from shared.errors import ExportError, NotFound, PermanentError, TakenElsewhere
from shared.runs.advance import advance
from shared.runs.record import Counts, RunRecord
from shared.runs.run import OpenRun
from shared.runs.starting import Request
from shared.runs.views.estimate import estimate_of
from shared.runs.views.history import find_run, list_run_ids, list_runs, read_run
from shared.runs.views.recent import recent_runs
from shared.services import Services, process_services

A_PAGE = 25
PLACES_SHOWN = 20
# Bytes at the beginning of a refused rows' file that contain the first places.
_BEGINNING = 65_536
# The number of removals to confirm, in the safeguard's message.
_CONFIRM = re.compile(r"run \S+ (--reconcile )?--confirm-removals (\d+)")


@dataclass(frozen=True, slots=True)
class Confirmable:
    """The number of removals to confirm, and whether confirming needs the list's members."""

    removals: int
    reconcile: bool


def show_all(visit: Visit) -> Reply:
    """The runs of all exports, newest first."""
    before = visit.query("before")
    if before and state.export_of(before) is None:
        raise BadRequest("before must be the id of a run.")
    found, following = recent_runs(process_services().state, before, A_PAGE)
    return render(visit, "runs.html", runs=found, following=following, before=before)


def show(visit: Visit) -> Reply:
    """A run; the script refreshes it while it is open."""
    services = process_services()
    found = find_run(services.state, visit.route("run"))
    record = found.summary() if isinstance(found, OpenRun) else found
    now = services.clock.now()
    export = _export(services, record.export)
    before, wish = _run_before(services, record), confirmable(record)
    return render(
        visit,
        "run.html",
        run=record,
        export=export,
        progress=estimate_of(found, now) if isinstance(found, OpenRun) else None,
        lasted=duration_of(record.started_at, record.finished_at or (None if record.is_closed else now)),
        chart=waterfall("What happened to the rows", steps_of(record.counts)) if record.is_closed else None,
        counts=_compared(record, before),
        before=before,
        reasons=[
            (reason, count, meaning_of(reason), remedy_of(reason))
            for reason, count in sorted(record.rejected_by_reason.items(), key=lambda item: -item[1])
        ],
        places=_first_places(services, record),
        confirmable=wish,
        is_newest=wish is not None and _is_newest(services, record),
        canceling=not record.is_closed and _is_canceling(services, record),
        may_run=_may(services, visit, export, Action.START_RUN),
        may_cancel=_may_cancel(services, visit, record),
        advances=bool(visit.query("started")) and not record.is_closed and services.queue is None,
    )


def act(visit: Visit) -> Reply:
    """Cancels the run, or starts another run of its export."""
    services = process_services()
    record = read_run(services.state, visit.route("run"))
    match visit.form.text("action"):
        case "cancel":
            running.check_run(services, visit.by, record)
            if not record.is_closed:
                running.cancel_run(services, visit.by, record, deadline_of(services))
            return see(f"/runs/{record.id}")
        case "advance":
            _advance(services, visit, record)
            return see(f"/runs/{record.id}")
        case "again":
            return _start(services, visit, record, Request("on_demand", visit.by.name))
        case "confirm":
            wish = confirmable(record) if _is_newest(services, record) else None
            if wish is None or visit.form.text("removals") != str(wish.removals):
                raise BadRequest(
                    "The run has nothing to confirm, or its number differs from the form's. Reload the page."
                )
            request = Request("on_demand", visit.by.name, confirmed=wish.removals, reconcile=wish.reconcile)
            return _start(services, visit, record, request)
    raise BadRequest("This page does not have that button.")


def _advance(services: Services, visit: Visit, record: RunRecord) -> None:
    """Advances an open run while a browser waits for it. Without a queue, the timer would only begin within a
    minute."""
    exports.mine(services, visit.by, Action.START_RUN, record.export)
    with suppress(TakenElsewhere):
        if not record.is_closed:
            advance(services, record, Deadline(services.clock, LONGEST_WAIT))


def _start(services: Services, visit: Visit, record: RunRecord, request: Request) -> Reply:
    export = exports.mine(services, visit.by, Action.START_RUN, record.export).document
    started = running.start_run(services, visit.by, export, request)
    return see(f"/runs/{started.id}", started="1")


def confirmable(record: RunRecord) -> Confirmable | None:
    """What the safeguard of a closed run asks to confirm; None if confirming does not help."""
    for warning in record.warnings:
        if warning.code == "removals_held" and (found := _CONFIRM.search(warning.message)):
            return Confirmable(int(found[2]), bool(found[1]))
    return None


def not_sent(counts: Counts) -> int:
    """Rows that could have been sent, but were not: the run ended early, or has not reached them yet."""
    left_out = counts.rejected + counts.filtered + counts.duplicates + counts.unchanged
    return max(0, counts.rows - left_out - counts.sent)


def steps_of(counts: Counts) -> list[Step]:
    """The rows that were read, left out and sent, and the results at Klaviyo."""
    left = counts.rows
    steps = [Step("Rows read", counts.rows, 0, "plain")]
    for label, count, kind in (
        ("Refused", counts.rejected, "bad"),
        ("Filtered out by the condition", counts.filtered, "off"),
        ("Duplicates", counts.duplicates, "off"),
        ("Unchanged", counts.unchanged, "off"),
        ("Not sent", not_sent(counts), "warning"),
    ):
        left -= count
        if count:
            steps.append(Step(label, count, max(0, left), kind))
    steps.append(Step("Sent", counts.sent, 0, "plain"))
    for label, count, kind in (
        ("Refused by Klaviyo", counts.failed, "bad"),
        ("Unconfirmed", counts.unconfirmed, "warning"),
    ):
        left -= count
        if count:
            steps.append(Step(label, count, max(0, left), kind))
    steps.append(Step("Confirmed by Klaviyo", counts.imported, 0, "good"))
    if counts.removed:
        steps.append(Step("Removed from the list", counts.removed, 0, "warning"))
    return steps


def _compared(record: RunRecord, before: RunRecord | None) -> list[tuple[str, int, int | None]]:
    """The counts with those of the run before; omits counts that are 0 in both and can't grow."""
    counts, earlier = _counts(record), _counts(before) if before is not None else {}
    return [
        (name, count, earlier.get(name))
        for name, count in counts.items()
        if count or earlier.get(name) or name in ("rows", "sent", "imported") or not record.is_closed
    ]


def _counts(record: RunRecord) -> dict[str, int]:
    return record.counts.model_dump() | ({"not_sent": not_sent(record.counts)} if record.is_closed else {})


def _export(services: Services, export_id: str) -> Export | None:
    with suppress(PermanentError):
        return services.catalog.export(export_id)
    return None


def _may(services: Services, visit: Visit, export: Export | None, action: Action) -> bool:
    return export is not None and may(visit.by, action, sharing_of(services, export))


def _may_cancel(services: Services, visit: Visit, record: RunRecord) -> bool:
    try:
        running.check_run(services, visit.by, record)
    except PermanentError:
        return False
    return True


def _is_canceling(services: Services, record: RunRecord) -> bool:
    with suppress(NotFound):
        services.state.stat(state.cancel(record.id))
        return True
    return False


def _is_newest(services: Services, record: RunRecord) -> bool:
    """Whether it is the export's newest run: only its safeguard describes the current list."""
    with suppress(ExportError):
        ids, _ = list_run_ids(services.state, record.export, "", 1, services.clock.now())
        return ids == [record.id]
    return False


def _run_before(services: Services, record: RunRecord) -> RunRecord | None:
    with suppress(ExportError):
        found, _ = list_runs(services.state, record.export, record.id, 1, services.clock.now())
        return next(iter(found), None)
    return None


def _first_places(services: Services, record: RunRecord) -> list[dict[str, str]]:
    """The places and reasons of the first refused rows. Reads only the beginning of the file."""
    if not record.is_closed:
        return []
    name = state.rejected(record.id)
    try:
        etag = services.state.stat(name).etag
        beginning = b""
        for chunk in services.state.stream(name, etag=etag, start_small=True):
            beginning += chunk
            if len(beginning) >= _BEGINNING:
                break
    except ExportError:
        return []
    lines = beginning.decode(errors="replace").rpartition("\n")[0]
    return list(islice(csv.DictReader(io.StringIO(lines)), PLACES_SHOWN))
