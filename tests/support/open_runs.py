"""Open runs in any state, without a store."""

import json
from datetime import timedelta

from shared.catalog import Export
from shared.klaviyo import JobStatus
from shared.runs.deliveries import AcceptedJob, Deliveries
from shared.runs.plan import PinnedLedger, PinnedPartition, PinnedSegment, Plan
from shared.runs.record import RunRecord
from shared.runs.removal import Removal
from shared.runs.run import OpenRun
from shared.runs.states import Cut, State, Wait
from tests.support.documents import SHORT_EXPORT
from tests.support.world import MONDAY

NOW = MONDAY + timedelta(hours=1)
# The id of a run that is none of the tests'.
ANOTHER_RUN = "another.20260824T143300Z-0000"
PLAN = Plan(
    export=Export.parse("exports/vip.json", json.dumps(SHORT_EXPORT).encode()),
    account_id="SNDBOX",
    segments=[],
)

CONSENT = {
    "only_if": {"column": "Newsletter consent", "equals": "True"},
    "consent": {"subscribe": "email", "consented_at": "CreatedOn"},
}
SUBSCRIBING_PLAN = PLAN.model_copy(
    update={
        "export": Export.parse("exports/vip.json", json.dumps(SHORT_EXPORT | CONSENT).encode()),
        "ledger": PinnedLedger(key="key", is_whole=True),
    }
)


def a_run(
    state: State,
    *,
    jobs: int = 0,
    wait: Wait | None = None,
    cut: Cut | None = None,
    turns: int = 0,
    age: timedelta = timedelta(minutes=1),
    pinned: bool = True,
    left: int = 0,
) -> OpenRun:
    """A run in this state, with so many jobs that Klaviyo accepted some time ago, which are settled where
    that comes with the state; `pinned` is whether it has the plan that does. Of its segment `left` people
    have left."""
    record = RunRecord(
        id="vip.20260824T143300Z-0000",
        export="vip",
        trigger="schedule",
        requested_by="timer",
        created_at=MONDAY,
    )
    is_settled = state in (State.SUBSCRIBING, State.REMOVING, State.CLOSING, State.CLOSED)
    status = JobStatus.COMPLETE if is_settled else JobStatus.QUEUED
    accepted = [
        AcceptedJob(id=f"{n}", digest=f"{n}", batch=f"{n}", profiles=10, accepted_at=NOW - age, status=status)
        for n in range(jobs)
    ]
    is_pinned = pinned and state not in (State.OPENED, State.PINNING)
    return OpenRun(
        record=record,
        state=state,
        wait=wait,
        cut=cut,
        plan=PLAN if is_pinned else None,
        deliveries=Deliveries(jobs=accepted),
        unfinished_turns=turns,
        removal=Removal(known=2 * left, left=left, present=left) if left else None,
    )


def a_pinned_run(
    versions: dict[str, str],
    *,
    state: State = State.SENDING,
    wait: Wait | None = None,
    cut: Cut | None = None,
) -> OpenRun:
    """A run whose plan has snapshots of these versions."""
    run = a_run(state, wait=wait, cut=cut)
    segments = [
        PinnedSegment(
            name=name,
            folder=f"{name}/{version}",
            version=version,
            refreshed_at=MONDAY,
            columns=[],
            has_header=True,
            delimiter=",",
            partitions=[PinnedPartition(name=f"{name}/1.csv", etag="1", size=1)],
        )
        for name, version in versions.items()
    ]
    run.plan = PLAN.model_copy(update={"segments": segments})
    return run
