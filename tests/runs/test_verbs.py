"""What each verb of an open run writes, and the bounds by which it decides."""

from datetime import timedelta
from typing import Any

import pytest

from shared.profiles import Selection
from shared.runs.deliveries import AcceptedJob
from shared.runs.record import ErrorRecord
from shared.runs.run import next_step
from shared.runs.states import Cut, Rest, Signals, State, Step, Wait
from tests.support.open_runs import NOW, a_pinned_run, a_run

ERROR = ErrorRecord(code="invalid_key", message="Put a valid key into the vault.")


def selection(**counts: Any) -> Selection:
    """A pass over the rows that came to these counts."""
    made = Selection(lambda _: None)
    for name, value in counts.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("minutes", "step"), [(65, Rest(NOW + timedelta(minutes=65))), (66, Step.SEND), (-1, Step.SEND)]
)
def test_a_wait_of_an_hour_is_believed_and_no_longer_one(minutes: int, step: Step | Rest) -> None:
    """No cause asks for more, so a later time comes from a clock that was wrong."""
    wait = Wait(until=NOW + timedelta(minutes=minutes), reason="throttled")
    assert next_step(a_run(State.SENDING, wait=wait), NOW, Signals()) == step


def test_a_pause_is_looked_at_every_five_seconds() -> None:
    """Somebody may lift it at any time."""
    wait = Wait(until=NOW, reason="paused")
    step = next_step(a_run(State.SENDING, wait=wait), NOW, Signals(paused=True))
    assert step == Rest(NOW + timedelta(seconds=5))


def test_a_newer_snapshot_that_is_due_cuts_no_sending_short() -> None:
    """While the run sends, only `superseded` ends it."""
    assert next_step(a_run(State.SENDING), NOW, Signals(newer_due=True)) is Step.SEND


@pytest.mark.parametrize(
    ("signals", "step"),
    [(Signals(canceled=True), Step.CANCEL), (Signals(superseded=True), Step.SUPERSEDE)],
)
def test_a_run_whose_holders_died_is_ended_as_any_other(signals: Signals, step: Step) -> None:
    """As canceled or superseded, and not as failed."""
    assert next_step(a_run(State.SENDING, turns=9), NOW, signals) is step


@pytest.mark.parametrize(("state", "jobs"), [(State.SENDING, 0), (State.CONFIRMING, 1)])
def test_a_run_has_five_attempts(state: State, jobs: int) -> None:
    """The holder after five that died ends it."""
    run, steps = a_run(state, jobs=jobs), []
    for _ in range(6):
        run.begin_turn(NOW)
        steps.append(next_step(run, NOW, Signals()) is Step.GET_NOWHERE)

    assert steps == [False] * 5 + [True]


def test_counting_after_a_cut_has_attempts_of_its_own() -> None:
    """However often holders died before: this turn and four more."""
    run, steps = a_run(State.SENDING, jobs=1, turns=4), []
    run.cut_short("canceled")
    for _ in range(5):
        steps.append(next_step(run, NOW, Signals()))
        run.begin_turn(NOW)

    assert steps == [Step.LOOK] * 5
    assert next_step(run, NOW, Signals()) is Step.GET_NOWHERE


def test_a_part_is_waited_for_three_times() -> None:
    """Then the run does without it."""
    run = a_run(State.CLOSING)
    assert [run.may_wait_for_part() for _ in range(5)] == [True, True, True, False, False]


def test_a_turn_ends_the_wait_before_it() -> None:
    """A holder that died in it leaves nothing to wait for."""
    run = a_run(State.SENDING, wait=Wait(until=NOW, reason="throttled"))
    run.begin_turn(NOW)
    assert run.wait is None


def test_a_job_of_the_past_keeps_its_time() -> None:
    """Only a time that has not come is put right."""
    run = a_run(State.CONFIRMING, jobs=1, age=timedelta(hours=3))
    run.begin_turn(NOW)
    assert run.deliveries.jobs[0].accepted_at == NOW - timedelta(hours=3)


@pytest.mark.parametrize(("limit", "warnings"), [(None, {}), (20, {"limited": 20})])
def test_a_pinned_run_shows_what_it_sends(limit: int | None, warnings: dict[str, int]) -> None:
    """Its segments, its status and its start; a trial is named as one."""
    run = a_run(State.PINNING)
    run.limit = limit
    plan = a_pinned_run({"A": "3"}).plan
    assert plan is not None
    run.pin(plan, NOW)

    assert run.plan == plan
    assert [segment.name for segment in run.record.segments] == ["A"]
    assert (run.record.status, run.record.started_at) == ("running", NOW)
    assert {warning.code: warning.count for warning in run.record.warnings} == warnings


def test_an_accepted_job_is_kept() -> None:
    """Behind those before it."""
    run = a_run(State.SENDING, jobs=1)
    run.accept(AcceptedJob(id="new", digest="n", batch="n", profiles=1, accepted_at=NOW))
    assert [job.id for job in run.deliveries.jobs] == ["0", "new"]


def test_counts_are_those_of_one_pass() -> None:
    """A second pass replaces the counts of the first, whichever of them came further."""
    run = a_run(State.SENDING, jobs=3)
    run.deliveries.finish_batch("0", {"0"}, {"invalid": 2})
    run.deliveries.sent_twice = 7
    run.count(selection(rows=900, filtered=90, duplicates=60, rejected_by_reason={"broken_row": 30}))
    run.count(
        selection(
            rows=50,
            filtered=5,
            duplicates=4,
            rejected_by_reason={"missing_email": 3},
            warnings={"phone_left_out": 6},
        )
    )

    counts = run.record.counts
    assert (counts.rows, counts.filtered, counts.duplicates, counts.rejected) == (50, 5, 4, 5)
    assert counts.sent == 30
    assert run.deliveries.checked == {"missing_email": 3}
    assert run.record.rejected_by_reason == {"invalid": 2, "missing_email": 3}
    warned = {warning.code: warning.count for warning in run.record.warnings}
    assert warned == {"sent_twice": 7, "phone_left_out": 6}


def test_a_look_puts_the_next_one_off() -> None:
    """The wait has no reason but Klaviyo's work."""
    run = a_run(State.CONFIRMING, jobs=1)
    run.finish_look(NOW, is_last=False)
    assert run.wait == Wait(until=NOW + timedelta(seconds=5), reason=None)
    assert run.deliveries.jobs[0].unconfirmed == 0


@pytest.mark.parametrize("cause", ["canceled", "superseded", "failed"])
def test_a_run_that_is_cut_short_says_why_and_waits_for_nothing(cause: Any) -> None:
    """A newer snapshot is told as a warning, too."""
    run = a_run(State.SENDING, jobs=1, wait=Wait(until=NOW, reason="throttled"))
    run.cut_short(cause)

    assert run.cut == Cut(cause=cause)
    assert run.wait is None
    assert run.record.warning_codes() == ({"superseded"} if cause == "superseded" else set())


def test_a_failure_while_counting_gives_the_jobs_up() -> None:
    """The run has the failure as its cause where nothing had cut it short before."""
    run = a_run(State.CONFIRMING, jobs=2)
    run.fail(ERROR)

    assert run.cut == Cut(cause="failed", error=ERROR)
    assert [job.status for job in run.deliveries.jobs] == ["lost", "lost"]


def test_a_wait_that_has_come_is_over() -> None:
    """At its very time."""
    run = a_run(State.SENDING, wait=Wait(until=NOW, reason="throttled"))
    assert run.wait_at(NOW) is None
    assert run.wait_at(NOW - timedelta(seconds=1)) == run.wait


def test_a_summary_counts_what_the_jobs_show() -> None:
    """Of those that are settled; the run's own record stays as it is."""
    run = a_run(State.CONFIRMING, jobs=4)
    run.deliveries.checked = {"missing_email": 3}
    complete, uncounted, lost, working = run.deliveries.jobs
    complete.complete(8, 2)
    uncounted.complete(6, 1)
    lost.lose()
    working.failed = 4  # as a document could say of a job that isn't settled
    working.unconfirmed = 4

    shown = run.summary()

    counts = shown.counts
    assert (counts.sent, counts.imported, counts.failed, counts.unconfirmed) == (40, 14, 3, 13)
    assert counts.rejected == 3
    assert [(job.id, job.status, job.failed) for job in shown.jobs] == [
        ("0", "complete", 2),
        ("1", "complete", 1),
        ("2", "lost", 0),
        ("3", "queued", 4),
    ]
    assert {warning.code: warning.count for warning in shown.warnings} == {"unconfirmed": 13}
    assert run.record.counts.sent == 0
    assert run.record.warnings == []


def test_a_summary_keeps_the_counts_of_a_head_without_checks() -> None:
    """An early version wrote heads that only have the sum."""
    run = a_run(State.CONFIRMING, jobs=1)
    run.record.count_rejected([("missing_email", 5)])
    assert run.summary().counts.rejected == 5
