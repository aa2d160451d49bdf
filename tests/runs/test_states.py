"""The states of a run: what comes next in each, and what each verb makes of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.runs.deliveries import GIVE_UP_AFTER, AcceptedJob
from shared.runs.plan import PinnedLedger
from shared.runs.record import ErrorRecord
from shared.runs.removal import Removal
from shared.runs.run import LONGEST_WAIT, MOST_UNFINISHED_TURNS, PAUSED_AGAIN, OpenRun, next_step
from shared.runs.states import PHASES, TRANSITIONS, Cut, Rest, Signals, State, Step, Wait
from tests.support.open_runs import NOW, PLAN, SUBSCRIBING_PLAN, a_run

SOON = NOW + timedelta(seconds=30)
ERROR = ErrorRecord(code="invalid_key", message="Put a valid key into the vault.")
CANCELED, SUPERSEDED = Signals(canceled=True), Signals(superseded=True)
NEWER_DUE, PAUSED = Signals(newer_due=True), Signals(paused=True)


THROTTLED = Wait(until=SOON, reason="throttled")
OVER = Wait(until=NOW, reason="throttled")
WRONG_CLOCK = Wait(until=NOW + LONGEST_WAIT + timedelta(seconds=1), reason="throttled")
ON_PAUSE = Wait(until=NOW + timedelta(minutes=20), reason="paused")
WORN_OUT = MOST_UNFINISHED_TURNS + 1
OLD = GIVE_UP_AFTER + timedelta(seconds=1)
REST, NEVERMIND = Rest(SOON), Signals()

NEXT: list[tuple[OpenRun, Signals, Step | Rest]] = [
    # Nothing crosses the run.
    (a_run(State.OPENED), NEVERMIND, Step.PIN),
    (a_run(State.PINNING), NEVERMIND, Step.PIN),
    (a_run(State.READING), NEVERMIND, Step.READ),
    (a_run(State.SENDING), NEVERMIND, Step.SEND),
    (a_run(State.SENDING, jobs=2), NEVERMIND, Step.SEND),
    (a_run(State.CONFIRMING, jobs=2), NEVERMIND, Step.LOOK),
    (a_run(State.SUBSCRIBING, jobs=2), NEVERMIND, Step.SUBSCRIBE),
    (a_run(State.REMOVING, jobs=2, left=3), NEVERMIND, Step.REMOVE),
    (a_run(State.CLOSING), NEVERMIND, Step.CLOSE),
    # It waits, as long as that can be believed.
    *[
        (a_run(state, wait=THROTTLED), NEVERMIND, REST)
        for state in (State.PINNING, State.SENDING, State.CONFIRMING, State.CLOSING)
    ],
    (a_run(State.SENDING, wait=OVER), NEVERMIND, Step.SEND),
    (a_run(State.SENDING, wait=WRONG_CLOCK), NEVERMIND, Step.SEND),
    (a_run(State.CONFIRMING, jobs=1, wait=WRONG_CLOCK), NEVERMIND, Step.LOOK),
    (a_run(State.CLOSING, wait=WRONG_CLOCK), NEVERMIND, Step.CLOSE),
    # A pause lasts as long as somebody keeps it, whatever was written down.
    (a_run(State.SENDING, wait=ON_PAUSE), PAUSED, Rest(NOW + PAUSED_AGAIN)),
    (a_run(State.SENDING, wait=ON_PAUSE), NEVERMIND, Step.SEND),
    (a_run(State.SENDING), PAUSED, Step.SEND),
    # Somebody cancels it, or a newer snapshot is there: a wait keeps neither back.
    *[
        (a_run(state, wait=THROTTLED), signals, step)
        for state in (State.OPENED, State.PINNING, State.READING, State.SENDING)
        for signals, step in ((CANCELED, Step.CANCEL), (SUPERSEDED, Step.SUPERSEDE))
    ],
    (a_run(State.SENDING), Signals(canceled=True, superseded=True), Step.CANCEL),
    (a_run(State.CONFIRMING, jobs=1, wait=THROTTLED), NEWER_DUE, Step.LAST_LOOK),
    (a_run(State.CONFIRMING, jobs=1, cut=Cut(cause="canceled")), NEWER_DUE, Step.LAST_LOOK),
    (a_run(State.CONFIRMING, jobs=1, cut=Cut(cause="superseded")), NEVERMIND, Step.LAST_LOOK),
    (a_run(State.CONFIRMING, jobs=1, cut=Cut(cause="canceled")), NEVERMIND, Step.LOOK),
    (a_run(State.CONFIRMING, jobs=1, cut=Cut(cause="failed")), NEVERMIND, Step.LOOK),
    (a_run(State.CONFIRMING, jobs=1, wait=THROTTLED), CANCELED, REST),
    # So it is while people are subscribed.
    (a_run(State.SUBSCRIBING, wait=THROTTLED), NEVERMIND, REST),
    (a_run(State.SUBSCRIBING, wait=THROTTLED), CANCELED, Step.CANCEL),
    (a_run(State.SUBSCRIBING, wait=THROTTLED), SUPERSEDED, Step.STOP_SUBSCRIBING),
    (a_run(State.SUBSCRIBING, wait=ON_PAUSE), PAUSED, Rest(NOW + PAUSED_AGAIN)),
    (a_run(State.SUBSCRIBING, turns=WORN_OUT), NEVERMIND, Step.GET_NOWHERE),
    # And while they are removed.
    (a_run(State.REMOVING, left=3, wait=THROTTLED), NEVERMIND, REST),
    (a_run(State.REMOVING, left=3, wait=THROTTLED), CANCELED, Step.CANCEL),
    (a_run(State.REMOVING, left=3, wait=THROTTLED), SUPERSEDED, Step.STOP_REMOVING),
    (a_run(State.REMOVING, left=3), Signals(canceled=True, superseded=True), Step.CANCEL),
    (a_run(State.REMOVING, left=3, turns=WORN_OUT), NEVERMIND, Step.GET_NOWHERE),
    (a_run(State.REMOVING, jobs=1, left=3, age=OLD), NEVERMIND, Step.REMOVE),
    # Klaviyo had a day for the jobs.
    (a_run(State.CONFIRMING, jobs=1, age=OLD), NEVERMIND, Step.LAST_LOOK),
    (a_run(State.SENDING, jobs=1, age=OLD), NEVERMIND, Step.SEND),
    # Its holders die.
    (a_run(State.PINNING, turns=MOST_UNFINISHED_TURNS), NEVERMIND, Step.PIN),
    (a_run(State.PINNING, turns=WORN_OUT), NEVERMIND, Step.GET_NOWHERE),
    (a_run(State.READING, turns=WORN_OUT), NEVERMIND, Step.GET_NOWHERE),
    (a_run(State.SENDING, turns=WORN_OUT), NEVERMIND, Step.GET_NOWHERE),
    (a_run(State.SENDING, turns=WORN_OUT), CANCELED, Step.CANCEL),
    (a_run(State.CONFIRMING, jobs=1, turns=WORN_OUT), NEVERMIND, Step.GET_NOWHERE),
    (a_run(State.CLOSING, turns=WORN_OUT), NEVERMIND, Step.CLOSE),
]


@pytest.mark.parametrize(("run", "signals", "step"), NEXT)
def test_what_comes_next(run: OpenRun, signals: Signals, step: Step | Rest) -> None:
    """Each state has one next step, and what crosses a run changes it in one way."""
    assert next_step(run, NOW, signals) == step


def pin_to_reconcile(run: OpenRun) -> None:
    run.reconcile = True
    run.pin(PLAN, NOW)


def look_with_leavers(run: OpenRun) -> None:
    run.note_leavers(Removal(known=10, left=3, present=7))
    run.finish_look(NOW, is_last=False)


def look_with_consents(run: OpenRun) -> None:
    run.plan = SUBSCRIBING_PLAN
    run.finish_look(NOW, is_last=False)


def subscribe_with_leavers(run: OpenRun) -> None:
    run.note_leavers(Removal(known=10, left=3, present=7))
    run.finish_subscribing()


CROSSINGS: list[tuple[State, int, Callable[[OpenRun], None], State]] = [
    (State.OPENED, 0, lambda run: run.begin_turn(NOW), State.PINNING),
    (State.PINNING, 0, lambda run: run.pin(PLAN, NOW), State.SENDING),
    (State.PINNING, 0, lambda run: pin_to_reconcile(run), State.READING),
    (State.READING, 0, lambda run: run.finish_reading(), State.SENDING),
    (State.READING, 0, lambda run: run.cut_short("canceled"), State.CLOSING),
    (State.READING, 0, lambda run: run.fail(ERROR), State.CLOSING),
    (State.PINNING, 0, lambda run: run.cut_short("canceled"), State.CLOSING),
    (State.PINNING, 0, lambda run: run.cut_short("superseded"), State.CLOSING),
    (State.PINNING, 0, lambda run: run.fail(ERROR), State.CLOSING),
    (State.SENDING, 1, lambda run: run.finish_sending(), State.CONFIRMING),
    (State.SENDING, 0, lambda run: run.finish_sending(), State.CONFIRMING),
    # What Klaviyo has accepted is counted, however the run is cut short.
    (State.SENDING, 1, lambda run: run.cut_short("canceled"), State.CONFIRMING),
    (State.SENDING, 1, lambda run: run.cut_short("superseded"), State.CONFIRMING),
    (State.SENDING, 1, lambda run: run.fail(ERROR), State.CONFIRMING),
    (State.SENDING, 0, lambda run: run.cut_short("canceled"), State.CLOSING),
    (State.SENDING, 0, lambda run: run.fail(ERROR), State.CLOSING),
    (State.CONFIRMING, 0, lambda run: run.finish_look(NOW, is_last=False), State.CLOSING),
    (State.CONFIRMING, 1, lambda run: run.finish_look(NOW, is_last=True), State.CLOSING),
    (State.CONFIRMING, 1, lambda run: run.fail(ERROR), State.CLOSING),
    (State.CONFIRMING, 0, lambda run: look_with_leavers(run), State.REMOVING),
    (State.CONFIRMING, 0, lambda run: look_with_consents(run), State.SUBSCRIBING),
    (State.SUBSCRIBING, 1, lambda run: run.cut_short("canceled"), State.CLOSING),
    (State.SUBSCRIBING, 1, lambda run: run.fail(ERROR), State.CLOSING),
    (State.SUBSCRIBING, 1, lambda run: run.finish_subscribing(), State.CLOSING),
    (State.SUBSCRIBING, 1, lambda run: subscribe_with_leavers(run), State.REMOVING),
    (State.REMOVING, 1, lambda run: run.cut_short("canceled"), State.CLOSING),
    (State.REMOVING, 1, lambda run: run.fail(ERROR), State.CLOSING),
    (State.REMOVING, 0, lambda run: run.finish_removing(), State.CLOSING),
    (State.CLOSING, 0, lambda run: run.close(), State.CLOSED),
    # These lead nowhere else.
    (State.SUBSCRIBING, 1, lambda run: run.wait_until(SOON, "throttled"), State.SUBSCRIBING),
    (State.REMOVING, 1, lambda run: run.wait_until(SOON, "throttled"), State.REMOVING),
    (State.PINNING, 0, lambda run: run.begin_turn(NOW), State.PINNING),
    (State.SENDING, 1, lambda run: run.begin_turn(NOW), State.SENDING),
    (State.SENDING, 1, lambda run: run.end_turn(), State.SENDING),
    (State.SENDING, 1, lambda run: run.wait_until(SOON, "throttled"), State.SENDING),
    (State.CONFIRMING, 1, lambda run: run.finish_look(NOW, is_last=False), State.CONFIRMING),
    (State.CONFIRMING, 1, lambda run: run.wait_until(SOON, "throttled"), State.CONFIRMING),
    (State.CLOSING, 0, lambda run: run.wait_until(SOON, "storage_unavailable"), State.CLOSING),
]


@pytest.mark.parametrize(("state", "jobs", "verb", "follows"), CROSSINGS)
def test_where_each_verb_leads(
    state: State, jobs: int, verb: Callable[[OpenRun], None], follows: State
) -> None:
    """To one state, which the phase of the record follows."""
    run = a_run(state, jobs=jobs)

    verb(run)

    assert run.state is follows
    assert run.record.phase == PHASES[follows] or state is follows


def test_the_table_has_every_transition() -> None:
    """Each that the code allows is reached by a verb above, and no other."""
    reached = {(state, follows) for state, _, _, follows in CROSSINGS if state is not follows}

    assert reached == {(state, follows) for state in State for follows in TRANSITIONS[state]}


@pytest.mark.parametrize(
    ("state", "verb"),
    [
        (State.SENDING, lambda run: run.pin(PLAN, NOW)),
        (State.PINNING, lambda run: run.finish_sending()),
        (State.SENDING, lambda run: run.close()),
        (State.CLOSING, lambda run: run.cut_short("canceled")),
    ],
)
def test_a_transition_that_is_not_one_is_refused(state: State, verb: Callable[[OpenRun], None]) -> None:
    """A verb in a state in which it makes no sense is a bug, and changes nothing."""
    with pytest.raises(ValueError, match="a run does not go"):
        verb(a_run(state))


@pytest.mark.parametrize(
    ("ledger", "changes"),
    [
        (None, {}),
        (SUBSCRIBING_PLAN.ledger and SUBSCRIBING_PLAN.ledger.model_copy(update={"is_whole": False}), {}),
        (SUBSCRIBING_PLAN.ledger, {"full": True}),
        (SUBSCRIBING_PLAN.ledger, {"limit": 5}),
        (SUBSCRIBING_PLAN.ledger, {"cut": Cut(cause="canceled")}),
    ],
    ids=["no ledger", "a lost ledger", "full", "a trial", "cut short"],
)
def test_nobody_is_subscribed_unless_it_is_known_who_is_new(
    ledger: PinnedLedger | None, changes: dict[str, Any]
) -> None:
    """Neither where everybody goes again, nor in a run that ends early."""
    run = a_run(State.CONFIRMING)
    run.plan = SUBSCRIBING_PLAN.model_copy(update={"ledger": ledger})
    for name, value in changes.items():
        setattr(run, name, value)

    run.finish_look(NOW, is_last=False)

    assert run.state is State.CLOSING


def test_a_failure_is_told_whatever_follows() -> None:
    """The first error stands; a run that was canceled before stays canceled."""
    run = a_run(State.SENDING, jobs=1)
    run.cut_short("canceled")
    run.fail(ERROR)
    run_that_failed = a_run(State.SENDING, jobs=1)
    run_that_failed.fail(ERROR)
    run_that_failed.fail(ErrorRecord(code="denied", message="No."))

    assert run.cut == Cut(cause="canceled", error=ERROR)
    assert run_that_failed.cut == Cut(cause="failed", error=ERROR)
    assert [job.unconfirmed for job in run.deliveries.jobs] == [10]


def test_only_unfinished_turns_count_as_deaths() -> None:
    """A turn that ends, or in which Klaviyo accepts a job, begins the count anew; so does cutting short."""
    run = a_run(State.SENDING)
    for _ in range(4):
        run.begin_turn(NOW)
    assert run.unfinished_turns == 4
    run.accept(AcceptedJob(id="1", digest="1", batch="1", profiles=1, accepted_at=NOW))
    assert run.unfinished_turns == 0
    run.begin_turn(NOW)
    run.end_turn()
    assert run.unfinished_turns == 0
    for _ in range(MOST_UNFINISHED_TURNS):
        run.begin_turn(NOW)
    run.cut_short("canceled")
    assert next_step(run, NOW, Signals()) is Step.LOOK


def test_looks_come_further_and_further_apart() -> None:
    """After 5, 10, 20, 40 and 60 seconds, then every five minutes."""
    run, now, pauses = a_run(State.CONFIRMING, jobs=1), NOW, []
    for _ in range(7):
        run.finish_look(now, is_last=False)
        assert run.wait is not None
        pauses.append((run.wait.until - now).total_seconds())
        now = run.wait.until

    assert pauses == [5, 10, 20, 40, 60, 300, 300]


def test_a_job_accepted_by_a_clock_that_was_ahead_becomes_overdue() -> None:
    """Its day begins when a holder with the right time sees it."""
    run = a_run(State.CONFIRMING, jobs=1, age=timedelta(days=-30))
    run.begin_turn(NOW)

    assert next_step(run, NOW + OLD, Signals()) is Step.LAST_LOOK
