"""The first step: find the newest snapshots and check all that can be checked before anything is sent."""

from shared.adapters.clock import Deadline
from shared.catalog import Account, Connection
from shared.errors import Denied
from shared.klaviyo import Klaviyo
from shared.runs.hold import Hold
from shared.runs.plan import PinnedSegment, Plan
from shared.runs.services import Services


def pin(hold: Hold, services: Services, deadline: Deadline) -> None:
    """Writes the plan into the head.

    Raises NeedsPeople where something is missing or wrong, TryLater where something is away.
    """
    run = hold.run
    export = services.catalog.export(hold.head.export)
    connection = services.catalog.connection(export.connection)
    klaviyo = sign_in(services, connection, deadline)
    klaviyo.read_list(export.list_id, deadline)
    segments = [PinnedSegment.of(name, services.segments.newest(name)) for name in export.segments]
    plan = Plan(export=export, account_id=klaviyo.account.id, segments=segments)
    plan.mappers()  # every column that the mapping names is there
    run.plan = plan
    run.record.segments = [segment.record() for segment in segments]
    run.record.status = "running"
    run.record.started_at = services.clock.now()
    hold.checkpoint()


def sign_in(services: Services, connection: Connection, deadline: Deadline) -> Klaviyo:
    """A client for the connection's account, with the key from the vault.

    Raises Denied where the key opens another account than the connection's: data for one company must
    not go to another. A connection without an account is pinned to the key's.
    """
    klaviyo = services.klaviyo.sign_in(services.vault.secret(connection.secret_name), deadline)
    account = klaviyo.account
    if connection.account is None:
        services.catalog.pin_account(connection, Account(id=account.id, name=account.name))
    elif connection.account.id != account.id:
        raise Denied(
            f"The API key of the connection {connection.id!r} opens the Klaviyo account {account.id}, not "
            f"the connection's {connection.account.id}. Put the right key into the vault, or make a "
            "connection for the other account.",
            code="wrong_account",
        )
    return klaviyo
