"""The first step: find the newest snapshots, and check everything possible before anything is sent."""

from itertools import islice

from shared import state
from shared.errors import InvalidSegment, NotFound
from shared.ledger import MAKE_KEY, ensure_key, read_erased, read_key
from shared.profiles import Selection
from shared.runs.holder import Holder
from shared.runs.plan import PinnedErased, PinnedSegment, Plan
from shared.runs.steps.compare import choose_ledger
from shared.runs.steps.rows import profiles_of, survey
from shared.services import Services

NO_KEY = f"The vault has no digest-key secret, which is needed to know who has left. {MAKE_KEY}"


def pin(holder: Holder) -> None:
    """Writes the plan into the head.

    Raises PermanentError if something is missing or wrong, TryLater if something is unavailable.
    """
    services, run = holder.services, holder.run
    export = services.catalog.export(holder.lock.head.export)
    klaviyo = holder.sign_in(services.catalog.connection(export.connection))
    klaviyo.read_list(export.list_id, holder.deadline)
    next(
        klaviyo.jobs(holder.deadline), None
    )  # otherwise a key that may not read jobs would only fail after the last post
    segments = [PinnedSegment.of(name, services.segments.newest(name)) for name in export.segments]
    plan = Plan(export=export, account_id=klaviyo.account.id, segments=segments)
    erased = read_erased(services.state)
    if erased is not None:
        erased.check(read_key(services.vault))
        plan.erased = PinnedErased(key=erased.key, count=len(erased.people))
    if not state.is_of_one_file(export.id):  # no ledger is kept for a file that the command sends
        key, warn = ensure_key(services.vault, services.state), run.record.warn
        if key is None and (export.sync.mode == "mirror" or export.consent is not None or run.reconcile):
            raise NotFound(NO_KEY, code="no_digest_key")
        if holder.lock.head.is_full_due(export, holder.now()) and run.limit is None:
            run.send_all()
        plan.ledger = choose_ledger(plan, holder.lock.head, key, holder.read_ledger, warn, full=run.full)
        _look_for_a_lost_ledger(holder, plan)
    _check_rows(services, plan, run.limit)
    run.pin(plan, holder.now())
    holder.lock.checkpoint()


def _look_for_a_lost_ledger(holder: Holder, plan: Plan) -> None:
    """Warns if ledgers of a removed head exist: people who are new to this one may be on them."""
    pinned = plan.ledger
    if pinned is None or pinned.name is not None or not pinned.is_whole:
        return
    if next(iter(holder.services.state.list(state.ledgers(plan.export.id))), None) is not None:
        pinned.is_whole = False
        holder.run.record.warn("ledger_lost")


def _check_rows(services: Services, plan: Plan, limit: int | None) -> None:
    """Raises InvalidSegment if files do not fit the segment, or if more profiles would be sent than the
    export allows: Klaviyo bills by profiles.

    A trial sends at most `limit` profiles. Rows are counted only if neither that nor the files' sizes are
    small enough, and profiles only if there are too many rows.
    """
    most = plan.export.limits.max_profiles
    is_allowed = limit is not None and limit <= most
    rows = survey(services, plan, None if is_allowed else most)
    plan.lines = rows.about if limit is None else min(rows.about, limit)
    if is_allowed or (rows.most is not None and rows.most <= most):
        return
    count = sum(1 for _ in islice(profiles_of(services, plan, Selection(lambda _: None)), limit))
    if count > most:
        raise InvalidSegment(
            f"The export would send {count:,} profiles, but its limits.max_profiles is {most:,}.",
            code="too_many_profiles",
        )
