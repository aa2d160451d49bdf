"""The head of an export: the checkpoint of its open run, and what its last runs did."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Literal

from pydantic import Field, ValidationError

from shared import state
from shared.adapters.storage.store import BlobInfo, Store
from shared.errors import AlreadyExists, InvalidDocument, Problem
from shared.klaviyo import JobStatus
from shared.runs.plan import Plan
from shared.runs.record import ErrorRecord, RunRecord, StateModel, Status

# Azure takes 8 KB of metadata; a head that shows more has to be read.
LONGEST_METADATA = 6000
# Bytes of a head: twice what a run of ten million has that is refused batch by batch.
LONGEST_HEAD = 64 * 1024 * 1024
# A segment that is refreshed faster than it can be sent must get there at some time.
MOST_SUPERSEDED = 2


class AcceptedJob(StateModel):
    """An import job that Klaviyo took: `digest` is of what was posted, `batch` of the planned batch.

    `status` is Klaviyo's, or `lost` where Klaviyo did not say in time.
    """

    id: str
    digest: str
    batch: str
    profiles: int
    accepted_at: datetime
    status: JobStatus | Literal["lost"] = JobStatus.QUEUED
    failed: int = 0
    unconfirmed: int = 0

    @property
    def is_settled(self) -> bool:
        return self.status == "lost" or self.status.is_final


class FinishedBatch(StateModel):
    """A planned batch of which nothing is left to post, and how many of it Klaviyo refused, by reason."""

    digest: str
    rejected_by_reason: dict[str, int] = Field(default_factory=dict)


class OpenRun(StateModel):
    """A run that is not closed yet.

    `limit` is how many profiles a trial sends, `unfinished` has by digest the batches that somebody left
    in the middle, with what Klaviyo had refused of them by then; `checked` has what our own checks refused,
    by reason, as far as the last pass over the rows has come. `ending` is how it will end where
    something cut it short, `take_ups` counts those in a row that died before they got anywhere,
    `waiting_for` is the code of what it waits for until `not_before`.
    """

    record: RunRecord
    plan: Plan | None = None
    limit: int | None = None
    jobs: list[AcceptedJob] = Field(default_factory=list)
    finished: list[FinishedBatch] = Field(default_factory=list)
    unfinished: dict[str, dict[str, int]] = Field(default_factory=dict)
    checked: dict[str, int] | None = None
    ending: Literal["failed", "canceled"] | None = None
    error: ErrorRecord | None = None
    take_ups: int = 0
    sent_twice: int = 0
    looks: int = 0
    last_look: bool = False
    advanced_at: datetime | None = None
    not_before: datetime | None = None
    waiting_for: str | None = None

    def count_rejected(self) -> None:
        """Sets the record's rejected rows; a head that was written before `checked` has them already."""
        if self.checked is not None:
            batches = (*(batch.rejected_by_reason for batch in self.finished), *self.unfinished.values())
            parts = (self.checked, *batches)
            self.record.count_rejected(reason for part in parts for reason in part.items())

    def forget_jobs(self, is_replaced: Callable[[AcceptedJob], bool]) -> None:
        """Drops the jobs whose people went again in others, and counts these people."""
        replaced = [job for job in self.jobs if is_replaced(job)]
        self.sent_twice += sum(job.profiles for job in replaced)
        self.jobs = [job for job in self.jobs if job not in replaced]


class LastRun(StateModel):
    run: str
    status: Status
    finished_at: datetime


class Retry(StateModel):
    """Attempts of the timer that did not succeed, for snapshots of these versions.

    `waits_for` is what the documents and the key looked like when only people could mend the cause:
    nothing is tried again until they look different.
    """

    versions: dict[str, str]
    attempts: int
    not_before: datetime
    waits_for: str | None = None


class Glance(StateModel):
    """What the timer has to know of a head, small enough for a blob's metadata.

    `pinned` has the versions of the snapshots that the open run sends, as long as a newer one may end it.
    `exported` has the version of each segment's newest snapshot that needs no run: the one last exported,
    or the baseline, which was there when the export was first seen.
    """

    open: str | None = None
    account: str | None = None
    pinned: dict[str, str] = Field(default_factory=dict)
    advanced_at: datetime | None = None
    not_before: datetime | None = None
    exported: dict[str, str]
    scheduled_at: datetime
    retry: Retry | None = None
    succeeded_at: datetime | None = None


class Head(StateModel):
    """`scheduled_at` is when a recurrence last came due; at first, when the export was first seen."""

    version: Literal[1] = 1
    export: str
    epoch: int = 0
    exported: dict[str, str] = Field(default_factory=dict)
    scheduled_at: datetime
    open: OpenRun | None = None
    retry: Retry | None = None
    superseded: int = 0
    last_success: LastRun | None = None
    last_attempt: LastRun | None = None

    def pinned(self) -> dict[str, str]:
        """The versions of the open run's snapshots, as long as a newer one may end it."""
        run = self.open
        if run is None or run.plan is None:
            return {}
        may_end = self.superseded < MOST_SUPERSEDED or run.record.phase == "confirming"
        return run.plan.versions() if may_end else {}

    def glance(self) -> Glance:
        run = self.open
        return Glance(
            open=run.record.id if run else None,
            account=run.plan.account_id if run and run.plan else None,
            pinned=self.pinned(),
            advanced_at=run.advanced_at if run else None,
            not_before=run.not_before if run else None,
            exported=self.exported,
            scheduled_at=self.scheduled_at,
            retry=self.retry,
            succeeded_at=self.last_success.finished_at if self.last_success else None,
        )

    def metadata(self) -> dict[str, str]:
        """What a listing shows, so that nobody has to read the head for it."""
        shown: dict[str, str] = {"status": "none"}
        if self.last_attempt is not None:
            shown["status"] = self.last_attempt.status
        if self.open is not None:
            shown |= {"status": self.open.record.status, "open": self.open.record.id}
        glance = self.glance().model_dump_json(exclude_defaults=True, ensure_ascii=True)
        if len(glance) <= LONGEST_METADATA:
            shown["glance"] = glance
        return shown

    def content(self) -> bytes:
        return self.model_dump_json().encode()


def read_head(store: Store, export_id: str) -> tuple[Head, str]:
    """The head and its ETag. Raises NotFound, InvalidDocument."""
    name = state.head(export_id)
    blob = store.read(name, most=LONGEST_HEAD)
    with suppress(ValidationError):
        return Head.model_validate_json(blob.content), blob.etag
    problem = Problem("", "is no head of an export: restore it, or remove it to start the export afresh")
    raise InvalidDocument(name, [problem])


def glance_at(store: Store, blob: BlobInfo, export_id: str) -> Glance:
    """What a listing's entry of a head shows; the head is read only where that isn't all."""
    try:
        return Glance.model_validate_json(blob.metadata["glance"])
    except (KeyError, ValidationError):
        return read_head(store, export_id)[0].glance()


def create_head(store: Store, head: Head) -> None:
    """Writes a first head, where there is none yet."""
    try:
        store.write(state.head(head.export), head.content(), metadata=head.metadata(), create_only=True)
    except AlreadyExists:
        return
