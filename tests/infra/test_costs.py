"""What docs/deploy.md counts for the bill: its formulas are what the code does, its sums are right."""

import re
from datetime import timedelta
from pathlib import Path

from sandbox.klaviyo import JobPlan
from sandbox.people import People
from shared.runs.work.tick import tick
from tests.docs.pages import page, rows, section
from tests.support.small_batches import UnusualPeople
from tests.support.stores import CountingStore, with_state
from tests.support.telemetry import Metrics
from tests.support.world import MONDAY, World, a_world

COSTS = section(page("docs/deploy.md"), "## What it costs").replace("\u00d7", "x")
TABLE = {row[0].strip("*"): row[1:] for row in rows(COSTS)}
TICKS = 30 * 24 * 60
POSTS = (300, 3000)


def numbers(name: str) -> list[list[int]]:
    """The figures of a row, for each of the two sizes."""
    cells = TABLE[name][1:]
    return [
        [int(figure.replace(",", "")) for figure in re.findall(r"\d[\d,]*", cell.split(" with ")[0])]
        for cell in cells
    ]


def counted(store: CountingStore, what: str) -> int:
    return sum(called == what for called, _ in store.calls)


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
    assert numbers("writes of blobs") == [[TICKS, 30 * a_run + a_post * posts] for posts in POSTS]


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
