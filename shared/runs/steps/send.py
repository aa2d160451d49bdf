"""The second step: rows become profiles, profiles batches, and batches import jobs, all of it lazily."""

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from itertools import islice

from shared.adapters.clock import Branch, Deadline
from shared.errors import ExportError, PermanentError, TakenElsewhere, TryLater
from shared.klaviyo import MOST_PROFILES, Klaviyo, Permit, room_for_profiles
from shared.profiles import Selection, pack
from shared.runs.head import OpenRun
from shared.runs.lock.export import ExportLock
from shared.runs.plan import Plan
from shared.runs.steps.deliver import Delivery
from shared.runs.steps.parts import CheckedRows, Parts
from shared.runs.steps.permit import Canceled
from shared.runs.steps.rows import profiles_of
from shared.services import Services

IN_FLIGHT = 8


def send(
    hold: ExportLock, services: Services, klaviyo: Klaviyo, plan: Plan, deadline: Deadline, permit: Permit
) -> bool:
    """Posts what isn't accepted yet; True when everything is, False where the time is over.

    `permit` is asked before each post; what it raises ends the sending. At least one job is accepted
    before the time counts, so that reading again what was sent before can't eat all of it. Counts are
    those of this pass over the rows, never added to earlier ones, however far it comes.
    """
    run = hold.run
    parts = Parts(hold)
    rejected = CheckedRows(parts)
    selection = Selection(rejected.add)
    branch = Branch(deadline)
    delivery = Delivery(hold, parts, plan, klaviyo, branch, permit)
    profiles = islice(profiles_of(services, plan, selection), run.limit)
    room = room_for_profiles(plan.export.list_id)
    batches = pack(profiles, most_profiles=MOST_PROFILES, most_bytes=room)
    planned = set()
    complete = True
    with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="post") as pool:
        flying: set[Future[None]] = set()
        try:
            for batch in batches:
                digest = batch.digest
                planned.add(digest)
                if delivery.is_finished(digest):
                    continue
                if len(flying) == IN_FLIGHT:  # only now, so that a batch is at hand when a place is free
                    flying = _collect(flying)
                if delivery.accepted_now and deadline.left() <= 0:
                    complete = False
                    break
                flying.add(pool.submit(copy_context().run, delivery.deliver, batch, digest))
                with hold.lock:
                    _count(run, selection)
            while flying:
                flying = _collect(flying)
        except BaseException as error:
            branch.cut()
            wait(flying)
            gravest = _gravest(error, flying)
            if isinstance(gravest, ExportError) and not isinstance(gravest, TakenElsewhere):
                rejected.flush()
                _count(run, selection)
            raise gravest from None
    rejected.flush()
    if complete:
        _forget_others(run, planned)
    with hold.lock:
        _count(run, selection)
        hold.checkpoint()
    return complete


def _count(run: OpenRun, selection: Selection) -> None:
    record = run.record
    run.checked = dict(selection.rejected_by_reason)
    run.count_rejected()
    record.counts.rows = selection.rows
    record.counts.filtered = selection.filtered
    record.counts.duplicates = selection.duplicates
    record.counts.sent = sum(job.profiles for job in run.jobs)
    record.warn("sent_twice", run.sent_twice)
    for code, count in selection.warnings.items():
        record.warn(code, count)


def _forget_others(run: OpenRun, planned: set[str]) -> None:
    """Drops what an earlier life of the run sent in other batches: its people went again in these."""
    run.forget_jobs(lambda job: job.batch not in planned)
    run.finished = [batch for batch in run.finished if batch.digest in planned]
    run.unfinished.clear()


def _collect(flying: set[Future[None]]) -> set[Future[None]]:
    """Waits for one; returns those still flying. Raises what went wrong with it."""
    done, rest = wait(flying, return_when=FIRST_COMPLETED)
    for future in done:
        future.result()
    return rest


def _gravest(error: BaseException, flying: set[Future[None]]) -> BaseException:
    """Of all that went wrong side by side, what decides how the run goes on."""
    errors = [error, *(e for future in flying if future.done() and (e := future.exception()) is not None)]
    for kind in (TakenElsewhere, Canceled, PermanentError):
        for candidate in errors:
            if isinstance(candidate, kind):
                return candidate
    waits = [e for e in errors if isinstance(e, TryLater)]
    return max(waits, key=lambda e: e.retry_after or 0) if waits and isinstance(error, TryLater) else error
