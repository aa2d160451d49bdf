"""The pauses that Klaviyo asks for, stored for all processes that call the same account."""

import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import override

from shared import state
from shared.adapters.clock import Clock
from shared.adapters.retry_after import LONGEST
from shared.adapters.storage.store import Store
from shared.errors import AlreadyExists, Changed, ExportError, NotFound

logger = logging.getLogger(__name__)

# An account's id, or the digest of a key whose account is unknown yet.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Several processes may write at the same time.
_ATTEMPTS = 3
# Seconds by which the clocks of two processes may differ.
_SKEW = 300.0
# A time further ahead is from a wrong clock. It could stop the account for good, so it is ignored.
_BELIEVED = timedelta(seconds=LONGEST + _SKEW)


class Pauses:
    """Stores the pauses that Klaviyo asks for, for other processes. This one stores none."""

    def left(self, account: str) -> float:  # noqa: ARG002
        """Seconds until the account may be called again; at most an hour."""
        return 0.0

    def keep(self, account: str, seconds: float) -> None:
        """Stores that Klaviyo wants no call to this account for this many seconds."""


class StoredPauses(Pauses):
    """One blob for each account: the time before which nothing may call it.

    It is written without the account's lock: reads need no lock, and Klaviyo can ask them to pause, too.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @override
    def left(self, account: str) -> float:
        if not _NAME.fullmatch(account):
            return 0.0
        left = self._read(account)[0] - self._clock.now()
        return min(LONGEST, left.total_seconds()) if timedelta() < left <= _BELIEVED else 0.0

    @override
    def keep(self, account: str, seconds: float) -> None:
        """A pause that ends before the stored one changes nothing.

        If the pause can't be stored, Klaviyo itself throttles other processes.
        """
        if not _NAME.fullmatch(account):
            return
        until = self._clock.now() + timedelta(seconds=seconds)
        try:
            for _ in range(_ATTEMPTS):
                before, etag = self._read(account)
                if until <= before <= self._clock.now() + _BELIEVED:
                    return
                with suppress(AlreadyExists, Changed):
                    content = until.isoformat().encode()
                    name = state.account_pause(account)
                    self._store.write(name, content, create_only=etag is None, if_match=etag)
                    return
        except ExportError as error:
            logger.warning("pauses: the pause of %s was not stored: %s", account, error.message)

    def ahead(self) -> Iterator[tuple[str, datetime]]:
        """The accounts whose stored pause is ignored, each with its end."""
        accounts = [
            blob.name.removeprefix(state.ACCOUNT_PAUSES) for blob in self._store.list(state.ACCOUNT_PAUSES)
        ]
        for account in accounts:
            until, _ = self._read(account)
            if until - self._clock.now() > _BELIEVED:
                yield account, until

    def _read(self, account: str) -> tuple[datetime, str | None]:
        """The end of the pause, or the distant past if none can be read, and the blob's ETag."""
        never = datetime.min.replace(tzinfo=UTC)
        try:
            blob = self._store.read(state.account_pause(account))
        except NotFound:
            return never, None
        try:
            return datetime.fromisoformat(blob.content.decode("ascii")).astimezone(UTC), blob.etag
        except (ValueError, OverflowError):
            return never, blob.etag
