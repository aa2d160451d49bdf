"""Looks at the jobs: what each of them asks Klaviyo, and what it makes of an error."""

from collections import Counter
from datetime import timedelta

import pytest

from sandbox.klaviyo import Fault, ImportFailure, JobPlan
from sandbox.people import People, email
from shared.adapters.clock import Deadline
from shared.runs.advance import advance, run
from shared.runs.heads.head import read_head
from shared.runs.record import RunRecord
from shared.runs.run import OpenRun
from shared.runs.starting import Request
from shared.runs.states import Wait
from tests.support.small_batches import small_batches, unusual
from tests.support.world import LIST, World

JOBS = "/api/profile-bulk-import-jobs"
LISTING, ONE = f"GET {JOBS}", f"GET {JOBS}/{{id}}"
ON_DEMAND = Request("on_demand", "tester")


def open_run(world: World) -> OpenRun:
    head, _ = read_head(world.services.state, "vip")
    assert head.open is not None
    return head.open


def confirming(world: World, batches: int) -> RunRecord:
    """A run whose jobs Klaviyo has finished since its holder let go."""
    world.segment(small_batches(batches), partitions=1)
    world.stand_in.job_seconds = 100
    record = run(world.services, "vip", ON_DEMAND, Deadline(world.clock, 1))
    assert (record.phase, len(record.jobs)) == ("confirming", batches)
    world.clock.sleep(200)
    world.stand_in.requests.clear()
    return record


def asked(world: World) -> Counter[str]:
    """How often each endpoint was read."""
    return Counter(request.endpoint for request in world.stand_in.requests)


@pytest.mark.parametrize("retry_after", [400, 1_000])
def test_an_error_of_the_listing_is_waited_for(world: World, retry_after: int) -> None:
    """As long as Klaviyo asks, with its reason, and without counting as a look."""
    record = confirming(world, 1)
    looks = open_run(world).looks
    world.stand_in.faults.add([Fault("error", path=JOBS, status=429, retry_after=retry_after)])

    record = advance(world.services, record, Deadline(world.clock, 60))

    until = world.clock.now() + timedelta(seconds=retry_after)
    assert open_run(world).wait == Wait(until=until, reason="throttled")
    assert open_run(world).looks == looks
    assert (record.phase, record.counts.imported) == ("confirming", 0)
    world.clock.sleep(retry_after)
    assert advance(world.services, record, Deadline(world.clock, 60)).counts.imported == 500


def test_an_error_of_one_job_settles_the_others(world: World) -> None:
    """And is waited for; then that job is counted, too."""
    world.stand_in.failures = {unusual(3): ImportFailure(), unusual(600): ImportFailure()}
    record = confirming(world, 3)
    errors = f"{JOBS}/*/import-errors"
    world.stand_in.faults.add([Fault("error", path=errors, status=429, retry_after=400)])

    record = advance(world.services, record, Deadline(world.clock, 60))

    assert open_run(world).wait is not None
    settled = [job.is_settled for job in open_run(world).deliveries.jobs]
    assert True in settled
    assert False in settled
    assert record.phase == "confirming"
    world.clock.sleep(400)
    closed = advance(world.services, record, Deadline(world.clock, 60))
    assert (closed.counts.imported, closed.counts.failed) == (1_498, 2)
    assert len(world.rejected(closed)) == 2


def test_without_time_one_job_that_cannot_be_read_is_enough(world: World) -> None:
    """Of several with failures; those without are settled all the same."""
    world.stand_in.failures = {unusual(500 * batch): ImportFailure() for batch in range(2)}
    record = confirming(world, 6)
    errors = f"{JOBS}/*/import-errors"
    world.stand_in.faults.add([Fault("error", path=errors, status=503, nth=None)])

    record = advance(world.services, record, Deadline(world.clock, 0))

    paths = {request.path for request in world.stand_in.requests if request.path.endswith("import-errors")}
    assert len(paths) == 1
    assert record.counts.imported == 2_000


def test_a_listing_is_read_as_far_as_the_oldest_job(world: World) -> None:
    """Not through the jobs of all days before, for one that Klaviyo does not show."""
    account = world.stand_in.accounts["SNDBOX"]
    body = {
        "data": {
            "type": "profile-bulk-import-job",
            "attributes": {"profiles": {"data": [{"type": "profile", "attributes": {"email": email(1)}}]}},
            "relationships": {"lists": {"data": [{"type": "list", "id": LIST}]}},
        }
    }
    for _ in range(250):
        world.stand_in.accept_import(account, body)
    world.clock.sleep(2 * 3600)
    world.stand_in.plans.append(JobPlan(seconds=50, readable_for=20))
    record = confirming(world, 1)

    advance(world.services, record, Deadline(world.clock, 1))

    assert asked(world) == {LISTING: 1, ONE: 1}


@pytest.mark.parametrize("minutes", [-50, 50])
def test_clocks_need_not_agree(world: World, minutes: int) -> None:
    """With Klaviyo's an hour off, one listing shows all jobs still."""
    world.clock.ahead = timedelta(minutes=minutes)
    record = confirming(world, 3)

    assert advance(world.services, record, Deadline(world.clock, 60)).counts.imported == 1_500
    assert asked(world) == {LISTING: 1}


def test_a_listing_of_other_jobs_says_nothing_of_ours(world: World) -> None:
    """Each of ours that is settled is not asked for again."""
    world.stand_in.plans.extend([JobPlan(seconds=10), JobPlan(seconds=10), JobPlan(seconds=1_000)])
    record = confirming(world, 3)
    record = advance(world.services, record, Deadline(world.clock, 1))
    assert (record.phase, record.counts.imported) == ("confirming", 1_000)
    assert sorted(job.status for job in record.jobs) == ["complete", "complete", "queued"]
    world.clock.sleep(1_000)
    world.stand_in.requests.clear()

    closed = advance(world.services, record, Deadline(world.clock, 60))

    assert (closed.is_closed, closed.counts.imported) == (True, 1_500)
    assert asked(world) == {LISTING: 1}


def test_a_job_that_klaviyo_works_on_shows_its_status(world: World) -> None:
    """In the record of the open run."""
    record = confirming(world, 1)
    (job,) = world.stand_in.accounts["SNDBOX"].jobs.values()
    job.plan = JobPlan(seconds=350)

    record = advance(world.services, record, Deadline(world.clock, 1))

    assert [each.status for each in record.jobs] == ["processing"]


def test_failures_keep_the_first_of_their_errors(world: World) -> None:
    """Placed where Klaviyo has its profile in the post."""
    people = People(30)
    world.segment(people, partitions=1)
    world.stand_in.failures = {email(3): ImportFailure(), email(7): ImportFailure(code="duplicate_profile")}

    record = world.run()

    assert (record.counts.failed, record.counts.imported) == (2, 28)
    assert world.rejected(record) == [
        "HighValueSegment_1.csv,4,EMail,invalid,job",
        "HighValueSegment_1.csv,8,EMail,duplicate_profile,job",
    ]
