"""A Klaviyo account in the hands of the one run that sends to it, since its rate limit is one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

from shared.adapters.storage.store import Store
from shared.errors import AlreadyExists, AlreadyRunning, NotFound, TryLater
from shared.runs.keeper import Keeper
from shared.runs.services import Services

# Seconds until a busy account is looked at again.
BUSY_AGAIN = 5.0


class Account:
    """The hold on `locks/account-<id>`, whose content is the time before which nothing may be posted."""

    def __init__(self, services: Services, name: str, keeper: Keeper) -> None:
        self._services = services
        self._name = name
        self._keeper = keeper
        self._paused_until = services.clock.now()
        self._writing = threading.Lock()

    def check(self) -> None:
        """Raises LeaseLost where the account is no longer ours."""
        self._keeper.check()

    def pause(self, seconds: float) -> None:
        """Keeps what Klaviyo asked for, for whichever run sends to this account next, in any process."""
        until = self._services.clock.now() + timedelta(seconds=seconds)
        with self._writing:
            if until > self._paused_until:
                self._paused_until = until
                content = until.isoformat().encode()
                self._services.state.write(self._name, content, lease=self._keeper.lease)


@contextmanager
def account_of(services: Services, account_id: str) -> Iterator[Account]:
    """Holds the account for the length of the block.

    Raises TryLater where another run has it, or where Klaviyo asked for a pause that isn't over.
    """
    name = f"locks/account-{account_id}"
    _make(services.state, name)
    try:
        with Keeper.hold(services.state, name, services.clock) as keeper:
            pause = _paused_until(services.state.read(name).content) - services.clock.now()
            if pause > timedelta(0):
                message = f"Klaviyo throttles the account {account_id}."
                raise TryLater(message, code="throttled", retry_after=pause.total_seconds())
            yield Account(services, name, keeper)
    except AlreadyRunning:
        message = f"Another run is sending to the Klaviyo account {account_id}."
        raise TryLater(message, code="account_busy", retry_after=BUSY_AGAIN) from None


def _make(store: Store, name: str) -> None:
    try:
        store.stat(name)
    except NotFound:
        with suppress(AlreadyExists):
            store.write(name, b"", create_only=True)


def _paused_until(content: bytes) -> datetime:
    """What an account's blob tells; where it can't be read, Klaviyo asks again."""
    try:
        return datetime.fromisoformat(content.decode("ascii")).astimezone(UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
