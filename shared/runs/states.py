"""The states of a run, their transitions, and the types that are independent of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from shared.runs.record import ErrorRecord, Phase, StateModel, Time


class State(StrEnum):
    OPENED = "opened"  # no holder has worked on it yet
    PINNING = "pinning"  # a holder looks for the snapshots and checks the configuration
    READING = "reading"  # the list's members are read, to compare them with the people who were sent
    SENDING = "sending"  # the plan is pinned; Klaviyo has not accepted all batches yet
    CONFIRMING = "confirming"  # nothing more is posted; Klaviyo still works on the jobs
    SUBSCRIBING = "subscribing"  # people who consented are subscribed, once they are imported
    REMOVING = "removing"  # people who have left the segment are removed from the list
    CLOSING = "closing"  # only the record is left to write
    CLOSED = "closed"  # the record is written


PHASES: Mapping[State, Phase] = {
    State.OPENED: "sending",
    State.PINNING: "sending",
    State.READING: "sending",
    State.SENDING: "sending",
    State.CONFIRMING: "confirming",
    State.SUBSCRIBING: "subscribing",
    State.REMOVING: "removing",
    State.CLOSING: "confirming",
    State.CLOSED: "closed",
}

# The states that can follow each. Cutting a run short skips the rest of sending, and all of confirming.
TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.OPENED: frozenset({State.PINNING}),
    State.PINNING: frozenset({State.READING, State.SENDING, State.CLOSING}),
    State.READING: frozenset({State.SENDING, State.CLOSING}),
    State.SENDING: frozenset({State.CONFIRMING, State.CLOSING}),
    State.CONFIRMING: frozenset({State.SUBSCRIBING, State.REMOVING, State.CLOSING}),
    State.SUBSCRIBING: frozenset({State.REMOVING, State.CLOSING}),
    State.REMOVING: frozenset({State.CLOSING}),
    State.CLOSING: frozenset({State.CLOSED}),
    State.CLOSED: frozenset(),
}

type Cause = Literal["canceled", "superseded", "failed"]


class Wait(StateModel):
    """`reason` is the code of a cause; None while Klaviyo works on the jobs."""

    until: Time
    reason: str | None = None


class Cut(StateModel):
    """Why a run ends early. `error` is the first failure, maybe while its jobs were counted."""

    cause: Cause
    error: ErrorRecord | None = None


@dataclass(frozen=True, slots=True)
class Signals:
    """Signals from outside of a run. `superseded`: a newer snapshot ends its work. `newer_due`: the export of
    a newer snapshot waits until it is confirmed. `paused`: the pause that the run waits for is still in
    effect."""

    canceled: bool = False
    superseded: bool = False
    newer_due: bool = False
    paused: bool = False


class Step(StrEnum):
    PIN = "find the snapshots, check everything, write the plan"
    READ = "read the list's members"
    SEND = "post what Klaviyo has not accepted yet"
    LOOK = "look at the jobs"
    LAST_LOOK = "look at the jobs, and close regardless of their status"
    SUBSCRIBE = "subscribe the people who consented"
    STOP_SUBSCRIBING = "leave the remaining people who consented to the next run: a newer snapshot exists"
    REMOVE = "remove the people who left from the list"
    STOP_REMOVING = "leave the remaining people who left to the next run: a newer snapshot exists"
    CLOSE = "write the record"
    CANCEL = "end early: the run was canceled"
    SUPERSEDE = "end early: a newer snapshot exists"
    GET_NOWHERE = "fail: every holder died without progress"


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing can be done until then."""

    until: datetime
