"""The jobs of a run that Klaviyo has accepted, their outcomes, and the refused profiles."""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from shared.klaviyo import JobStatus
from shared.runs.record import Count, JobRecord, StateModel, Time

# A job that was just accepted may not be readable everywhere yet.
LOST_AFTER = timedelta(minutes=15)
GIVE_UP_AFTER = timedelta(hours=24)


class AcceptedJob(StateModel):
    """An import job that Klaviyo accepted. `digest` is the digest of the post, `batch` of the planned batch;
    `new` and `changed` count those among its profiles.

    `status` is Klaviyo's, or `lost` if Klaviyo reported none in time.
    """

    id: str
    digest: str
    batch: str
    profiles: Count
    new: Count = 0
    changed: Count = 0
    accepted_at: Time
    status: JobStatus | Literal["lost"] = JobStatus.QUEUED
    failed: Count = 0
    unconfirmed: Count = 0

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.failed + self.unconfirmed > self.profiles:
            raise ValueError("more profiles failed than the job has")
        return self

    @property
    def is_settled(self) -> bool:
        return self.status == "lost" or self.status.is_final

    @property
    def imported(self) -> int:
        return self.profiles - self.failed - self.unconfirmed if self.is_settled else 0

    def work(self, status: JobStatus) -> None:
        """Klaviyo is still working on the job."""
        self.status = status

    def complete(self, completed: int | None, failed: int) -> None:
        """Klaviyo is done. Profiles that it counts neither as completed nor as failed are unconfirmed."""
        self.failed = min(self.profiles, failed)
        unsaid = 0 if completed is None else self.profiles - self.failed - completed
        self.unconfirmed = max(0, unsaid)
        self.status = JobStatus.COMPLETE

    def cancel(self) -> None:
        """Klaviyo has canceled the job."""
        self.status, self.failed = JobStatus.CANCELED, self.profiles

    def miss(self, now: datetime) -> None:
        """Klaviyo does not know the job; after a while it counts as lost."""
        if now - self.accepted_at > LOST_AFTER:
            self.lose()

    def lose(self) -> None:
        """The outcome of the job stays unknown."""
        self.status, self.unconfirmed = "lost", self.profiles

    def record(self) -> JobRecord:
        return JobRecord(id=self.id, profiles=self.profiles, status=self.status, failed=self.failed)


class FinishedBatch(StateModel):
    """A planned batch that is completely posted, and how many of its rows Klaviyo refused, by reason."""

    digest: str
    rejected_by_reason: dict[str, Count] = Field(default_factory=dict)


class Deliveries(StateModel):
    """`unfinished` has, by digest, the batches that were interrupted, with the counts that Klaviyo had
    refused by then. `checked` counts the rows that our own checks refused, by reason, up to where the last
    pass over the rows got; it is None if an early version of this project wrote the head. `sent_twice` counts
    profiles.
    """

    jobs: list[AcceptedJob] = Field(default_factory=list)
    finished: list[FinishedBatch] = Field(default_factory=list)
    unfinished: dict[str, dict[str, Count]] = Field(default_factory=dict)
    checked: dict[str, Count] | None = None
    sent_twice: Count = 0

    @property
    def is_settled(self) -> bool:
        return all(job.is_settled for job in self.jobs)

    @property
    def profiles(self) -> int:
        """How many profiles Klaviyo has accepted."""
        return sum(job.profiles for job in self.jobs)

    def is_overdue(self, now: datetime) -> bool:
        """Whether Klaviyo has had a day for the jobs, including the last one."""
        return bool(self.jobs) and now - max(job.accepted_at for job in self.jobs) > GIVE_UP_AFTER

    def finish_batch(self, digest: str, delivered: Collection[str], rejected: dict[str, int]) -> None:
        """A batch is completely posted; its posts had the digests `delivered`."""
        # An earlier holder may have posted other pieces of the batch.
        self._forget_jobs(lambda job: job.batch == digest and job.digest not in delivered)
        self.finished.append(FinishedBatch(digest=digest, rejected_by_reason=rejected))
        self.unfinished.pop(digest, None)

    def leave_batch(self, digest: str, rejected: dict[str, int]) -> None:
        """A batch is interrupted; `rejected` counts the rows refused so far, by reason."""
        self.unfinished[digest] = rejected

    def keep_batches(self, planned: Collection[str]) -> None:
        """Drops jobs of an earlier holder's other batches: the same people were sent again in these."""
        self._forget_jobs(lambda job: job.batch not in planned)
        self.finished = [batch for batch in self.finished if batch.digest in planned]
        self.unfinished.clear()

    def give_up(self) -> None:
        """Stops asking: jobs that are not settled count as unconfirmed."""
        for job in self.jobs:
            if not job.is_settled:
                job.lose()

    def refusals(self) -> Iterator[tuple[str, int]]:
        """Rows refused before Klaviyo accepted a job: reasons and counts."""
        batches = (*(batch.rejected_by_reason for batch in self.finished), *self.unfinished.values())
        for part in (self.checked or {}, *batches):
            yield from part.items()

    def parts(self) -> set[str]:
        """The names of the parts that these batches wrote, without those of other holders' batches."""
        return {*(batch.digest for batch in self.finished), *self.unfinished}

    def _forget_jobs(self, is_replaced: Callable[[AcceptedJob], bool]) -> None:
        kept = [job for job in self.jobs if not is_replaced(job)]
        self.sent_twice += self.profiles - sum(job.profiles for job in kept)
        self.jobs = kept
