"""An open run: its states, the next step, and the verbs that change it. Pure: nothing here does I/O.

    opened → pinning → (reading) → sending → confirming → (subscribing) → (removing) → closing → closed

Two things are independent of these states. A run can *wait*, until a time and for a reason. And it can be
*cut short*: then it posts nothing more, counts what Klaviyo has accepted so far, and closes. Only the verbs
of OpenRun and of its deliveries write a run's fields.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Self

from pydantic import Field, model_validator

from shared.profiles import Selection
from shared.runs.deliveries import AcceptedJob, Deliveries
from shared.runs.plan import Plan
from shared.runs.record import Count, ErrorRecord, RunRecord, StateModel, Time
from shared.runs.removal import Held, Members, Removal
from shared.runs.states import PHASES, TRANSITIONS, Cause, Cut, Rest, Signals, State, Step, Wait
from shared.runs.subscription import Subscription

# Turns in a row that began, did not end, and made no progress: their holders died.
MOST_UNFINISHED_TURNS = 5
# No cause requires more than an hour.
LONGEST_WAIT = timedelta(hours=1, minutes=5)
# Between checks whether a pause was lifted.
PAUSED_AGAIN = timedelta(seconds=5)
# Attempts to read parts while the storage is unavailable.
MOST_PART_FAILURES = 3
# Seconds between looks at the jobs; then every five minutes. Klaviyo says that large imports can take hours.
LOOKS = (5, 10, 20, 40, 60)
LATER = 300


class OpenRun(StateModel):
    """A run that is not yet closed.

    `limit` is how many profiles a trial sends; a `full` run sends everybody. `confirmed` is how many removals
    were confirmed, if any. A run with `reconcile` first reads the list's `members`; with `readd`, it sends
    people who are not among them again. `subscription` and `removal` are the progress of subscribing and
    removing people; `rows` counts each segment's rows. `erased` people of the do-not-send list were
    processed at the end, and `not_erased` of them may be at Klaviyo again. `unfinished_turns` counts turns in
    a row that began, did not end, and made no progress; `looks` counts the looks at the jobs;
    `part_failures` the failed attempts to read parts.
    """

    record: RunRecord
    state: State = State.OPENED
    wait: Wait | None = None
    cut: Cut | None = None
    plan: Plan | None = None
    limit: Count | None = None
    full: bool = False
    confirmed: Count | None = None
    reconcile: bool = False
    readd: bool = False
    members: Members = Field(default_factory=Members)
    subscription: Subscription = Field(default_factory=Subscription)
    removal: Removal | None = None
    rows: dict[str, Count] = Field(default_factory=dict)
    deliveries: Deliveries = Field(default_factory=Deliveries)
    erased: Count = 0
    not_erased: Count = 0
    unfinished_turns: Count = 0
    looks: Count = 0
    part_failures: Count = 0
    advanced_at: Time | None = None

    @model_validator(mode="after")
    def _fits_its_state(self) -> Self:
        """Jobs and a plan exist from sending on; only a run that was cut short can close without a plan."""
        has_begun = self.state not in (State.OPENED, State.PINNING)
        if self.plan is None and (self.deliveries.jobs or (has_begun and self.state is not State.CLOSING)):
            raise ValueError("a run that sends has a plan")
        if self.plan is not None and not has_begun:
            raise ValueError("a run that has a plan sends")
        if self.state is State.CLOSED or (self.state is State.CLOSING and not self.deliveries.is_settled):
            raise ValueError("an open run is not closed, and closes when its jobs are settled")
        return self

    @property
    def is_superseded(self) -> bool:
        return self.cut is not None and self.cut.cause == "superseded"

    @property
    def is_paused(self) -> bool:
        """Whether the run waits until a pause is lifted."""
        return self.wait is not None and self.wait.reason == "paused"

    def begin_turn(self, now: datetime) -> None:
        """A holder continues."""
        self.unfinished_turns += 1
        self.wait = None
        for job in self.deliveries.jobs:  # if a clock was ahead, the job would never be overdue
            job.accepted_at = min(job.accepted_at, now)
        if self.state is State.OPENED:
            self._enter(State.PINNING)

    def end_turn(self) -> None:
        """The holder ends its turn, alive."""
        self.unfinished_turns = 0

    def pin(self, plan: Plan, now: datetime) -> None:
        """The plan is fixed: from now on, each holder does the same."""
        self.plan = plan
        self.record.segments = [segment.record() for segment in plan.segments]
        self.record.status = "running"
        self.record.started_at = now
        if self.limit is not None:
            self.record.warn("limited", self.limit)
        self._enter(State.READING if self.reconcile else State.SENDING)

    def keep_members(self, count: int, *, is_last: bool) -> None:
        """Some of the list's members were stored."""
        self.members.parts += 1
        self.members.count += count
        self.members.is_read = is_last
        self.unfinished_turns = 0

    def read_members_again(self) -> None:
        """Klaviyo can't continue from the cursor: the members are read again from the first one."""
        self.members = Members()

    def keep_absent(self) -> None:
        """Some of the people who are not on the list were looked up."""
        self.members.absent_parts += 1
        self.unfinished_turns = 0

    def finish_reading(self) -> None:
        """All members of the list were read."""
        self._enter(State.SENDING)

    def send_all(self) -> None:
        """Everybody is to be sent this time, except people who left the list by themselves."""
        self.full = self.reconcile = True

    def accept(self, job: AcceptedJob) -> None:
        """Klaviyo accepted a post."""
        self.deliveries.jobs.append(job)
        self.unfinished_turns = 0

    def count(self, selection: Selection) -> None:
        """Sets the counts to those of a pass over the rows, up to where it got; they are never added up."""
        counts = self.record.counts
        self.deliveries.checked = dict(selection.rejected_by_reason)
        counts.rows = selection.rows
        counts.filtered = selection.filtered
        counts.duplicates = selection.duplicates
        counts.unchanged = selection.unchanged
        counts.sent = self.deliveries.profiles
        self.rows = dict(selection.rows_by_segment)
        self.record.count_rejected(self.deliveries.refusals())
        self.record.warn("sent_twice", self.deliveries.sent_twice)
        if self.reconcile:
            self.record.warn("left_by_themselves", selection.off)
        for code, count in selection.warnings.items():
            self.record.warn(code, count)

    def note_leavers(self, removal: Removal) -> None:
        """A complete pass found the people who have left the segment."""
        self.removal = removal

    def finish_sending(self) -> None:
        """Klaviyo has accepted everything that is to be sent."""
        self._enter(State.CONFIRMING)

    def finish_look(self, now: datetime, *, is_last: bool) -> None:
        """The jobs have Klaviyo's statuses; after the last look, open ones count as unconfirmed."""
        if is_last:
            self.deliveries.give_up()
        if self.deliveries.is_settled:
            self._enter(State.SUBSCRIBING if self._may_subscribe() else self._after_subscribing())
            return
        seconds = LOOKS[self.looks] if self.looks < len(LOOKS) else LATER
        self.looks += 1
        self.wait = Wait(until=now + timedelta(seconds=seconds))

    def wait_until(self, until: datetime, reason: str) -> None:
        """Something is unavailable, or forbidden for now: the run continues later, in the same state."""
        self.wait = Wait(until=until, reason=reason)

    def may_wait_for_part(self) -> bool:
        """A part of the run can't be read now. Returns whether to retry later, or do without it."""
        self.part_failures += 1
        return self.part_failures <= MOST_PART_FAILURES

    def cut_short(self, cause: Cause, error: ErrorRecord | None = None) -> None:
        """Nothing more is posted; accepted jobs are still counted."""
        self.cut = Cut(cause=cause, error=error)
        self.wait = None
        self.unfinished_turns = 1  # this turn: counting the jobs has its own attempts
        if cause == "superseded":
            self.record.warn("superseded")
        is_unsettled = self.deliveries.jobs and self.state is State.SENDING
        self._enter(State.CONFIRMING if is_unsettled else State.CLOSING)

    def fail(self, error: ErrorRecord) -> None:
        """A retry is no use. If the jobs were being counted, that ends, too."""
        if self.state is not State.CONFIRMING:
            self.cut_short("failed", error)
            return
        cut = self.cut or Cut(cause="failed")
        self.cut = Cut(cause=cut.cause, error=cut.error or error)
        self.deliveries.give_up()
        self._enter(State.CLOSING)

    def finish_subscriptions(self, *, subscribed: int, not_subscribed: int) -> None:
        """Some of the people who may be subscribed were processed."""
        self.subscription.chunks += 1
        self.subscription.subscribed += subscribed
        self.subscription.not_subscribed += not_subscribed
        self.unfinished_turns = 0

    def note_not_subscribed(self, count: int) -> None:
        """Their consents are still to be used."""
        self.subscription.not_subscribed = count

    def finish_subscribing(self) -> None:
        """All were processed, or the run of a newer snapshot handles the others."""
        self._enter(self._after_subscribing())

    def begin_removing(self, now: datetime, kept_for_another: int, *, is_shared: bool) -> None:
        """Removing begins, without people who stay on the list for another export."""
        removal = self._removal()
        removal.began_at = removal.began_at or now
        removal.kept_for_another = kept_for_another
        removal.is_shared = is_shared

    def allow_removals(self) -> None:
        """Nothing holds the removals."""
        self._removal().is_allowed = True

    def finish_chunk(self, settled: int, *, removed: int, merged_kept: int, unmatched: int) -> None:
        """The outcome for some of the people who left is known."""
        removal = self._removal()
        removal.chunks += 1
        removal.settled += settled
        removal.removed += removed
        removal.merged_kept += merged_kept
        removal.unmatched += unmatched
        self.unfinished_turns = 0

    def finish_removing(self) -> None:
        """The outcome for all of them is known."""
        self._enter(State.CLOSING)

    def note_strangers(self, count: int) -> None:
        """Strangers stay on the list."""
        self.record.warn("strangers", count)

    def hold_removals(self, count: int, why: Iterable[Held]) -> None:
        """Removals need confirmation: the people who left stay on the list, and on the ledger."""
        advice = " ".join(held.advice(self.record.export) for held in why)
        self.record.warn("removals_held", count, advice)
        self._enter(State.CLOSING)

    def postpone_removals(self) -> None:
        """The next run handles the people who are still to be removed."""
        self.record.warn("removals_pending", self._removal().pending)
        self._enter(State.CLOSING)

    def finish_erasing(self, erased: int, *, missed: int = 0) -> None:
        """The first `erased` people of the do-not-send list are done; `missed` more may be at Klaviyo."""
        self.erased = erased
        self.not_erased += missed

    def close(self) -> None:
        """The record is written."""
        self._enter(State.CLOSED)

    def wait_at(self, now: datetime) -> Wait | None:
        """The run's wait, if it isn't over and its end is plausible."""
        wait = self.wait
        return wait if wait is not None and now < wait.until and is_believed(wait.until, now) else None

    def summary(self) -> RunRecord:
        """The current record, with counts from the jobs."""
        record = self.record.model_copy(deep=True)
        jobs = self.deliveries.jobs
        record.jobs = [job.record() for job in jobs]
        if self.deliveries.checked is not None:
            record.count_rejected(self.deliveries.refusals())
        record.counts.sent = self.deliveries.profiles
        record.counts.new = sum(job.new for job in jobs)
        record.counts.changed = sum(job.changed for job in jobs)
        record.counts.imported = sum(job.imported for job in jobs)
        record.counts.failed = sum(job.failed for job in jobs if job.is_settled)
        record.counts.unconfirmed = sum(job.unconfirmed for job in jobs if job.is_settled)
        record.warn("unconfirmed", record.counts.unconfirmed)
        record.counts.subscribed = self.subscription.subscribed
        record.warn("not_subscribed", self.subscription.not_subscribed)
        record.warn("not_erased_again", self.not_erased)
        if self.removal is not None:
            record.counts.removed = self.removal.removed
            record.warn("kept_for_another", self.removal.kept_for_another)
            record.warn("merged_kept", self.removal.merged_kept)
            record.warn("removals_unmatched", self.removal.unmatched)
        if self.plan is not None and self.plan.ledger is not None and self.plan.ledger.is_remapped:
            record.warn("full_resend", record.counts.sent - record.counts.new - record.counts.changed)
        return record

    def _may_subscribe(self) -> bool:
        """Whether people are subscribed: only if it is known who is new, and not in full runs and trials."""
        if self.plan is None or self.plan.export.consent is None or self.cut is not None:
            return False
        ledger = self.plan.ledger
        return ledger is not None and ledger.is_whole and not self.full and self.limit is None

    def _after_subscribing(self) -> State:
        return State.REMOVING if self._may_remove() else State.CLOSING

    def _may_remove(self) -> bool:
        """Whether people who left may be removed: only once the outcome for all who were sent is certain."""
        removal = self.removal
        if self.cut is not None or removal is None:
            return False
        if not (removal.left or removal.is_first or self.reconcile):
            return False
        is_certain = not any(job.unconfirmed for job in self.deliveries.jobs)
        if not is_certain:
            self.record.warn("removals_pending", removal.left)
        return is_certain

    def _removal(self) -> Removal:
        if self.removal is None:
            raise LookupError("nobody has left")
        return self.removal

    def _enter(self, state: State) -> None:
        if state not in TRANSITIONS[self.state]:
            raise ValueError(f"a run does not go from {self.state} to {state}")
        self.state = state
        self.record.phase = PHASES[state]


def is_believed(time: datetime, now: datetime) -> bool:
    """Whether a stored time is plausible: one that is further ahead is from a wrong clock."""
    return time <= now + LONGEST_WAIT


def next_step(run: OpenRun, now: datetime, signals: Signals) -> Step | Rest:
    """The next step for the holder of a run."""
    is_worn_out = run.unfinished_turns > MOST_UNFINISHED_TURNS
    match run.state:
        case State.OPENED | State.PINNING | State.READING | State.SENDING:
            if signals.canceled:
                return Step.CANCEL
            if signals.superseded:
                return Step.SUPERSEDE
            if is_worn_out:
                return Step.GET_NOWHERE
            sends = Step.READ if run.state is State.READING else Step.SEND
            step = Step.PIN if run.plan is None else sends
        case State.SUBSCRIBING | State.REMOVING:
            is_removing = run.state is State.REMOVING
            if signals.canceled:
                return Step.CANCEL
            if signals.superseded:
                return Step.STOP_REMOVING if is_removing else Step.STOP_SUBSCRIBING
            if is_worn_out:
                return Step.GET_NOWHERE
            step = Step.REMOVE if is_removing else Step.SUBSCRIBE
        case State.CONFIRMING:
            if is_worn_out:
                return Step.GET_NOWHERE
            if run.is_superseded or signals.newer_due or run.deliveries.is_overdue(now):
                return Step.LAST_LOOK
            step = Step.LOOK
        case _:
            step = Step.CLOSE
    if run.is_paused:
        return Rest(now + PAUSED_AGAIN) if signals.paused else step
    wait = run.wait_at(now)
    return Rest(wait.until) if wait else step
