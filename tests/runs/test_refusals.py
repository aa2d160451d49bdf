"""Klaviyo takes all of a post or nothing; a run gets everybody else there and tells who was refused."""

from collections import Counter
from typing import Any

import orjson
import pytest

from sandbox.klaviyo import ImportFailure, JobPlan
from sandbox.people import People
from shared.adapters.clock import Deadline
from shared.runs.advance import advance, run
from shared.runs.starting import Request
from shared.runs.steps.batch import MOST_POSTS
from tests.support.small_batches import UnusualPeople, unusual
from tests.support.world import World

CULPRITS = [3, 235, 499, 500, 899]


def posts(world: World) -> int:
    return [request.method for request in world.stand_in.requests].count("POST")


@pytest.mark.parametrize("named", [None, 3, 1, 0], ids=["all", "three", "one", "none"])
def test_five_refused_among_nine_hundred(world: World, named: int | None) -> None:
    """Whether a 400 names all, some or none of them: 895 arrive, five are on file with their rows."""
    world.stand_in.refused_emails = {unusual(index) for index in CULPRITS}
    world.stand_in.bad_rows_named = named
    world.segment(UnusualPeople(900), partitions=3)

    record = world.run()

    assert record.counts.sent == record.counts.imported == 895
    assert world.members() == UnusualPeople(900).expected.emails - world.stand_in.refused_emails
    assert record.counts.rejected == 5
    places = [(f"HighValueSegment_{index // 300 + 1}.csv", index % 300 + 1) for index in CULPRITS]
    reason = "batch_refused" if named == 0 else "invalid"
    column = "" if named == 0 else "EMail"
    assert sorted(world.rejected(record)) == sorted(
        f"{name},{row},{column},{reason},import" for name, row in places
    )
    assert posts(world) < 140


def test_the_number_of_posts_is_bounded(world: World) -> None:
    """Where everything is refused and nobody named, a batch takes 200 posts and is on file as refused."""
    everybody = People(3_000).expected.emails
    world.stand_in.refused_emails = set(everybody)
    world.stand_in.bad_rows_named = 0
    world.segment(People(3_000))

    record = world.run()

    assert posts(world) == MOST_POSTS
    assert record.counts.rejected == 3_000
    assert record.rejected_by_reason == {"batch_refused": 3_000}
    assert len(world.rejected(record)) == 3_000
    assert world.members() == set()


def test_where_everybody_is_named_nothing_is_left_to_post(world: World) -> None:
    """A batch without anybody is not sent."""
    world.stand_in.refused_emails = set(People(5).expected.emails)
    world.segment(People(5))

    record = world.run()

    assert posts(world) == 1
    assert record.rejected_by_reason == {"invalid": 5}


def test_a_list_that_goes_while_the_run_sends_fails_it(world: World) -> None:
    """A 400 that names nobody leads to a look at the list, not to halving for nothing."""
    world.segment(UnusualPeople(600))

    def remove_the_list(body: Any) -> None:
        world.stand_in.accounts["SNDBOX"].lists.pop("Y6nRLr", None)

    world.stand_in.on_import(remove_the_list)

    record = world.run()

    assert record.status == "failed"
    assert record.error is not None
    assert record.error.code == "unknown_list"
    assert posts(world) <= 2


def test_failures_of_accepted_jobs_are_on_file(world: World) -> None:
    """350 of 600 that the jobs leave out: every page is read, and each is tied to its row."""
    failing = [index for index in range(600) if index % 12 < 7]
    world.stand_in.failures = {unusual(index): ImportFailure(code="duplicate_profile") for index in failing}
    world.segment(UnusualPeople(600))

    record = world.run()

    assert record.status == "completed_with_warnings"
    assert (record.counts.sent, record.counts.failed, record.counts.imported) == (600, 350, 250)
    assert sum(job.failed for job in record.jobs) == 350
    assert sorted(world.rejected(record)) == sorted(
        f"HighValueSegment_{index // 300 + 1}.csv,{index % 300 + 1},EMail,duplicate_profile,job"
        for index in failing
    )


def test_the_profiles_of_a_cancelled_job_failed(world: World) -> None:
    """Klaviyo can cancel a job: nobody of it arrived, and each of them is on file."""
    world.stand_in.plans.append(JobPlan(outcome="cancelled"))
    world.segment(People(30))

    record = world.run()

    assert (record.counts.failed, record.counts.imported) == (30, 0)
    assert Counter(line.split(",", 2)[2] for line in world.rejected(record)) == {",job_cancelled,job": 30}
    assert [job.status for job in record.jobs] == ["cancelled"]


def test_a_job_that_klaviyo_lost_is_unconfirmed(world: World) -> None:
    """A job that can't be read any more is neither success nor failure, and says so."""
    world.stand_in.plans.append(JobPlan(seconds=50, readable_for=20))
    world.segment(People(30))

    record = world.run()

    assert record.status == "completed_with_warnings"
    assert (record.counts.unconfirmed, record.counts.imported) == (30, 0)
    assert [job.status for job in record.jobs] == ["lost"]
    assert [warning.code for warning in record.warnings] == ["unconfirmed"]


def test_a_job_without_end_is_given_up_after_a_day(world: World) -> None:
    """After 24 hours what is still open is unconfirmed."""
    world.stand_in.plans.append(JobPlan(seconds=10_000_000))
    world.segment(People(30))

    first = world.run()
    assert not first.is_closed
    world.clock.sleep(24 * 3600)
    record = world.run()

    assert record.id == first.id
    assert record.is_closed
    assert record.counts.unconfirmed == 30


def test_every_body_is_one_that_klaviyos_own_model_takes(world: World) -> None:
    """No stray, misplaced or mistyped key in what is posted."""
    from openapi_client.models.profile_import_job_create_query import ProfileImportJobCreateQuery

    bodies: list[Any] = []
    world.stand_in.on_import(bodies.append)
    world.segment(People(600, dirt=True))

    world.run()

    assert bodies
    for body in bodies:
        assert ProfileImportJobCreateQuery.model_validate(body).to_dict() == body
        assert orjson.dumps(body)


def test_jobs_are_confirmed_together(world: World) -> None:
    """One call shows all jobs of a run; import errors are read only where a job has failures."""
    world.segment(UnusualPeople(1_250))

    record = world.run()

    assert len(record.jobs) == 3
    reads = [request.path for request in world.stand_in.requests if request.method == "GET"]
    # The first look at jobs is before the first post, to see that the key may.
    jobs = "/api/profile-bulk-import-jobs"
    assert reads == ["/api/accounts", "/api/lists/Y6nRLr", jobs, jobs]


def test_pieces_of_an_earlier_life_count_once(world: World) -> None:
    """A batch that was halved before a crash and goes whole after it: its people are counted once."""
    world.stand_in.refused_emails = {unusual(599)}
    world.stand_in.bad_rows_named = 0
    world.segment(UnusualPeople(600))
    posted: list[Any] = []

    def stop_at_the_third(body: Any) -> None:
        posted.append(body)
        if len(posted) == 4:
            world.document("connections/sandbox.json", paused=True)

    world.stand_in.on_import(stop_at_the_third)
    assert not world.run().is_closed

    world.stand_in.refused_emails = set()
    world.document("connections/sandbox.json")
    record = world.run()

    assert record.counts.sent == record.counts.imported == 600
    assert sum(job.profiles for job in record.jobs) == 600
    assert world.members() == UnusualPeople(600).expected.emails
    assert [warning.code for warning in record.warnings] == ["sent_twice"]


def test_a_job_that_is_not_readable_at_once_is_waited_for(world: World) -> None:
    """Klaviyo may answer 404 for a job that it has just accepted: that job is not lost yet."""
    world.stand_in.plans.append(JobPlan(seconds=100))
    world.segment(People(30))
    request = Request("on_demand", "tester")
    record = run(world.services, "vip", request, Deadline(world.clock, 1))
    jobs = world.stand_in.accounts["SNDBOX"].jobs
    hidden = dict(jobs)
    jobs.clear()

    assert not advance(world.services, record, Deadline(world.clock, 300)).is_closed
    jobs.update(hidden)

    assert world.run().counts.imported == 30
