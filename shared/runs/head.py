"""The head of an export: its lock, the checkpoint of its open run, and what its last runs did."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Literal

from pydantic import Field, ValidationError

from shared.adapters.clock import Clock
from shared.adapters.storage.store import Lease, Store
from shared.errors import (
    AlreadyExists,
    Changed,
    ExportError,
    InvalidDocument,
    LeaseLost,
    NotFound,
    Problem,
    StorageUnavailable,
)
from shared.runs.plan import Plan
from shared.runs.record import ErrorRecord, Part, RunRecord, Status

RENEW_EVERY = 15.0
# A lease lasts 60 s: behind this age, a pause of the machine may already have cost it.
TRUSTED_FOR = 40.0
# Azure takes 8 KB of metadata; a head with more versions than fit has to be read.
LONGEST_METADATA = 6000


class AcceptedJob(Part):
    """An import job that Klaviyo took: `digest` is of what was posted, `batch` of the planned batch."""

    id: str
    digest: str
    batch: str
    profiles: int
    accepted_at: datetime
    status: str = "queued"
    failed: int = 0
    unconfirmed: int = 0

    @property
    def is_settled(self) -> bool:
        return self.status in ("complete", "cancelled", "lost")


class FinishedBatch(Part):
    """A planned batch of which nothing is left to post, and how many of it Klaviyo refused, by reason."""

    digest: str
    rejected_by_reason: dict[str, int] = Field(default_factory=dict)


class OpenRun(Part):
    """A run that is not closed yet. `ending` is how it will end, where something cut it short."""

    record: RunRecord
    plan: Plan | None = None
    jobs: list[AcceptedJob] = Field(default_factory=list)
    finished: list[FinishedBatch] = Field(default_factory=list)
    ending: Literal["failed", "canceled"] | None = None
    error: ErrorRecord | None = None
    looks: int = 0
    not_before: datetime | None = None


class LastRun(Part):
    run: str
    status: Status
    finished_at: datetime
    versions: dict[str, str]


class Head(Part):
    """`baseline` has the version of each segment's snapshot that was there when the export was first seen."""

    version: Literal[1] = 1
    export: str
    epoch: int = 0
    baseline: dict[str, str] = Field(default_factory=dict)
    open: OpenRun | None = None
    last_success: LastRun | None = None
    last_attempt: LastRun | None = None

    def versions(self) -> dict[str, str]:
        """The newest snapshot of each segment that needs no run any more: the baseline, or an attempt's."""
        tried = self.last_attempt.versions if self.last_attempt else {}
        return {name: max(self.baseline.get(name, ""), tried.get(name, "")) for name in self.baseline | tried}

    def metadata(self) -> dict[str, str]:
        """What a listing shows, so that nobody has to read the head for it."""
        shown = {"status": "none"}
        versions = json.dumps(self.versions())
        if len(versions) <= LONGEST_METADATA:
            shown["versions"] = versions
        if self.last_attempt is not None:
            shown["status"] = self.last_attempt.status
        if self.open is not None:
            shown["status"] = self.open.record.status
            shown["open"] = self.open.record.id
            if self.open.not_before is not None:
                shown["not_before"] = self.open.not_before.isoformat()
        return shown


def head_name(export_id: str) -> str:
    return f"heads/{export_id}.json"


def read_head(store: Store, export_id: str) -> tuple[Head, str]:
    """The head and its ETag. Raises NotFound, InvalidDocument."""
    name = head_name(export_id)
    blob = store.read(name)
    try:
        return Head.model_validate_json(blob.content), blob.etag
    except ValidationError:
        raise InvalidDocument(
            name,
            [Problem("", "is no head of an export: restore it, or remove it to start the export afresh")],
        ) from None


def create_head(store: Store, head: Head) -> None:
    """Writes a first head, where there is none yet."""
    try:
        store.write(head_name(head.export), _content(head), metadata=head.metadata(), create_only=True)
    except AlreadyExists:
        return


def _content(head: Head) -> bytes:
    return head.model_dump_json().encode()


class Hold:
    """The exclusive hold on an export: its head, the lease on it, and the epoch that tells holders apart."""

    def __init__(
        self, store: Store, lease: Lease, clock: Clock, head: Head, etag: str, held_since: float
    ) -> None:
        self.store = store
        self.head = head
        self._lease = lease
        self.clock = clock
        self._etag = etag
        self._renewed = held_since
        self.lock = threading.RLock()  # guards the head between the holder's threads
        self._lost: ExportError | None = None

    @classmethod
    @contextmanager
    def take(cls, store: Store, export_id: str, clock: Clock) -> Iterator["Hold"]:
        """Holds the export, whose head exists, for the length of the block, and renews the lease.

        Raises AlreadyRunning where somebody else does, InvalidDocument where the head can't be read.
        """
        held_since = clock.monotonic()
        lease = store.acquire(head_name(export_id))
        try:
            head, etag = read_head(store, export_id)
            head.epoch += 1
            hold = cls(store, lease, clock, head, etag, held_since)
            done = threading.Event()
            keeper = threading.Thread(target=hold._keep, args=(done,), name=f"lease-{export_id}", daemon=True)
            keeper.start()
            try:
                yield hold
            finally:
                done.set()
                keeper.join()
        finally:
            lease.release()

    @property
    def run(self) -> OpenRun:
        """The open run."""
        if self.head.open is None:
            raise LookupError("the export has no open run")
        return self.head.open

    def checkpoint(self) -> None:
        """Writes the head. Raises LeaseLost where somebody else has taken over."""
        with self.lock:
            self.check()
            try:
                self._etag = self.store.write(
                    head_name(self.head.export),
                    _content(self.head),
                    metadata=self.head.metadata(),
                    if_match=self._etag,
                    lease=self._lease,
                )
            except (Changed, NotFound):
                self._lost = LeaseLost("Somebody else wrote the head of this export meanwhile.")
                raise self._lost from None

    def check(self) -> None:
        """Raises LeaseLost where the hold is over: then nothing may be posted or written any more.

        After a pause that the lease may not have survived, the store is asked before anything goes on.
        """
        if self._age() > TRUSTED_FOR:
            self._renew()
        if self._lost is not None:
            raise self._lost
        if self._age() > TRUSTED_FOR:
            raise LeaseLost("The hold on this export could not be renewed in time.")

    def _age(self) -> float:
        return self.clock.monotonic() - self._renewed

    def _renew(self) -> None:
        before = self.clock.monotonic()
        try:
            self._lease.renew()
            self._renewed = before
        except LeaseLost as error:
            self._lost = error
        except StorageUnavailable:
            return  # the next round may get through; until then `check` watches the age

    def _keep(self, done: threading.Event) -> None:
        while not done.wait(RENEW_EVERY):
            self._renew()
