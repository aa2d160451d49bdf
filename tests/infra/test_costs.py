"""What docs/costs.md counts for the bill: its formulas are what the code does, its sums are right."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.klaviyo import JobPlan
from sandbox.people import People
from shared import state
from shared.runs.work.tick import tick
from tests.docs.pages import ROOT, page, rows
from tests.support.queue import work
from tests.support.small_batches import UnusualPeople
from tests.support.stores import CountingStore, with_state
from tests.support.telemetry import Metrics
from tests.support.world import MONDAY, World, a_world

COSTS = page("docs/costs.md").replace("\u00d7", "x")
TABLE = {row[0].strip("*"): row[1:] for row in rows(COSTS)}
HOST = json.loads((ROOT / "host.json").read_text())["extensions"]["queues"]
TICKS = 30 * 24 * 60
POSTS = (300, 3000)
# Seconds, as host.json has them.
POLLS_EVERY = int(HOST["maxPollingInterval"].rpartition(":")[2])


def numbers(name: str) -> list[list[int]]:
    """The figures of a row, for each of the two sizes."""
    cells = TABLE[name][1:]
    return [
        [int(figure.replace(",", "")) for figure in re.findall(r"\d[\d,]*", cell.split(" with ")[0])]
        for cell in cells
    ]


def counted(store: CountingStore, what: str) -> int:
    """How often, but for the ticks that are noted."""
    return sum(called == what and name != state.TICK for called, name in store.calls)


def refreshed(world: World, people: People) -> CountingStore:
    """The state in a tick that exports the second refresh, when nothing is new any more."""
    tick(world.services, 240)
    for day, refresh in enumerate((People(10, start=900_000), people)):
        world.segment(refresh, MONDAY + timedelta(days=day))
        store = CountingStore(world.services.state)
        tick(with_state(world.services, store), 240)
        world.clock.sleep(86_400)
    return store


def test_a_run_writes_as_often_as_the_page_counts(tmp_path: Path) -> None:
    """Whatever its posts: the page's factor for each, and its sum for the run."""
    a_run, a_post = map(int, re.findall(r"30 x (\d+) \+ (\d+) x posts", TABLE["writes of blobs"][0])[0])
    for number, (people, posts) in enumerate([(People(10), 1), (UnusualPeople(1_250), 3)]):
        with a_world(tmp_path / str(number)) as world:
            assert counted(refreshed(world, people), "write") == a_run + a_post * posts
    assert numbers("writes of blobs") == [[TICKS, TICKS // 5, 30 * a_run + a_post * posts] for posts in POSTS]


def test_one_in_five_ticks_is_noted(tmp_path: Path) -> None:
    """Of those that come each minute, however many ticks a process lives."""
    with a_world(tmp_path) as world:
        store = CountingStore(world.services.state)
        services = with_state(world.services, store)
        for _ in range(60):
            tick(services, 240)
            world.clock.sleep(60)
    assert store.calls.count(("write", state.TICK)) == 60 // 5


def test_a_run_reads_no_more_than_the_page_counts(tmp_path: Path) -> None:
    """Its state; the segment is read in large blocks, fewer than there are posts."""
    a_run, a_post = map(int, re.findall(r"30 x (\d+) \+ (\d+) x posts", TABLE["reads of blobs"][0])[0])
    with a_world(tmp_path) as world:
        store = refreshed(world, UnusualPeople(1_250))
    assert counted(store, "read") + counted(store, "stat") <= a_run + (a_post - 1) * 3
    assert numbers("reads of blobs") == [[TICKS, 30 * a_run + a_post * posts] for posts in POSTS]


def test_a_tick_tells_no_more_than_the_page_counts(tmp_path: Path, metrics: Metrics) -> None:
    """At most: its heartbeat, and of an export whose run is open, all three of what is told of exports."""
    an_export = int(re.findall(r"ticks x \(1 \+ (\d+) x exports\)", TABLE["rows of metrics"][0])[0])
    with a_world(tmp_path) as world:
        refreshed(world, People(10))
        world.segment(People(20), MONDAY + timedelta(days=7))
        world.stand_in.plans.append(JobPlan(seconds=3600))
        tick(world.services, 30)
        metrics.points()
        tick(world.services, 30)
    names = [name for name, _, _ in metrics.points()]
    assert len(names) == 1 + an_export
    assert numbers("rows of metrics") == [[TICKS * (1 + an_export)]] * 2


def runs_with_workers(path: Path, plan: JobPlan) -> tuple[CountingStore, int]:
    """A run of one post with an import that takes its time: the state, and the run's messages."""
    with a_world(path) as world:
        world.add_queue()
        tick(world.services, 240)
        for day in range(2):
            world.segment(People(10, start=900_000 * (1 - day)), MONDAY + timedelta(days=day))
            if day:
                world.stand_in.plans.append(plan)
            store = CountingStore(world.services.state)
            services = with_state(world.services, store)
            sent = world.queue.sent
            tick(services, 240)
            while due := world.queue.next_at():
                world.clock.sleep(max(0.0, (due - world.clock.now()).total_seconds()))
                work(services, world.queue)
            sent = world.queue.sent - sent
            world.clock.sleep(86_400)
        assert world.members() == People(10).expected.emails | People(10, start=900_000).expected.emails
    return store, sent


@pytest.mark.parametrize(("seconds", "column"), [(60, 0), (600, 1)])
def test_workers_add_no_more_than_the_page_counts(tmp_path: Path, seconds: int, column: int) -> None:
    """To a run, where Klaviyo imports for a minute and for ten: messages, and reads and writes for each."""
    [of_a_run] = re.findall(r" with (\d+)", TABLE["messages"][1 + column])
    a_message = {
        what: int(re.findall(r"(\d+) x messages", TABLE[f"more {what} of blobs"][0])[0])
        for what in ("reads", "writes")
    }
    factors = {
        what: tuple(map(int, re.findall(r"30 x (\d+) \+ (\d+) x posts", TABLE[f"{what} of blobs"][0])[0]))
        for what in a_message
    }
    store, messages = runs_with_workers(tmp_path, JobPlan(seconds=seconds))
    assert messages == int(of_a_run)
    done = {"reads": counted(store, "read") + counted(store, "stat"), "writes": counted(store, "write")}
    for what, number in done.items():
        assert number <= sum(factors[what]) + a_message[what] * messages
        assert numbers(f"more {what} of blobs")[column] == [a_message[what] * 30 * messages]
    assert numbers("messages")[column] == [30 * messages]
    polls = 30 * 86_400 // POLLS_EVERY
    assert numbers("transactions of queues")[column] == [TICKS + 4 * 30 * messages + polls]
    assert numbers("more GB-s")[column] == [30 * messages * 2]
    assert numbers("more rows of metrics")[column] == [TICKS + 30 * messages]


def test_a_quiet_tick_adds_what_the_page_counts(tmp_path: Path, metrics: Metrics) -> None:
    """One listing of the accounts that wait, and one metric."""
    found = []
    for with_queue in (False, True):
        with a_world(tmp_path / str(with_queue)) as world:
            if with_queue:
                world.add_queue()
            tick(world.services, 240)
            store = CountingStore(world.services.state)
            metrics.points()
            tick(with_state(world.services, store), 240)
            assert counted(store, "write") == 0
            found.append((counted(store, "list"), len(metrics.points())))
    (listings, told), with_workers = found
    assert with_workers == (listings + 1, told + 1)
    assert numbers("more listings of blobs") == [[TICKS]] * 2


def test_the_sums_are_right() -> None:
    """What is left to pay for is what the rows above it come to."""
    assert numbers("ticks") == [[TICKS]] * 2
    quiet, runs, free = (
        numbers("GB-s of quiet ticks"),
        numbers("GB-s of runs"),
        numbers("free GB-s, executions"),
    )
    for column, posts in enumerate(POSTS):
        total = quiet[column][0] + runs[column][0]
        assert quiet[column] == [TICKS * 2]
        assert numbers("GB-s")[column] == [total]
        assert numbers("GB-s to pay")[column] == [max(0, total - free[column][0])]
        assert numbers("posts to Klaviyo")[column] == [posts]
    assert numbers("renewals of leases") == [[30 * 86_400 // 6]] * 2


def test_a_hundred_exports_cost_a_hundred_times_as_much() -> None:
    """But for the ticks, which are as many."""
    [sentence] = re.findall(r"\*\*With 100 exports\*\*[^.]*\.", COSTS)
    found = re.findall(r"(\d[\d,]+) (?:GB-s|posts|messages)", sentence)
    figures = [int(figure.replace(",", "")) for figure in found]
    of_one = [numbers(name)[0][0] for name in ("GB-s of runs", "posts to Klaviyo", "messages")]
    assert figures == [100 * figure for figure in of_one]
