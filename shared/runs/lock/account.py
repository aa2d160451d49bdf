"""The lock of a Klaviyo account: one run at a time sends to it, since its rate limit is one."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from shared import state
from shared.adapters.storage.store import Store
from shared.errors import AlreadyExists, AlreadyRunning, NotFound, TryLater
from shared.klaviyo.pauses import StoredPauses
from shared.runs.lock.lease import RenewedLease
from shared.services import Services

# Seconds until a busy account is tried again.
BUSY_AGAIN = 5.0


@contextmanager
def lock_account(services: Services, account_id: str) -> Iterator[RenewedLease]:
    """Holds the account for the length of the block.

    Raises TryLater where another run holds it, or where Klaviyo asked for a pause that isn't over.
    """
    name = state.account_lock(account_id)
    _create(services.state, name)
    with ExitStack() as stack:
        try:
            lease = stack.enter_context(RenewedLease.acquire(services.state, name, services.clock))
        except AlreadyRunning:
            message = f"Another run is sending to the Klaviyo account {account_id}."
            raise TryLater(message, code="account_busy", retry_after=BUSY_AGAIN) from None
        # Another process may have been told while this one waited for its turn.
        pause = StoredPauses(services.state, services.clock).left(account_id)
        if pause > 0:
            message = f"Klaviyo throttles the account {account_id}."
            raise TryLater(message, code="throttled", retry_after=pause)
        yield lease


def _create(store: Store, name: str) -> None:
    try:
        store.stat(name)
    except NotFound:
        with suppress(AlreadyExists):
            store.write(name, b"", create_only=True)
