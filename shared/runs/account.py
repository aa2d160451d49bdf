"""A Klaviyo account in the hands of the one run that sends to it, since its rate limit is one."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from shared.adapters.storage.store import Store
from shared.errors import AlreadyExists, AlreadyRunning, NotFound, TryLater
from shared.runs.keeper import Keeper
from shared.runs.pauses import KeptPauses
from shared.runs.services import Services

# Seconds until a busy account is looked at again.
BUSY_AGAIN = 5.0


class Account:
    """The hold on `locks/account-<id>`."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def check(self) -> None:
        """Raises LeaseLost where the account is no longer ours."""
        self._keeper.check()


@contextmanager
def account_of(services: Services, account_id: str) -> Iterator[Account]:
    """Holds the account for the length of the block.

    Raises TryLater where another run has it, or where Klaviyo asked for a pause that isn't over.
    """
    name = f"locks/account-{account_id}"
    _make(services.state, name)
    try:
        with Keeper.hold(services.state, name, services.clock) as keeper:
            # Another process may have met it while this one waited for its turn.
            pause = KeptPauses(services.state, services.clock).left(account_id)
            if pause > 0:
                message = f"Klaviyo throttles the account {account_id}."
                raise TryLater(message, code="throttled", retry_after=pause)
            yield Account(keeper)
    except AlreadyRunning:
        message = f"Another run is sending to the Klaviyo account {account_id}."
        raise TryLater(message, code="account_busy", retry_after=BUSY_AGAIN) from None


def _make(store: Store, name: str) -> None:
    try:
        store.stat(name)
    except NotFound:
        with suppress(AlreadyExists):
            store.write(name, b"", create_only=True)
