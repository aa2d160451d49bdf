"""The lock of a Klaviyo account: one run at a time sends to it, since its rate limit is one."""

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

# Seconds until a busy account is tried again.
BUSY_AGAIN = 5.0
# A run that waits comes back every BUSY_AGAIN seconds, and this much later at most.
RESERVED_FOR = timedelta(seconds=BUSY_AGAIN + 3)
LONGEST_RESERVATION = 64 * 1024
PLAIN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


def account_of(services: Services, export: Export) -> str:
    """The account that a run of the export would send to; until that is known, its connection.

    Raises NotFound, InvalidDocument.
    """
    connection = services.catalog.connection(export.connection)
    account = connection.account
    # What somebody wrote into the document may be anything: the run will say that it is no account.
    return account.id if account and PLAIN_ID.fullmatch(account.id) else connection.id


class _Reservation(StateModel):
    """The run that has the account next; it comes back within seconds, or never."""

    run: RunId
    until: Time


@contextmanager
def lock_account(services: Services, account_id: str, run_id: str) -> Iterator[RenewedLease]:
    """Holds the account for the length of the block.

    Raises TryLater where another run holds it or is next, or where Klaviyo asked for a pause that isn't
    over. The first run that finds it held is next, as long as it comes back in time: the holder then lets go
    after a minute, and can't take it again before.
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
        # Another process may have been told while this one waited for its turn.
        pause = StoredPauses(store, services.clock).left(account_id)
        if pause > 0:
            message = f"Klaviyo throttles the account {account_id}."
            raise TryLater(message, code="throttled", retry_after=pause)
        yield lease


def is_account_wanted(services: Services, account_id: str) -> bool:
    """Whether a run waits for the account that somebody holds."""
    return _read_reservation(services, account_id)[0] is not None


def _read_reservation(services: Services, account_id: str) -> tuple[_Reservation | None, str | None]:
    """The reservation, if it is still good, and its ETag."""
    try:
        blob = services.state.read(state.account_wanted(account_id), most=LONGEST_RESERVATION)
    except NotFound:
        return None, None
    with suppress(ValidationError):
        reservation = _Reservation.model_validate_json(blob.content)
        # A time that is further ahead was written by a clock that is wrong.
        if timedelta() < reservation.until - services.clock.now() <= 2 * RESERVED_FOR:
            return reservation, blob.etag
    return None, blob.etag
