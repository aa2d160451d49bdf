"""May this post go out? Asked right before each one."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from shared.adapters.storage.store import Store
from shared.errors import AlreadyExists, AlreadyRunning, ExportError, NotFound, TryLater
from shared.runs.hold import Hold
from shared.runs.parts import cancel_name
from shared.runs.services import Services

# Seconds until a busy account, or a paused connection, is looked at again.
BUSY_AGAIN = 5.0
PAUSED_AGAIN = 60.0


class Cancelled(ExportError):
    """Somebody asked for the run to end."""

    code = "canceled"


class Permit:
    """Everything that can forbid a post of a run while it sends."""

    def __init__(self, hold: Hold, services: Services, connection_id: str, account: Keeper) -> None:
        self._hold = hold
        self._services = services
        self._connection_id = connection_id
        self._account = account

    def check(self) -> None:
        """Raises LeaseLost, Cancelled, or TryLater where exports are paused."""
        if is_cancel_requested(self._hold.store, self._hold.run.record.id):
            raise Cancelled("Somebody cancelled the run.")
        if self._services.settings.exports_paused:
            raise TryLater("Exports are paused by EXPORTS_PAUSED.", code="paused", retry_after=PAUSED_AGAIN)
        if self._services.catalog.connection(self._connection_id).paused:
            raise TryLater(
                f"The connection {self._connection_id!r} is paused.", code="paused", retry_after=PAUSED_AGAIN
            )
        # Last, since what stands before it takes time.
        self._account.check()
        self._hold.check()


@contextmanager
def account_of(services: Services, account_id: str) -> Iterator[Keeper]:
    """Holds a Klaviyo account for sending: its rate limit is one, so it sends from one place at a time.

    Raises TryLater where another run has it.
    """
    name = f"locks/account-{account_id}"
    try:
        services.state.stat(name)
    except NotFound:
        with suppress(AlreadyExists):
            services.state.write(name, b"", create_only=True)
    try:
        with Keeper.hold(services.state, name, services.clock) as keeper:
            yield keeper
    except AlreadyRunning:
        raise TryLater(
            f"Another run is sending to the Klaviyo account {account_id}.",
            code="account_busy",
            retry_after=BUSY_AGAIN,
        ) from None


def request_cancel(store: Store, run_id: str) -> None:
    """Asks whoever goes on with the run to end it."""
    try:
        store.write(cancel_name(run_id), b"", create_only=True)
    except AlreadyExists:
        return


def is_cancel_requested(store: Store, run_id: str) -> bool:
    try:
        store.stat(cancel_name(run_id))
    except NotFound:
        return False
    return True
