"""The pauses that Klaviyo asks for, kept for every process that calls the same account."""

import logging
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import override

from shared.adapters.clock import Clock
from shared.adapters.retry_after import LONGEST
from shared.adapters.storage.store import Store
from shared.errors import AlreadyExists, Changed, ExportError, NotFound
from shared.klaviyo import Pauses

logger = logging.getLogger(__name__)

# An account's id, or the digest of a key whose account nobody knows yet.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Several processes may be told at the same time.
_ATTEMPTS = 3


class KeptPauses(Pauses):
    """In `locks/pause-<account>`: the time before which it may not be called, whatever for.

    Nobody has to hold anything to write it, since a reader is asked to wait as a sender is.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @override
    def left(self, account: str) -> float:
        if not _NAME.fullmatch(account):
            return 0.0
        left = (self._read(account)[0] - self._clock.now()).total_seconds()
        # One that is too far away was written by a clock that was wrong, and would stop the account for ever.
        return min(LONGEST, left) if 0 < left < 2 * LONGEST else 0.0

    @override
    def keep(self, account: str, seconds: float) -> None:
        """A pause that is shorter than the one that is kept changes nothing.

        It is a courtesy: where it can't be written, the next process hears it from Klaviyo.
        """
        if not _NAME.fullmatch(account):
            return
        until = self._clock.now() + timedelta(seconds=seconds)
        try:
            for _ in range(_ATTEMPTS):
                before, etag = self._read(account)
                if until <= before < until + timedelta(seconds=LONGEST):
                    return
                with suppress(AlreadyExists, Changed):
                    content = until.isoformat().encode()
                    self._store.write(_place(account), content, create_only=etag is None, if_match=etag)
                    return
        except ExportError as error:
            logger.warning("pauses: that of %s is not kept: %s", account, error.message)

    def _read(self, account: str) -> tuple[datetime, str | None]:
        """The pause's end, long ago where there is none that can be read, and the blob's ETag."""
        never = datetime.min.replace(tzinfo=UTC)
        try:
            blob = self._store.read(_place(account))
        except NotFound:
            return never, None
        try:
            return datetime.fromisoformat(blob.content.decode("ascii")).astimezone(UTC), blob.etag
        except (ValueError, OverflowError):
            return never, blob.etag


def _place(account: str) -> str:
    return f"locks/pause-{account}"
