"""What Klaviyo has accepted of a run, and what became of it: each verb by itself."""

from datetime import timedelta

import pytest

from shared.klaviyo import JobStatus
from shared.runs.deliveries import AcceptedJob, Deliveries
from tests.support.open_runs import NOW


def a_job(digest: str, batch: str, profiles: int = 10, age: timedelta = timedelta()) -> AcceptedJob:
    """A job that was accepted some time ago; its id is its digest."""
    return AcceptedJob(id=digest, digest=digest, batch=batch, profiles=profiles, accepted_at=NOW - age)


def ids(deliveries: Deliveries) -> list[str]:
    return [job.id for job in deliveries.jobs]


def test_a_job_that_was_just_accepted_may_be_missing_for_a_quarter_of_an_hour() -> None:
    """Then it is lost, with all of its profiles unconfirmed."""
    young, old = a_job("1", "a", age=timedelta(minutes=15)), a_job("2", "a", age=timedelta(minutes=16))
    young.miss(NOW)
    old.miss(NOW)

    assert (young.status, young.unconfirmed, young.is_settled) == (JobStatus.QUEUED, 0, False)
    assert (old.status, old.unconfirmed, old.is_settled, old.imported) == ("lost", 10, True, 0)


@pytest.mark.parametrize(
    ("completed", "failed", "counted"),
    [(10, 0, (10, 0, 0)), (7, 2, (7, 2, 1)), (None, 2, (8, 2, 0)), (0, 0, (0, 0, 10)), (12, 30, (0, 10, 0))],
)
def test_a_complete_job_counts_each_profile_once(
    completed: int | None, failed: int, counted: tuple[int, int, int]
) -> None:
    """As imported, failed, or unconfirmed, whatever Klaviyo's numbers are."""
    job = a_job("1", "a")
    job.complete(completed, failed)
    assert (job.imported, job.failed, job.unconfirmed) == counted
    assert job.is_settled


def test_a_canceled_job_imported_nobody() -> None:
    """All of its profiles failed."""
    job = a_job("1", "a")
    job.cancel()
    assert (job.is_settled, job.imported, job.failed) == (True, 0, 10)


def test_a_job_that_klaviyo_works_on_counts_for_nothing_yet() -> None:
    """Its status is Klaviyo's."""
    job = a_job("1", "a")
    job.work(JobStatus.PROCESSING)
    assert (job.status, job.is_settled, job.imported) == (JobStatus.PROCESSING, False, 0)


def test_a_day_counts_from_the_last_job() -> None:
    """Klaviyo has it for each of them; a run without jobs is never overdue."""
    day = timedelta(hours=24)
    old, young = a_job("1", "a", age=day + timedelta(seconds=1)), a_job("2", "a", age=day)

    assert Deliveries(jobs=[old]).is_overdue(NOW)
    assert not Deliveries(jobs=[old, young]).is_overdue(NOW)
    assert not Deliveries().is_overdue(NOW)


def test_a_finished_batch_forgets_what_an_earlier_holder_sent_of_it() -> None:
    """Only pieces of this batch whose people went again, and these are told as sent twice."""
    deliveries = Deliveries(
        jobs=[a_job("whole", "a", 8), a_job("half", "a", 5), a_job("other", "b", 3)],
        unfinished={"a": {"invalid": 1}, "b": {"invalid": 2}},
    )

    deliveries.finish_batch("a", {"whole"}, {"invalid": 4})

    assert ids(deliveries) == ["whole", "other"]
    assert deliveries.sent_twice == 5
    assert sorted(deliveries.refusals()) == [("invalid", 2), ("invalid", 4)]
    assert deliveries.parts() == {"a", "b"}


def test_batches_of_an_earlier_holder_are_forgotten() -> None:
    """Where other code packs the rows otherwise: their people went again in the batches of this pass."""
    deliveries = Deliveries(sent_twice=1, jobs=[a_job("1", "old", 7), a_job("2", "new", 9)])
    deliveries.finish_batch("old", {"1"}, {"invalid": 4})
    deliveries.finish_batch("new", {"2"}, {"invalid": 2})
    deliveries.leave_batch("left", {"invalid": 1})

    deliveries.keep_batches({"new", "later"})

    assert ids(deliveries) == ["2"]
    assert deliveries.profiles == 9
    assert deliveries.sent_twice == 8
    assert list(deliveries.refusals()) == [("invalid", 2)]
    assert deliveries.parts() == {"new"}


def test_the_refusals_are_the_checks_and_the_batches() -> None:
    """Of finished ones and of those that were left in the middle."""
    deliveries = Deliveries(checked={"missing_email": 3})
    deliveries.finish_batch("a", set(), {"invalid": 2})
    deliveries.leave_batch("b", {"invalid": 1})

    assert list(deliveries.refusals()) == [("missing_email", 3), ("invalid", 2), ("invalid", 1)]


def test_only_what_is_open_is_given_up() -> None:
    """A settled job stays what it is."""
    deliveries = Deliveries(jobs=[a_job("1", "a"), a_job("2", "b")])
    deliveries.jobs[0].complete(10, 0)
    assert [job.is_settled for job in deliveries.jobs] == [True, False]

    deliveries.give_up()

    assert deliveries.is_settled
    assert [job.imported for job in deliveries.jobs] == [10, 0]
