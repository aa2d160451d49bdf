"""The states of a run, what leads from one to another, and the words for what crosses them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from shared.runs.record import ErrorRecord, Phase, StateModel, Time


class State(StrEnum):
    OPENED = "opened"  # no holder has worked on it yet
    PINNING = "pinning"  # a holder looks for the snapshots and checks the configuration
    READING = "reading"  # who is on the list is read, to compare with who was sent
    SENDING = "sending"  # the plan is pinned; Klaviyo has not accepted all batches yet
    CONFIRMING = "confirming"  # nothing more is posted; Klaviyo still works on the jobs
    SUBSCRIBING = "subscribing"  # people who consented are subscribed, once they are imported
    REMOVING = "removing"  # who has left the segment is taken off the list
    CLOSING = "closing"  # nothing is left but to write the record
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

# To which states each leads. Cutting a run short skips what is left to send, and what is left to confirm.
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
    """Why a run ends before its end. `error` is the first failure, maybe while its jobs were counted."""

    cause: Cause
    error: ErrorRecord | None = None


@dataclass(frozen=True, slots=True)
class Signals:
    """What happens outside of a run. `superseded`: a newer snapshot ends what it does. `newer_due`: an
    export of a newer snapshot waits for it to be confirmed. `paused` counts for a run that waits for the
    end of a pause."""

    canceled: bool = False
    superseded: bool = False
    newer_due: bool = False
    paused: bool = False


class Step(StrEnum):
    PIN = "find the snapshots, check everything, write the plan"
    READ = "read who is on the list"
    SEND = "post what Klaviyo has not accepted yet"
    LOOK = "look at the jobs"
    LAST_LOOK = "look at the jobs, and close whatever they show"
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
