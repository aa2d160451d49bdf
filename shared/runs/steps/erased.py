"""Erased people are not sent: neither by the pass over the rows, nor by a post that was planned earlier."""

import threading

from shared import state
from shared.adapters.storage.store import Store
from shared.errors import NotFound
from shared.ledger import DigestKey, Erased, ErasedUnreadable, read_erased
from shared.profiles import Batch
from shared.runs.plan import Plan


class DoNotSend:
    """The do-not-send list, for a run of this plan. Thread-safe.

    Raises ErasedUnreadable if a list exists that can't be read with this key, or with the run's.
    """

    def __init__(self, store: Store, plan: Plan, key: DigestKey | None) -> None:
        self._store = store
        self._plan = plan
        self._key = key
        self._reading = threading.Lock()
        self._etag: str | None = None
        self._people: tuple[bytes, ...] = ()
        self._everybody: frozenset[bytes] = frozenset()
        self.refresh()

    def refresh(self) -> None:
        """Reads the list again if it has changed. Raises ErasedUnreadable."""
        with self._reading:
            try:
                etag = self._store.stat(state.ERASED).etag
            except NotFound:
                etag = ""
            if etag != self._etag:
                self._take(read_erased(self._store) if etag else None)

    def before(self) -> frozenset[bytes]:
        """The people on the list when the run began."""
        pinned = self._plan.erased
        return frozenset(self._people[: pinned.count]) if pinned is not None else frozenset()

    def has(self, person: bytes) -> bool:
        """Whether the person was on the list when it was last read."""
        return person in self._everybody

    def among(self, batch: Batch) -> set[int]:
        """The places in a batch of people who were on the list when it was last read."""
        everybody = self._everybody
        if not everybody:
            return set()
        return {place for place, person in enumerate(batch.people()) if person in everybody}

    def _take(self, erased: Erased | None) -> None:
        pinned = self._plan.erased
        before = max(len(self._people), pinned.count if pinned is not None else 0)
        if len(erased.people if erased is not None else ()) < before:
            raise ErasedUnreadable(
                f"The list of erased people, {state.ERASED}, has lost some of them, so nothing is sent. "
                "Restore its last version."
            )
        if erased is None:
            self._etag = ""
            return
        if self._plan.digest_key is None:
            raise ErasedUnreadable(
                "People were erased after the run began, and it can't recognize them. Run the export again."
            )
        erased.check(self._key)
        self._etag, self._people = erased.etag, erased.people
        self._everybody = frozenset(erased.people)
