"""The end of a run: its record, written once, then its head; and what is left where that went wrong."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from sandbox.klaviyo import Fault, ImportFailure, JobPlan
from sandbox.people import People, email
from shared import state
from shared.adapters.clock import Deadline
from shared.errors import AlreadyExists, Denied, InvalidDocument, LeaseLost, NewerVersion, NotFound
from shared.runs.advance import advance, cancel, run, start
from shared.runs.heads.head import Head, read_head
from shared.runs.lock.lease import TRUSTED_FOR
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from shared.runs.steps.close import read_record
from shared.runs.steps.permit import request_cancel
from tests.support.dying import Died, at_the_record, dying
from tests.support.stores import WatchedStore
from tests.support.world import World

ON_DEMAND = Request("on_demand", "tester")


def head(world: World) -> Head:
    return read_head(world.services.state, "vip")[0]


def names(world: World) -> list[str]:
    """What the runs have left."""
    return sorted(blob.name.removeprefix("runs/vip/vip.") for blob in world.services.state.list("runs/"))


def refused(world: World) -> None:
    world.stand_in.refused_emails = {email(1)}


def failing(world: World) -> None:
    world.stand_in.failures = {email(1): ImportFailure()}


def lost(world: World) -> None:
    world.stand_in.plans.append(JobPlan(seconds=50, readable_for=20))


def fine(world: World) -> None:
    pass


@pytest.mark.parametrize(
    ("spoil", "status", "warnings"),
    [
        (fine, "successful", {}),
        (refused, "completed_with_warnings", {}),
        (failing, "completed_with_warnings", {}),
        (lost, "completed_with_warnings", {"unconfirmed": 30}),
    ],
)
def test_the_status_is_that_of_the_counts(
    world: World, spoil: Callable[[World], None], status: str, warnings: dict[str, int]
) -> None:
    """Successful where everyone of the segment was imported, and nobody has to look at anything."""
    world.segment(People(30))
    spoil(world)

    record = world.run()

    assert record.status == status
    assert {warning.code: warning.count for warning in record.warnings} == warnings
    assert record.error is None
    assert record.finished_at == world.clock.now()


def test_a_warning_alone_is_one(world: World) -> None:
    """Everyone was imported, some without their phones."""
    world.segment([row for row in People(40, dirt=True) if row[6] == email(29)])
    record = world.run()
    assert (record.counts.imported, record.counts.rejected) == (1, 0)
    assert (record.status, record.warning_codes()) == ("completed_with_warnings", {"phone_left_out"})


def test_every_kind_of_refused_row_is_on_file(world: World) -> None:
    """By our checks, by Klaviyo at once, and in a job; nothing else of the run is left."""
    world.segment(People(50, dirt=True), partitions=1)
    refused(world)
    world.stand_in.failures = {email(5): ImportFailure()}

    record = world.run()

    stages = [line.rpartition(",")[2] for line in world.rejected(record)]
    assert sorted(stages) == ["check", "check", "import", "job"]
    tail = record.id.removeprefix("vip.")
    assert names(world) == [f"{tail}.json", f"{tail}.rejected.csv"]
    assert record.warning_codes() == {"phone_left_out"}


def test_a_canceled_run_is_not_told_that_it_was_too_late(world: World) -> None:
    """Its status says that it was in time, and the request is gone."""
    world.segment(People(5))
    record = cancel(world.services, start(world.services, "vip", ON_DEMAND), world.deadline())
    assert (record.status, record.warnings) == ("canceled", [])
    assert names(world) == [f"{record.id.removeprefix('vip.')}.json"]


def test_a_request_that_came_too_late_is_removed(world: World) -> None:
    """With the run that it was for, by whoever closes that."""
    world.segment(People(5))
    record = start(world.services, "vip", ON_DEMAND)
    world.stand_in.on_import(lambda _: request_cancel(world.services.state, record.id))
    closed = advance(world.services, record, world.deadline())
    assert closed.warning_codes() == {"cancel_too_late"}
    assert names(world) == [f"{record.id.removeprefix('vip.')}.json"]


def test_a_failed_run_says_why(world: World) -> None:
    """In its record, as in the head's last attempt."""
    world.segment(People(5))
    world.stand_in.faults.add([Fault("error", method="POST", status=409)])
    record = world.run()
    assert record.error is not None
    assert (record.status, record.error.code) == ("failed", "request_refused")
    last = head(world).last_attempt
    assert last is not None
    assert (last.run, last.status) == (record.id, "failed")


def died_after_the_record(world: World) -> RunRecord:
    """A run whose record is written, and whose head still has it open."""
    world.segment(People(50, dirt=True))
    record = start(world.services, "vip", ON_DEMAND)
    request_cancel(world.services.state, "vip.20260824T143300Z-0000")  # another run's
    with pytest.raises(Died):
        advance(
            dying(world.services, lambda what, name: what == "delete" and name.startswith("runs/")),
            record,
            world.deadline(),
        )
    assert head(world).open is not None
    written = read_record(world.services.state, "vip", record.id)
    assert written.is_closed
    return written


def test_a_record_without_a_cleared_head_is_the_end(world: World) -> None:
    """The next holder clears the head, and changes nothing of the record."""
    written = died_after_the_record(world)
    posts = len(world.stand_in.requests)
    world.clock.sleep(60)

    assert advance(world.services, written, world.deadline()) == written

    assert len(world.stand_in.requests) == posts
    assert head(world).open is None
    last = head(world).last_success
    assert last is not None
    assert last.run == written.id
    assert read_record(world.services.state, "vip", written.id) == written
    assert not any(".parts/" in name for name in names(world))


def test_parts_that_a_holder_left_when_it_died_go_with_the_next_run(world: World) -> None:
    """They hold digests of people, which stay no longer than the run needs them."""
    world.segment(People(50, dirt=True))
    first = start(world.services, "vip", ON_DEMAND)
    with pytest.raises(Died):
        advance(
            dying(world.services, lambda what, name: what == "delete" and ".parts/" in name),
            first,
            world.deadline(),
        )
    assert head(world).open is None
    assert any(name.endswith(state.PEOPLE) for name in names(world))

    second = world.run()

    assert second.id != first.id
    assert not any(".parts/" in name for name in names(world))


class Losing(WatchedStore):
    """Whoever reads something of a run has been paused, and has lost every lock."""

    world: World

    def called(self, what: str, name: str) -> None:
        if what == "read" and name.startswith("runs/"):
            self.world.clock.sleep(TRUSTED_FOR + 1)
            (self.world.folder / "state/heads/vip.lock").unlink(missing_ok=True)


def losing(world: World) -> Losing:
    store = Losing(world.services.state)
    store.world = world
    return store


def test_who_has_lost_the_export_removes_no_record(world: World) -> None:
    """Another holder may have written it."""
    world.segment(People(5))
    record = start(world.services, "vip", ON_DEMAND)
    world.services.state.write(state.record(record.id), b"{")

    with pytest.raises(LeaseLost):
        advance(replace(world.services, state=losing(world)), record, world.deadline())

    assert world.services.state.read(state.record(record.id)).content == b"{"


def test_who_has_lost_the_export_writes_no_record(world: World) -> None:
    """Nor anything else, after a pause in which another process may have taken over."""
    world.segment(People(5))
    record = start(world.services, "vip", ON_DEMAND)

    class Paused(WatchedStore):
        def called(self, what: str, name: str) -> None:
            if what == "stat" and name == state.cancel(record.id) and jobs_are_done(world):
                world.clock.sleep(TRUSTED_FOR + 1)
                (world.folder / "state/heads/vip.lock").unlink(missing_ok=True)

    with pytest.raises(LeaseLost):
        advance(
            replace(world.services, state=Paused(world.services.state)), record, Deadline(world.clock, 20)
        )

    assert not any(name.endswith(".json") for name in names(world))


def test_who_has_lost_the_export_removes_no_ledger(world: World) -> None:
    """It may be the one that the next holder has just written."""
    world.segment(People(5))
    theirs = state.ledger("vip.20260824T160000Z-0000", 9)

    class Overtaken(WatchedStore):
        def called(self, what: str, name: str) -> None:
            if (what, name) == ("list", state.ledgers("vip")) and head(world).ledger is not None:
                world.clock.sleep(TRUSTED_FOR + 1)
                (world.folder / "state/heads/vip.lock").unlink(missing_ok=True)
                world.services.state.write(theirs, b"")

    record = run(
        replace(world.services, state=Overtaken(world.services.state)), "vip", ON_DEMAND, world.deadline()
    )

    assert record.status == "successful"
    kept = {blob.name for blob in world.services.state.list(state.ledgers("vip"))}
    assert kept == {head(world).ledger, theirs}


def test_who_has_lost_the_export_writes_no_ledger(world: World) -> None:
    """Whoever has taken over writes it."""
    world.segment(People(5))

    class Paused(WatchedStore):
        def called(self, what: str, name: str) -> None:
            if what == "read" and name.endswith(state.PEOPLE):
                world.clock.sleep(TRUSTED_FOR + 1)
                (world.folder / "state/heads/vip.lock").unlink(missing_ok=True)

    with pytest.raises(LeaseLost):
        run(replace(world.services, state=Paused(world.services.state)), "vip", ON_DEMAND, world.deadline())

    assert not list(world.services.state.list(state.ledgers("vip")))


def jobs_are_done(world: World) -> bool:
    paths = [request.path for request in world.stand_in.requests]
    return len(world.stand_in.accounts["SNDBOX"].jobs) == 1 and paths.count(paths[-1]) > 1


def test_a_record_is_written_once(world: World) -> None:
    """One that appears in the last moment stays as it is."""
    world.segment(People(5))
    record = start(world.services, "vip", ON_DEMAND)

    class Racing(WatchedStore):
        def called(self, what: str, name: str) -> None:
            if at_the_record(what, name):
                world.services.state.write(name, b"theirs")

    with pytest.raises(AlreadyExists):
        advance(replace(world.services, state=Racing(world.services.state)), record, world.deadline())

    assert world.services.state.read(state.record(record.id)).content == b"theirs"


def test_what_may_not_be_removed_holds_no_run_open(world: World) -> None:
    """Parts and requests that stay behind do no harm."""

    class Keeping(WatchedStore):
        def called(self, what: str, name: str) -> None:
            if what == "delete":
                raise Denied("no")

    world.segment(People(50, dirt=True))
    services = replace(world.services, state=Keeping(world.services.state))

    record = run(services, "vip", ON_DEMAND, world.deadline())

    assert (record.is_closed, head(world).open) == (True, None)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("version", 2, NewerVersion),
        ("phase", "confirming", InvalidDocument),
        ("id", "vip.20260824T143300Z-0000", InvalidDocument),
        ("export", "other", InvalidDocument),
    ],
)
def test_only_the_record_of_this_run_is_one(
    world: World, name: str, value: object, error: type[Exception]
) -> None:
    """Not one of newer code, of an open run, or of another run."""
    world.segment(People(5))
    run_id = world.run().id
    store = world.services.state
    record = json.loads(store.read(state.record(run_id)).content)
    assert read_record(store, "vip", run_id).id == run_id

    store.write(state.record(run_id), json.dumps(record | {name: value}).encode())

    with pytest.raises(error):
        read_record(store, "vip", run_id)


def test_a_record_that_is_not_there_is_not_found(world: World) -> None:
    """Neither is it made up."""
    with pytest.raises(NotFound):
        read_record(world.services.state, "vip", "vip.20260824T143300Z-0000")
