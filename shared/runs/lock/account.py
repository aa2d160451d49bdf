"""The lock of a Klaviyo account: one run at a time sends to it, since its rate limit is one."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from shared import state
from shared.adapters.storage.store import Store
from shared.catalog import Export
from shared.errors import AlreadyRunning, NotFound, TryLater
from shared.klaviyo.pauses import StoredPauses
from shared.runs.lock.lease import RenewedLease
from shared.services import Services

# Seconds until a busy account is tried again.
BUSY_AGAIN = 5.0
PLAIN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


def account_of(services: Services, export: Export) -> str:
    """The account that a run of the export would send to; until that is known, its connection.

    Raises NotFound, InvalidDocument.
    """
    connection = services.catalog.connection(export.connection)
    account = connection.account
    # What somebody wrote into the document may be anything: the run will say that it is no account.
    return account.id if account and PLAIN_ID.fullmatch(account.id) else connection.id


@contextmanager
def lock_account(services: Services, account_id: str) -> Iterator[RenewedLease]:
    """Holds the account for the length of the block.

    Raises TryLater where another run holds it, which then knows that somebody waits, or where Klaviyo asked
    for a pause that isn't over.
    """
    with ExitStack() as stack:
        held = RenewedLease.hold(services.state, state.account_lock(account_id), services.clock)
        try:
            lease = stack.enter_context(held)
        except AlreadyRunning:
            want_account(services.state, account_id)
            message = f"Another run is sending to the Klaviyo account {account_id}."
            raise TryLater(message, code="account_busy", retry_after=BUSY_AGAIN) from None
        services.state.delete(state.account_wanted(account_id))
        # Another process may have been told while this one waited for its turn.
        pause = StoredPauses(services.state, services.clock).left(account_id)
        if pause > 0:
            message = f"Klaviyo throttles the account {account_id}."
            raise TryLater(message, code="throttled", retry_after=pause)
        yield lease


def want_account(store: Store, account_id: str) -> None:
    """Lets the run that holds the account know that somebody waits."""
    store.write(state.account_wanted(account_id), b"")


def is_account_wanted(store: Store, account_id: str) -> bool:
    """Whether somebody has been waiting since the account was locked."""
    try:
        store.stat(state.account_wanted(account_id))
    except NotFound:
        return False
    return True
