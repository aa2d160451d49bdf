"""The first step: find the newest snapshots and check all that can be checked before anything is sent."""

from itertools import islice

from shared.adapters.clock import Deadline
from shared.catalog import Connection, PinnedAccount
from shared.errors import InvalidSegment
from shared.klaviyo import Klaviyo
from shared.profiles import Selection
from shared.runs.lock.export import ExportLock
from shared.runs.plan import PinnedSegment, Plan
from shared.runs.steps.rows import check, most_rows_of, profiles_of
from shared.services import Services, open_account


def pin(hold: ExportLock, services: Services, deadline: Deadline) -> None:
    """Writes the plan into the head.

    Raises PermanentError where something is missing or wrong, TryLater where something is away.
    """
    run = hold.run
    export = services.catalog.export(hold.head.export)
    connection = services.catalog.connection(export.connection)
    klaviyo = sign_in(services, connection, deadline)
    klaviyo.read_list(export.list_id, deadline)
    next(klaviyo.jobs(deadline), None)  # a key that may not read them would be noticed after the last post
    segments = [PinnedSegment.of(name, services.segments.newest(name)) for name in export.segments]
    plan = Plan(export=export, account_id=klaviyo.account.id, segments=segments)
    check(services, plan)
    plan.lines = most_rows_of(services, plan)
    _check_limit(services, plan, run.limit)
    run.plan = plan
    if run.limit is not None:
        run.record.warn("limited", run.limit)
    run.record.segments = [segment.record() for segment in segments]
    run.record.status = "running"
    run.record.started_at = services.clock.now()
    hold.checkpoint()


def _check_limit(services: Services, plan: Plan, limit: int | None) -> None:
    """Raises InvalidSegment where more would leave than the export allows: Klaviyo bills by profiles.

    A trial sends `limit` profiles at most. Only where neither that nor the segments' lines are few enough
    are the profiles counted one by one.
    """
    most = plan.export.limits.max_profiles
    if plan.lines <= most or (limit is not None and limit <= most):
        return
    count = sum(1 for _ in islice(profiles_of(services, plan, Selection(lambda _: None)), limit))
    if count > most:
        raise InvalidSegment(
            f"The export would send {count:,} profiles, and its limits.max_profiles is {most:,}.",
            code="too_many_profiles",
        )


def sign_in(services: Services, connection: Connection, deadline: Deadline) -> Klaviyo:
    """As `open_account`; a connection without an account is pinned to the key's."""
    klaviyo = open_account(services, connection, deadline)
    if connection.account is None:
        account = PinnedAccount(id=klaviyo.account.id, name=klaviyo.account.name)
        services.catalog.pin_account(connection, account)
    return klaviyo
