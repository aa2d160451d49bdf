"""The head of an export: what an attempt and the end of a run leave in it, and what a listing shows."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared import state
from shared.adapters.storage.store import BlobInfo, Store
from shared.errors import InvalidDocument, NewerVersion
from shared.runs.heads.head import Head, LastRun, create_head, read_entry, read_head
from shared.runs.heads.index import IndexEntry, Retry
from shared.runs.record import Status
from shared.runs.run import OpenRun
from shared.runs.states import Cut, State, Wait
from tests.support.open_runs import NOW, a_pinned_run, a_run
from tests.support.stores import CountingStore
from tests.support.world import MONDAY

NEWER = {"A": "3", "B": "2"}
RETRY = Retry(versions=NEWER, attempts=2, not_before=NOW)


def a_head(open_run: OpenRun | None = None, **changes: Any) -> Head:
    members = {"export": "vip", "exported": {"A": "2", "B": "2"}, "scheduled_at": MONDAY, "open": open_run}
    return Head.model_validate(members | changes)


def minutes(head: Head, now: datetime) -> float:
    assert head.retry is not None
    return (head.retry.not_before - now).total_seconds() / 60


def attempts(head: Head) -> tuple[int, str | None]:
    """How many, and what the next one waits for."""
    assert head.retry is not None
    return head.retry.attempts, head.retry.waits_for


def test_attempts_are_put_off_further_and_further() -> None:
    """By 5, 15 and 60 minutes, then hourly; each is one more for the same snapshots."""
    head, found = a_head(), []
    for _ in range(5):
        head.begin_attempt(NEWER, NOW)
        assert head.retry is not None
        found.append((head.retry.attempts, minutes(head, NOW)))

    assert found == [(1, 5), (2, 15), (3, 60), (4, 60), (5, 60)]
    assert head.scheduled_at == NOW


def test_other_snapshots_begin_anew() -> None:
    """What failed before says nothing of them, nor does what it waited for."""
    head = a_head(retry=RETRY)
    head.wait_for_change("a fingerprint")
    assert attempts(head) == (2, "a fingerprint")

    head.begin_attempt({"A": "4", "B": "2"}, NOW)

    assert attempts(head) == (1, None)


def test_an_attempt_that_is_repeated_waits_for_nothing() -> None:
    """Until it fails for the same cause again."""
    head = a_head(retry=RETRY)
    head.wait_for_change("a fingerprint")
    head.begin_attempt(NEWER, NOW)
    assert attempts(head) == (3, None)


def test_a_run_on_demand_has_no_attempt_that_could_wait() -> None:
    """Only the timer's attempts are repeated."""
    head = a_head()
    head.wait_for_change("a fingerprint")
    assert head.retry is None


def closed(run: OpenRun, status: Status, **changes: Any) -> Head:
    """A head whose open run has ended with this status."""
    head = a_head(run, **changes)
    run.record.status, run.record.finished_at = status, NOW
    head.close_run(run.record, None)
    return head


LAST = {"run": "vip.20260824T143300Z-0000", "finished_at": NOW}
BEFORE, AFTER = {"A": "2", "B": "2"}, {"A": "3", "B": "2"}


@pytest.mark.parametrize(
    ("status", "cause", "exported", "is_success", "retried"),
    [
        ("successful", None, AFTER, True, False),
        ("completed_with_warnings", None, AFTER, True, False),
        ("canceled", "canceled", AFTER, False, False),
        ("canceled", "superseded", BEFORE, False, True),
        ("failed", "failed", BEFORE, False, True),
    ],
)
def test_what_the_end_of_a_run_leaves(
    status: Status, cause: Any, exported: dict[str, str], is_success: bool, retried: bool
) -> None:
    """Its snapshots need no other run, unless it failed or a newer one was there."""
    run = a_pinned_run({"A": "3", "B": "2"}, cut=Cut(cause=cause) if cause else None)
    head = closed(run, status, retry=RETRY)

    last = LastRun.model_validate(LAST | {"status": status})
    assert head.open is None
    assert head.last_attempt == last
    assert head.last_success == (last if is_success else None)
    assert head.exported == exported
    assert (head.retry == RETRY) is retried


def test_a_trial_leaves_the_snapshot_to_be_exported() -> None:
    """And is not a success of the export."""
    run = a_pinned_run(AFTER)
    run.limit = 10
    head = closed(run, "completed_with_warnings", retry=RETRY)

    assert (head.exported, head.last_success, head.retry) == (BEFORE, None, RETRY)
    assert head.last_attempt is not None


def test_a_run_that_was_canceled_before_its_plan_has_had_its_snapshots() -> None:
    """Those with which the timer began it; one that somebody began has none."""
    cut = Cut(cause="canceled")
    assert closed(a_run(State.CLOSING, cut=cut, pinned=False), "canceled", retry=RETRY).exported == AFTER
    assert closed(a_run(State.CLOSING, cut=cut, pinned=False), "canceled").exported == BEFORE


def test_segments_of_other_runs_stay_exported() -> None:
    """A run says nothing of a segment that it did not send."""
    assert closed(a_pinned_run({"A": "3"}), "successful").exported == AFTER


def test_superseded_runs_are_counted_in_a_row() -> None:
    """Any other end begins the count anew."""
    superseded = a_pinned_run(AFTER, cut=Cut(cause="superseded"))
    assert closed(superseded, "canceled", superseded=1).superseded == 2
    assert closed(a_pinned_run(AFTER), "successful", superseded=1).superseded == 0
    assert closed(a_pinned_run(AFTER, cut=Cut(cause="failed")), "failed", superseded=2).superseded == 0


def test_a_run_without_an_end_ends_when_it_was_opened() -> None:
    """A record of another code may lack the time."""
    run = a_pinned_run(AFTER)
    head = a_head(run)
    head.close_run(run.record, None)
    assert head.last_attempt is not None
    assert head.last_attempt.finished_at == MONDAY


def test_closing_again_changes_nothing() -> None:
    """A head that is cleared keeps what its last run left."""
    run = a_pinned_run(AFTER)
    head = closed(run, "successful", superseded=1)
    again = head.model_copy(deep=True)
    again.close_run(run.record, None)
    assert again == head


@pytest.mark.parametrize(
    ("state_", "superseded", "pinned"),
    [
        (State.SENDING, 0, AFTER),
        (State.SENDING, 1, AFTER),
        (State.SENDING, 2, {}),
        (State.CONFIRMING, 2, AFTER),
        (State.REMOVING, 2, AFTER),
    ],
)
def test_a_newer_snapshot_may_end_a_run_twice_in_a_row(
    state_: State, superseded: int, pinned: dict[str, str]
) -> None:
    """The third one is sent; what is only being confirmed or removed may end at any time."""
    head = a_head(a_pinned_run(AFTER, state=state_), superseded=superseded)
    assert head.pinned() == pinned
    assert head.entry().pinned == pinned


@pytest.mark.parametrize("run", [None, a_run(State.PINNING)])
def test_without_a_plan_nothing_is_pinned(run: OpenRun | None) -> None:
    """A run that was only opened takes the newest snapshot itself."""
    assert a_head(run).pinned() == {}


def test_the_entry_shows_what_the_timer_has_to_know() -> None:
    """Every member of it comes from the head."""
    run = a_pinned_run(AFTER, wait=Wait(until=NOW, reason="throttled"))
    run.advanced_at = MONDAY
    last = LastRun.model_validate(LAST | {"status": "successful"})

    entry = a_head(run, retry=RETRY, last_success=last).entry()

    assert entry == IndexEntry(
        open="vip.20260824T143300Z-0000",
        account="SNDBOX",
        pinned=AFTER,
        advanced_at=MONDAY,
        not_before=NOW,
        paused=False,
        exported=BEFORE,
        scheduled_at=MONDAY,
        retry=RETRY,
        succeeded_at=NOW,
    )
    assert a_head().entry() == IndexEntry(exported=BEFORE, scheduled_at=MONDAY)


@pytest.mark.parametrize(("reason", "paused"), [("paused", True), ("throttled", False), (None, False)])
def test_a_paused_run_is_shown_as_one(reason: str | None, paused: bool) -> None:
    """The timer looks at it whatever the time says."""
    assert a_head(a_run(State.SENDING, wait=Wait(until=NOW, reason=reason))).entry().paused is paused


@pytest.mark.parametrize(
    ("head", "shown"),
    [
        (a_head(), {"status": "none"}),
        (a_head(last_attempt=LAST | {"status": "failed"}), {"status": "failed"}),
        (
            a_head(a_run(State.SENDING), last_attempt=LAST | {"status": "failed"}),
            {"status": "queued", "open": "vip.20260824T143300Z-0000"},
        ),
    ],
)
def test_the_metadata_shows_the_status(head: Head, shown: dict[str, str]) -> None:
    """Of the open run, else of the last one; beside it the entry, and the version."""
    metadata = head.metadata()
    assert IndexEntry.model_validate_json(metadata.pop("glance")) == head.entry()
    assert metadata == shown | {"version": "3"}


def test_metadata_can_stand_in_a_header() -> None:
    """Whatever a segment is called: controls, DEL among them, and other alphabets are escaped."""
    names = {"\x7f": "1", "\x1b\n": "2", "é\u202e": "3"}
    glance = a_head(exported=names).metadata()["glance"]
    assert glance.isascii()
    assert glance.isprintable()
    assert IndexEntry.model_validate_json(glance).exported == names


@pytest.mark.parametrize("name", ["B" * 8_000, "Ü" * 2_000])
def test_metadata_stay_below_what_azure_takes(folder_store: Store, name: str) -> None:
    """Where the entry is too long, or would be in ASCII, the head is read instead."""
    create_head(folder_store, a_head(exported={name: "2"}))
    (blob,) = folder_store.list(state.HEADS)

    assert sum(len(key) + len(value) for key, value in blob.metadata.items()) < 8_192
    assert "glance" not in blob.metadata
    assert read_entry(folder_store, blob, "vip").exported == {name: "2"}


def test_a_listing_is_enough(folder_store: Store) -> None:
    """No head is read that the metadata show."""
    head = a_head(exported={"Ü" * 100: "2"})
    create_head(folder_store, head)
    store = CountingStore(folder_store)
    (blob,) = store.list(state.HEADS)

    assert read_entry(store, blob, "vip") == head.entry()
    assert [what for what, _ in store.calls] == ["list"]


def test_a_head_that_is_there_is_not_written_over(folder_store: Store) -> None:
    """Whoever comes second leaves the first one's baseline."""
    create_head(folder_store, a_head())
    create_head(folder_store, a_head(exported={"A": "9"}))
    assert read_head(folder_store, "vip")[0].exported == BEFORE


def listed(store: Store, **metadata: str) -> BlobInfo:
    store.write(state.head("vip"), a_head().content(), metadata=metadata)
    return store.stat(state.head("vip"))


@pytest.mark.parametrize("version", ["4", "40"])
def test_metadata_of_a_newer_version_are_left_alone(folder_store: Store, version: str) -> None:
    """Whatever they show, and whatever the head says."""
    blob = listed(folder_store, version=version, glance=a_head().entry().model_dump_json())
    with pytest.raises(NewerVersion):
        read_entry(folder_store, blob, "vip")


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"version": "3"},
        {"version": "two", "glance": a_head(exported={"A": "9"}).entry().model_dump_json()},
        {"version": "3", "glance": "{"},
        {"version": "3", "glance": "{}"},
        {
            "version": "3",
            "glance": json.dumps(
                {
                    "open": "other.20260824T143300Z-0000",
                    "exported": {},
                    "scheduled_at": "2026-08-24T14:33:00Z",
                }
            ),
        },
    ],
)
def test_metadata_that_show_nothing_are_not_believed(folder_store: Store, metadata: dict[str, str]) -> None:
    """The head itself is read."""
    assert read_entry(folder_store, listed(folder_store, **metadata), "vip") == a_head().entry()


def test_a_newer_head_is_left_alone(folder_store: Store) -> None:
    """The code that wrote it continues with it."""
    folder_store.write(state.head("vip"), json.dumps({"version": 4}).encode())
    with pytest.raises(NewerVersion):
        read_head(folder_store, "vip")


def test_the_head_of_another_export_is_not_this_ones(folder_store: Store) -> None:
    """Nor is one with a run of another export."""
    for wrong in (a_head(export="other"), a_head(a_run(State.SENDING), export="other")):
        folder_store.write(state.head("vip"), wrong.content())
        with pytest.raises(InvalidDocument, match=r"heads/vip\.json"):
            read_head(folder_store, "vip")
    content = a_head(a_run(State.SENDING)).content().replace(b'"vip.2026', b'"other.2026')
    folder_store.write(
        state.head("vip"), content.replace(b'"export":"vip","trigger"', b'"export":"other","trigger"')
    )
    with pytest.raises(InvalidDocument, match=r"heads/vip\.json"):
        read_head(folder_store, "vip")


@pytest.mark.parametrize("age", [timedelta(), timedelta(days=300)])
def test_a_first_head_is_read_as_it_was_written(folder_store: Store, age: timedelta) -> None:
    """With its ETag."""
    head = a_head(scheduled_at=MONDAY - age)
    create_head(folder_store, head)
    found, etag = read_head(folder_store, "vip")
    assert found == head
    assert etag == folder_store.stat(state.head("vip")).etag
