"""Trials: a run with a limit sends the first profiles, and leaves the export to be run."""

import pytest

from sandbox.klaviyo import Fault
from sandbox.people import People
from shared.adapters.clock import Deadline
from shared.errors import AlreadyRunning
from shared.runs.advance import run, start
from shared.runs.heads.head import read_head
from shared.runs.starting import Request
from shared.runs.views.history import read_run
from shared.runs.work.tick import tick
from tests.support.world import World


def trial(world: World, limit: int) -> Request:
    return Request("command", "tester", limit=limit)


def test_a_trial_sends_the_first_profiles_and_says_so(world: World) -> None:
    """Just so many leave, in the order of the rows, and the record warns that it was a trial."""
    world.segment(People(100, dirt=True))

    record = run(world.services, "vip", trial(world, 20), world.deadline())

    assert record.status == "completed_with_warnings"
    assert record.counts.sent == record.counts.imported == 20
    # One of the first rows has no address.
    assert (record.counts.rows, record.counts.rejected) == (21, 1)
    assert world.members() == {f"person-{index:07d}@example.org" for index in range(21) if index != 13}
    assert [(w.code, w.count) for w in record.warnings] == [("limited", 20)]


def test_the_timer_still_exports_all_after_a_trial(world: World) -> None:
    """A trial is no export of the snapshot: the head stays as it was, but for the last attempt and whom it
    sent."""
    world.segment(People(5))
    tick(world.services, 60)  # the first sight: a baseline
    world.segment(People(30), refreshed=world.clock.now())
    before, _ = read_head(world.services.state, "vip")

    record = run(world.services, "vip", trial(world, 10), world.deadline())

    after, _ = read_head(world.services.state, "vip")
    assert (after.exported, after.last_success) == (before.exported, None)
    assert after.last_attempt is not None
    assert after.last_attempt.run == record.id
    world.clock.sleep(180)
    (whole,) = tick(world.services, 60).records
    assert (whole.status, whole.counts.imported, whole.counts.unchanged) == ("successful", 20, 10)
    assert world.members() == People(30).expected.emails


def test_a_trial_that_could_not_begin_warns_of_nothing(world: World) -> None:
    """Nothing was sent, so nothing is said of first profiles."""
    record = run(world.services, "vip", trial(world, 20), world.deadline())

    assert (record.status, record.warnings) == ("failed", [])


def test_an_open_run_is_not_taken_for_a_trial(world: World) -> None:
    """Who wants to try ten must not send everybody with the run that happens to be open."""
    world.segment(People(30))
    start(world.services, "vip", Request("on_demand", "tester"))

    with pytest.raises(AlreadyRunning, match="is not a trial of 10 profiles") as caught:
        run(world.services, "vip", trial(world, 10), world.deadline())

    assert caught.value.code == "run_is_open"
    assert world.members() == set()


def test_a_trial_that_was_left_open_is_ended_before_all_go(world: World) -> None:
    """Who wants everybody gets a run of their own, behind the trial, which stays one."""
    world.segment(People(30))
    world.stand_in.faults.add([Fault("error", method="POST", status=429, retry_after=100)])
    left = run(world.services, "vip", trial(world, 10), Deadline(world.clock, 1))
    assert (left.is_closed, left.counts.sent) == (False, 0)

    record = world.run()

    assert (record.status, record.counts.sent, record.counts.unchanged) == ("successful", 20, 10)
    assert world.members() == People(30).expected.emails
    tried = read_run(world.services.state, left.id)
    assert tried.counts.sent == 10
    assert "limited" in tried.warning_codes()
