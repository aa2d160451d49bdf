"""Passes over the rows, one after another: what is posted again, what is not, and what is forgotten."""

import json
import time
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from sandbox.klaviyo import Fault
from shared import state
from shared.adapters.clock import Deadline
from shared.adapters.storage.store import Store
from shared.errors import NotFound
from shared.runs.advance import advance, run
from shared.runs.heads.head import read_head
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from tests.support.small_batches import small_batches, unusual
from tests.support.stores import WatchedStore, with_segments
from tests.support.world import World

ON_DEMAND = Request("on_demand", "tester")


def throttled(*posts: int) -> list[Fault]:
    """Klaviyo asks for a pause that is longer than a turn, at these of the next posts."""
    return [Fault("error", method="POST", nth=nth, status=429, retry_after=1_000) for nth in posts]


def jobs_on_file(world: World) -> int:
    """How many accepted jobs the head has."""
    try:
        head, _ = read_head(world.services.state, "vip")
    except NotFound:
        return 0
    return len(head.open.deliveries.jobs) if head.open else 0


def accepted(world: World) -> int:
    return len(world.stand_in.accounts["SNDBOX"].jobs)


def all_of(batches: int) -> set[str]:
    return {unusual(index) for index in range(500 * batches)}


def left_open(world: World, batches: int, *posts: int) -> RunRecord:
    """A run of so many batches that Klaviyo has accepted but for these posts."""
    world.segment(small_batches(batches), partitions=batches)
    world.stand_in.faults.add(throttled(*posts))
    record = run(world.services, "vip", ON_DEMAND, Deadline(world.clock, 60))
    assert not record.is_closed
    world.stand_in.faults.clear()  # the first may have kept back the posts that the others were meant for
    world.clock.sleep(1_000)
    return record


def test_what_was_accepted_is_not_posted_again(world: World) -> None:
    """Each batch once, however many turns it takes."""
    record = left_open(world, 4, 2)
    assert 0 < accepted(world) < 4

    closed = advance(world.services, record, world.deadline())

    assert (closed.status, closed.counts.imported) == ("successful", 2_000)
    assert accepted(world) == len(closed.jobs) == 4
    assert world.members() == all_of(4)


def test_other_batches_replace_those_of_an_earlier_holder(world: World) -> None:
    """Where other code packs the rows: all go again, are counted once, and the record says how many twice."""
    record = left_open(world, 3, 2)
    before = record.counts.sent
    head = json.loads(world.services.state.read(state.head("vip")).content)
    head["open"]["plan"]["export"]["attributes"].pop("last_name")
    world.services.state.write(state.head("vip"), json.dumps(head).encode())

    closed = advance(world.services, record, world.deadline())

    assert (closed.counts.sent, closed.counts.imported, len(closed.jobs)) == (1_500, 1_500, 3)
    assert {warning.code: warning.count for warning in closed.warnings} == {"sent_twice": before}
    assert world.members() == all_of(3)


class Waiting(WatchedStore):
    """Segments of which only the first files can be read before a job more is on file.

    A batch is packed when the first row of the next one is read. Where their first one was accepted before,
    there is nothing to wait for.
    """

    def __init__(self, store: Store, world: World, files: int) -> None:
        super().__init__(store)
        self._world = world
        self._before = jobs_on_file(world)
        self._is_over = unusual(0) in world.members()
        self._free = {f"_{number}.csv" for number in range(1, files + 1)}

    def called(self, what: str, name: str) -> None:
        is_free = self._is_over or any(name.endswith(end) for end in self._free)
        if what == "stream" and not is_free:
            ends = time.monotonic() + 10
            while jobs_on_file(self._world) == self._before:
                assert time.monotonic() < ends, "no job more is on file"
                time.sleep(0.01)


def test_a_pass_that_ends_early_forgets_nothing(world: World) -> None:
    """What lies behind the row at which its time was over was accepted all the same."""
    record = left_open(world, 8, 1, 2)
    before = accepted(world)
    assert before < 8
    store = Waiting(world.services.segment_store, world, 2)
    services = with_segments(world.services, store)
    for _ in range(8):
        if record.is_closed or record.phase == "confirming":
            break
        record = advance(services, record, Deadline(world.clock, 0))

    closed = advance(world.services, record, world.deadline())

    assert (closed.status, closed.counts.imported) == ("successful", 4_000)
    assert accepted(world) == len(closed.jobs) == 8


def test_each_turn_gets_one_job_further(world: World) -> None:
    """However little time it has."""
    record = left_open(world, 12, *range(1, 13))
    found = [accepted(world)]
    while not record.is_closed:
        record = advance(world.services, record, Deadline(world.clock, 0))
        world.clock.sleep(60)
        found.append(accepted(world))
        assert len(found) < 20

    assert all(after > before or after == 12 for before, after in pairwise(found))
    assert world.members() == all_of(12)


def test_progress_gives_a_command_more_time(world: World) -> None:
    """It ends where nothing gets on, not where the run is long."""
    world.segment(small_batches(12), partitions=1)
    world.stand_in.on_import(lambda _: world.clock.sleep(40))
    deadline = Deadline(world.clock, 100, after_progress=True)

    assert run(world.services, "vip", Request("command", "tester"), deadline).status == "successful"


def emails(body: Any) -> frozenset[str]:
    profiles = body["data"]["attributes"]["profiles"]["data"]
    return frozenset(profile["attributes"]["email"] for profile in profiles)


def test_a_job_is_on_file_before_the_next_post_of_its_batch(world: World) -> None:
    """And is not posted again by who continues."""
    world.stand_in.refused_emails = {unusual(499)}
    world.stand_in.bad_rows_named = 0
    world.segment(small_batches(1), partitions=1)
    posted: Counter[frozenset[str]] = Counter()
    on_file: list[int] = []

    def observe(body: Any) -> None:
        posted[emails(body)] += 1
        on_file.append(jobs_on_file(world))
        if len(on_file) == 3:  # the whole, its first half, and a quarter
            world.document("connections/sandbox.json", paused=True)

    world.stand_in.on_import(observe)
    assert not world.run().is_closed
    assert on_file == [0, 0, 1]
    world.document("connections/sandbox.json")

    record = world.run()

    first_half = frozenset(map(unusual, range(250)))
    assert posted[first_half] == 1
    assert (record.counts.imported, record.counts.rejected) == (499, 1)
    assert world.members() == all_of(1) - {unusual(499)}


def test_a_failure_decides_over_a_wait_that_came_first(world: World) -> None:
    """Two batches side by side: one that Klaviyo can't take now, and one for a list that is gone."""
    world.segment(small_batches(2), partitions=1)
    world.stand_in.faults.add([Fault("error", method="POST", status=503)])

    def remove_the_list(_: object) -> None:
        ends = time.monotonic() + 10
        while 503 not in [request.status for request in world.stand_in.requests]:
            assert time.monotonic() < ends
            time.sleep(0.01)
        time.sleep(0.3)  # until the answer has been met
        world.stand_in.accounts["SNDBOX"].lists.pop("Y6nRLr")

    world.stand_in.on_import(remove_the_list)

    record = run(world.services, "vip", ON_DEMAND, Deadline(world.clock, 0))

    assert record.error is not None
    assert (record.status, record.error.code) == ("failed", "unknown_list")


@pytest.mark.parametrize("batches", [20])
def test_eight_posts_are_on_their_way_at_most(
    world: World, spans: InMemorySpanExporter, batches: int
) -> None:
    """And as many, where there are enough batches."""
    world.stand_in.limits = False
    world.segment(small_batches(batches), partitions=1)
    world.stand_in.faults.add([Fault("slow", method="POST", nth=None, seconds=1)])

    assert world.run().status == "successful"

    changes = Counter[int]()
    for span in spans.get_finished_spans():
        if span.name == "batch":
            changes[span.start_time or 0] += 1
            changes[span.end_time or 0] -= 1
    flying = most = 0
    for moment in sorted(changes):
        flying += changes[moment]
        most = max(most, flying)
    assert most == 8
