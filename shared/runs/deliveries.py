"""What Klaviyo has accepted of a run, what became of it, and what was refused on the way."""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from shared.klaviyo import JobStatus
from shared.runs.record import Count, JobRecord, StateModel, Time

# A job that was just accepted may not be readable everywhere at once.
LOST_AFTER = timedelta(minutes=15)
GIVE_UP_AFTER = timedelta(hours=24)


class AcceptedJob(StateModel):
    """An import job that Klaviyo accepted. `digest` is of what was posted, `batch` of the planned batch;
    `new` and `changed` count those of its profiles.

    `status` is Klaviyo's, or `lost` where Klaviyo did not say in time.
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
        """Klaviyo still works on it."""
        self.status = status

    def complete(self, completed: int | None, failed: int) -> None:
        """Klaviyo is done. What it counts neither as completed nor as failed is unconfirmed."""
        self.failed = min(self.profiles, failed)
        unsaid = 0 if completed is None else self.profiles - self.failed - completed
        self.unconfirmed = max(0, unsaid)
        self.status = JobStatus.COMPLETE

    def cancel(self) -> None:
        """Klaviyo has canceled it."""
        self.status, self.failed = JobStatus.CANCELED, self.profiles

    def miss(self, now: datetime) -> None:
        """Klaviyo does not know it: after a while it is lost."""
        if now - self.accepted_at > LOST_AFTER:
            self.lose()

    def lose(self) -> None:
        """What became of it stays unknown."""
        self.status, self.unconfirmed = "lost", self.profiles

    def record(self) -> JobRecord:
        return JobRecord(id=self.id, profiles=self.profiles, status=self.status, failed=self.failed)


class FinishedBatch(StateModel):
    """A planned batch of which nothing is left to post, and how many of it Klaviyo refused, by reason."""

    digest: str
    rejected_by_reason: dict[str, Count] = Field(default_factory=dict)


class Deliveries(StateModel):
    """`unfinished` has, by digest, the batches that were left in the middle, with what Klaviyo had refused
    of them by then. `checked` has what our own checks refused, by reason, as far as the last pass over the
    rows came; it is None where an early version of this project wrote the head. `sent_twice` counts
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
        """Whether Klaviyo had a day for the jobs, the last of them included."""
        return bool(self.jobs) and now - max(job.accepted_at for job in self.jobs) > GIVE_UP_AFTER

    def finish_batch(self, digest: str, delivered: Collection[str], rejected: dict[str, int]) -> None:
        """Nothing is left to post of a batch, whose posts had the digests `delivered`."""
        # An earlier holder may have got other pieces of the batch through.
        self._forget_jobs(lambda job: job.batch == digest and job.digest not in delivered)
        self.finished.append(FinishedBatch(digest=digest, rejected_by_reason=rejected))
        self.unfinished.pop(digest, None)

    def leave_batch(self, digest: str, rejected: dict[str, int]) -> None:
        """A batch is left in the middle: these of its rows, by reason, were refused by then."""
        self.unfinished[digest] = rejected

    def keep_batches(self, planned: Collection[str]) -> None:
        """Drops what an earlier holder sent in other batches: the same people went again in these."""
        self._forget_jobs(lambda job: job.batch not in planned)
        self.finished = [batch for batch in self.finished if batch.digest in planned]
        self.unfinished.clear()

    def give_up(self) -> None:
        """Nobody asks any more: what is not settled counts as unconfirmed."""
        for job in self.jobs:
            if not job.is_settled:
                job.lose()

    def refusals(self) -> Iterator[tuple[str, int]]:
        """What was refused before Klaviyo accepted a job: reasons and counts."""
        batches = (*(batch.rejected_by_reason for batch in self.finished), *self.unfinished.values())
        for part in (self.checked or {}, *batches):
            yield from part.items()

    def parts(self) -> set[str]:
        """The names of the parts that these batches wrote, and those of no other holder's."""
        return {*(batch.digest for batch in self.finished), *self.unfinished}

    def _forget_jobs(self, is_replaced: Callable[[AcceptedJob], bool]) -> None:
        kept = [job for job in self.jobs if not is_replaced(job)]
        self.sent_twice += self.profiles - sum(job.profiles for job in kept)
        self.jobs = kept
