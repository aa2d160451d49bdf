"""Runs against a Klaviyo in trouble: nobody is lost, nothing is posted when it must not be."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sandbox.klaviyo import Fault, ImportFailure, JobPlan
from sandbox.people import People, email
from sandbox.sample import example_documents
from shared.adapters.clock import Deadline
from shared.klaviyo import KlaviyoApi
from shared.runs.advance import advance, run, start
from shared.runs.heads.head import read_head
from shared.runs.starting import Request
from shared.runs.work.tick import tick
from tests.support.small_batches import UnusualPeople, unusual
from tests.support.world import MONDAY, MadeClock, World


def on_post(kind: str, nth: int | None, **details: Any) -> Fault:
    return Fault(**{"kind": kind, "nth": nth, "method": "POST", **details})


def on_get(kind: str, nth: int | None, **details: Any) -> Fault:
    return Fault(**{"kind": kind, "nth": nth, "method": "GET", **details})


EVERY_FAULT = [
    on_post("error", 1, status=429, retry_after=9),
    on_post("cut_after", 2),
    on_post("html", 3, status=503),
    on_post("empty_id", 5),
    on_post("error", 6, status=429, bare=True, retry_after=30),
    on_post("cut", 7),
    on_post("cut_after", 8),
    on_post("html", 9, status=403),
    on_post("garbage", 10),
    on_post("error", 11, status=500),
    on_post("redirect", 12),
    on_post("slow", 13, seconds=0.2),
    on_get("error", 1, status=503),
    on_get("html", 3, status=502),
    on_get("cut", 5),
    on_get("error", 6, status=429, retry_after=3),
    on_get("garbage", 8),
]


def test_everybody_arrives_through_every_fault(world: World) -> None:
    """2,250 people through a mixture of all faults; only posts without an answer went twice."""
    world.stand_in.faults.add(EVERY_FAULT)
    people = UnusualPeople(2_250)
    world.segment(people, partitions=3)

    record = world.run(slowly=True)

    assert record.status == "successful"
    assert record.counts.imported == 2_250
    assert world.members() == people.expected.emails
    without_answer = sum(fault.kind == "cut_after" for fault in EVERY_FAULT)
    assert len(world.stand_in.accounts["SNDBOX"].jobs) == 5 + without_answer
    assert_no_post_inside_a_retry_after(world)


# Seconds: other threads' posts may have left before the answer came, and the clock goes on while any thread
# keeps to the pace of ten a second.
ON_THEIR_WAY = 1.0


def assert_no_post_inside_a_retry_after(world: World) -> None:
    posts = [request for request in world.stand_in.requests if request.method == "POST"]
    throttled = [request for request in posts if request.retry_after is not None]
    assert throttled
    for told in throttled:
        assert told.retry_after is not None
        begins, ends = told.time + ON_THEIR_WAY, told.time + told.retry_after
        assert not [post for post in posts if begins < post.arrived < ends]


def test_klaviyo_away_for_ten_minutes(world: World) -> None:
    """The run stays open while Klaviyo is away, and ends well when it is back."""
    world.segment(UnusualPeople(600))
    world.stand_in.faults.add([Fault("error", status=503, nth=None)])
    record = start(world.services, "vip", Request("on_demand", "tester"))
    for _ in range(10):
        record = advance(world.services, record, Deadline(world.clock, 45))
        assert not record.is_closed
        world.clock.sleep(15)

    world.stand_in.faults.clear()
    world.clock.sleep(60)
    closed = world.run()

    assert closed.id == record.id
    assert closed.status == "successful"
    assert world.members() == UnusualPeople(600).expected.emails


def test_a_long_retry_after_is_left_to_the_next(world: World) -> None:
    """A daily quota: nothing sleeps on it, nobody comes within the hour, and then Klaviyo is asked again."""
    world.segment(People(10))
    world.stand_in.faults.add([on_post("error", 1, status=429, retry_after=3723)])
    before = world.clock.now()

    record = world.run()

    assert not record.is_closed
    assert world.clock.now() - before < timedelta(seconds=10)
    head, _ = read_head(world.services.state, "vip")
    assert head.open is not None
    assert head.open.wait is not None
    assert timedelta(seconds=3600) <= head.open.wait.until - before < timedelta(seconds=3610)

    assert not world.run().is_closed
    assert [request.method for request in world.stand_in.requests].count("POST") == 1

    world.clock.sleep(3600)
    assert world.run().status == "successful"


def test_a_pause_outlives_who_slept_through_it(world: World) -> None:
    """Klaviyo's Retry-After holds for the next process too, however the first one ended."""
    world.segment(People(10))
    world.stand_in.faults.add([on_post("error", 1, status=429, retry_after=120)])

    class Ended(Exception):
        """Somebody pressed Ctrl-C."""

    class Clock(MadeClock):
        def sleep(self, seconds: float) -> None:
            raise Ended

    services = replace(world.services, clock=Clock(world.clock.now()))
    services = replace(services, klaviyo=KlaviyoApi(services.settings.klaviyo_url, services.clock))
    with services, pytest.raises(Ended):
        run(services, "vip", Request("command", "tester"), Deadline(services.clock, 1200))

    record = world.run()

    assert record.status == "successful"
    assert_no_post_inside_a_retry_after(world)


@pytest.mark.parametrize("people", [10, 3_000])
def test_a_503_that_asks_for_a_pause_gets_it(world: World, people: int) -> None:
    """From every post of the account, of this export and of another."""
    world.segment(UnusualPeople(people))
    world.stand_in.faults.add([on_post("error", 1, status=503, retry_after=3000)])
    other = example_documents()["exports/vip.json"] | {"id": "other"}
    world.services.state.write("exports/other.json", json.dumps(other).encode())

    assert not world.run().is_closed
    assert not world.run("other").is_closed
    posts = [request.time for request in world.stand_in.requests if request.method == "POST"]
    assert max(posts) == min(posts)

    world.clock.sleep(3000)
    assert (world.run().status, world.run("other").status) == ("successful", "successful")


@pytest.mark.parametrize(
    "fault",
    [
        Fault("error", method="GET", path="/api/profile-bulk-import-jobs", nth=None, status=500),
        Fault("garbage", path="/api/profile-bulk-import-jobs/*/import-errors", nth=None),
    ],
)
def test_a_klaviyo_that_tells_nothing_of_its_jobs_is_given_up_after_a_day(world: World, fault: Fault) -> None:
    """What can't be read for so long is unconfirmed; what can be read is counted."""
    world.segment(UnusualPeople(600))
    world.stand_in.failures = {unusual(599): ImportFailure()}
    record = start(world.services, "vip", Request("on_demand", "tester"))
    world.stand_in.job_seconds = 10
    assert not advance(world.services, record, Deadline(world.clock, 1)).is_closed
    world.stand_in.faults.add([fault])
    assert not advance(world.services, record, Deadline(world.clock, 600)).is_closed

    world.clock.sleep(24 * 3600)
    closed = world.run()

    assert (closed.id, closed.status) == (record.id, "completed_with_warnings")
    confirmed = 500 if fault.kind == "garbage" else 0
    assert (closed.counts.imported, closed.counts.unconfirmed) == (confirmed, 600 - confirmed)


def test_import_errors_that_are_gone(world: World) -> None:
    """A job that failed for somebody, and doesn't say for whom: a row without a place, no failed run."""
    world.segment(People(30))
    world.stand_in.failures = {email(3): ImportFailure()}
    world.stand_in.faults.add(
        [Fault("error", path="/api/profile-bulk-import-jobs/*/import-errors", nth=None, status=404)]
    )

    record = world.run()

    assert (record.status, record.counts.failed, record.counts.imported) == ("completed_with_warnings", 1, 29)
    assert world.rejected(record) == [",,,unknown,job"]


def test_what_blocks_us_for_a_while_is_tried_again(world: World) -> None:
    """A 403 that isn't Klaviyo's own fails the run; the timer's next attempt needs nobody."""
    tick(world.services, 240)
    world.segment(People(10), MONDAY + timedelta(minutes=5))
    world.stand_in.faults.add([on_post("html", None, status=403)])
    (failed,) = tick(world.services, 240).records
    assert failed.error is not None
    assert failed.error.code == "blocked"
    world.stand_in.faults.clear()

    world.clock.sleep(6 * 60)
    assert [record.status for record in tick(world.services, 240).records] == ["successful"]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (on_post("error", None, status=401), "invalid_key"),
        (on_post("html", None, status=403), "blocked"),
        (on_post("error", None, status=409), "request_refused"),
    ],
)
def test_what_only_people_can_mend_fails_the_run(world: World, fault: Fault, code: str) -> None:
    """The run is closed as failed, says what to do, and does not hammer."""
    world.segment(UnusualPeople(1_250))
    world.stand_in.faults.add([fault])

    record = world.run()

    assert record.status == "failed"
    assert record.error is not None
    assert record.error.code == code
    assert [request.method for request in world.stand_in.requests].count("POST") <= 15


def test_jobs_accepted_before_a_failure_are_counted(world: World) -> None:
    """What reached Klaviyo before the key was withdrawn stands in the record as what it is."""
    world.segment(UnusualPeople(1_250))
    world.stand_in.faults.add([on_post("error", nth, status=409) for nth in (2, 3)])

    record = world.run()

    assert record.status == "failed"
    assert record.counts.sent == record.counts.imported == len(world.members()) > 0


def test_a_failed_run_lists_whom_it_had_refused(world: World) -> None:
    """As many rows are on file as its counts say: those of our checks, and such as a 400 had named."""
    # More batches than go at once: rows are still read when the first one fails.
    world.segment(UnusualPeople(6_000, dirt=True))
    # In each batch: whichever goes first is refused, and the rest of it can't be sent any more.
    world.stand_in.refused_emails = {unusual(index) for index in range(100, 6_000, 400)}
    world.stand_in.faults.add([on_post("error", nth, status=409) for nth in range(2, 20)])

    record = world.run()

    assert record.status == "failed"
    assert record.rejected_by_reason.keys() == {"invalid", "invalid_email", "missing_email"}
    assert len(world.rejected(record)) == record.counts.rejected
    assert record.counts.rows > 9 * 500  # up to the row that it stopped at


def test_a_failure_does_not_hide_among_pages(world: World) -> None:
    """A page of import errors that can't be read is read again, until each failure has its row."""
    world.stand_in.failures = {email(index): ImportFailure() for index in range(250)}
    world.stand_in.faults.add(
        [
            Fault("error", path="/api/profile-bulk-import-jobs/*/import-errors", nth=2, status=503),
            Fault("cut", path="/api/profile-bulk-import-jobs/*/import-errors", nth=4),
        ]
    )
    world.segment(People(1000))

    record = world.run()

    assert record.counts.failed == 250
    assert len(set(world.rejected(record))) == 250


def test_one_job_of_several_is_cancelled(world: World) -> None:
    """The others count as what they are."""
    world.stand_in.plans.extend([JobPlan(), JobPlan(outcome="cancelled"), JobPlan()])
    world.segment(UnusualPeople(1_250))

    record = world.run()

    assert record.counts.sent == record.counts.imported + record.counts.failed == 1_250
    assert len(world.members()) == record.counts.imported
    assert len(world.rejected(record)) == record.counts.failed > 0
