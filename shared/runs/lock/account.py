"""The lock of a Klaviyo account: one run at a time sends to it, since its rate limit is shared."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta

from pydantic import ValidationError

from shared import state
from shared.catalog import Export
from shared.errors import AlreadyExists, AlreadyRunning, Changed, NotFound, TryLater
from shared.klaviyo.pauses import StoredPauses
from shared.runs.lock.lease import RenewedLease
from shared.runs.record import RunId, StateModel, Time
from shared.services import Services

# Seconds until a busy account is retried.
BUSY_AGAIN = 5.0
# A run that waits comes back every BUSY_AGAIN seconds, at most this much later.
RESERVED_FOR = timedelta(seconds=BUSY_AGAIN + 3)
LONGEST_RESERVATION = 64 * 1024
PLAIN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


def account_of(services: Services, export: Export) -> str:
    """The account that a run of the export would send to; while unknown, its connection.

    Raises NotFound, InvalidDocument.
    """
    connection = services.catalog.connection(export.connection)
    account = connection.account
    # The document may contain anything; the run will report that it is not an account.
    return account.id if account and PLAIN_ID.fullmatch(account.id) else connection.id


class _Reservation(StateModel):
    """The run that has the account next; it comes back within seconds, or never."""

    run: RunId
    until: Time


@contextmanager
def lock_account(services: Services, account_id: str, run_id: str) -> Iterator[RenewedLease]:
    """Holds the account for the length of the block.

    Raises TryLater if another run holds the account or is next, or if Klaviyo asked for a pause that isn't
    over. The first run that finds it held is next, as long as it comes back in time: the holder then releases
    the account after a minute, and can't acquire it before that run.
    """
    busy = TryLater(
        f"Another run is sending to the Klaviyo account {account_id}.",
        code="account_busy",
        retry_after=BUSY_AGAIN,
    )
    store = services.state
    name = state.account_wanted(account_id)
    reservation, etag = _read_reservation(services, account_id)
    if reservation is not None and reservation.run != run_id:
        raise busy
    with ExitStack() as stack:
        held = RenewedLease.hold(store, state.account_lock(account_id), services.clock)
        try:
            lease = stack.enter_context(held)
        except AlreadyRunning:
            next_one = _Reservation(run=run_id, until=services.clock.now() + RESERVED_FOR)
            with suppress(AlreadyExists, Changed):
                content = next_one.model_dump_json().encode()
                store.write(name, content, create_only=etag is None, if_match=etag)
            raise busy from None
        if etag is not None:
            store.delete(name)
        # Klaviyo may have asked another process to pause while this one waited for its turn.
        pause = StoredPauses(store, services.clock).left(account_id)
        if pause > 0:
            message = f"Klaviyo throttles the account {account_id}."
            raise TryLater(message, code="throttled", retry_after=pause)
        yield lease


def is_account_wanted(services: Services, account_id: str) -> bool:
    """Whether a run waits for the account while it is held."""
    return _read_reservation(services, account_id)[0] is not None


def _read_reservation(services: Services, account_id: str) -> tuple[_Reservation | None, str | None]:
    """The reservation, if still valid, and its ETag."""
    try:
        blob = services.state.read(state.account_wanted(account_id), most=LONGEST_RESERVATION)
    except NotFound:
        return None, None
    with suppress(ValidationError):
        reservation = _Reservation.model_validate_json(blob.content)
        # A time that is further ahead is from a wrong clock.
        if timedelta() < reservation.until - services.clock.now() <= 2 * RESERVED_FOR:
            return reservation, blob.etag
    return None, blob.etag
