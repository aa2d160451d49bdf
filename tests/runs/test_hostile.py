"""Runs against a Klaviyo that lies, and behind proxies that answer in its place."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import orjson
import pytest
from starlette.requests import Request as HttpRequest

from sandbox.klaviyo import Fault, ImportFailure
from sandbox.people import People, email
from sandbox.sample import example_documents
from shared.adapters.clock import Deadline
from shared.klaviyo import KlaviyoApi
from shared.runs.advance import advance, run, start
from shared.runs.heads.head import read_head
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from shared.runs.views.history import list_runs
from shared.services import Services
from tests.support.lying import lying
from tests.support.world import World

JOBS = "/api/profile-bulk-import-jobs"


def page(status: int, **details: Any) -> Fault:
    """A proxy's page, to each request that matches."""
    return Fault(**{"kind": "html", "status": status, "nth": None, **details})


def posts(world: World) -> list[float]:
    return [request.time for request in world.stand_in.requests if request.method == "POST"]


@pytest.mark.parametrize("status", [400, 401, 404, 407, 410, 422, 425])
@pytest.mark.parametrize("where", ["/api/accounts", "/api/lists/*", JOBS])
def test_a_proxys_page_ends_no_run(world: World, status: int, where: str) -> None:
    """The run waits, whatever the page's status; without the proxy everybody arrives, none is refused."""
    world.segment(People(30))
    world.stand_in.faults.add([page(status, path=where)])

    waiting = world.run()

    assert not waiting.is_closed
    world.stand_in.faults.clear()
    world.clock.sleep(120)
    record = world.run()
    assert (record.id, record.status) == (waiting.id, "successful")
    assert world.members() == People(30).expected.emails


def test_a_proxys_404_loses_no_job(world: World) -> None:
    """A job is lost where Klaviyo itself says that it isn't there, and nobody else."""
    world.segment(People(30))
    world.stand_in.job_seconds = 10
    record = start(world.services, "vip", Request("on_demand", "tester"))
    record = advance(world.services, record, Deadline(world.clock, 1))
    world.stand_in.faults.add([page(404, method="GET", path=f"{JOBS}*")])
    for _ in range(3):
        world.clock.sleep(1200)
        record = advance(world.services, record, Deadline(world.clock, 60))
    assert not record.is_closed

    world.stand_in.faults.clear()
    world.clock.sleep(120)
    closed = world.run()
    assert (closed.id, closed.status) == (record.id, "successful")
    assert {job.status for job in closed.jobs} == {"complete"}


def test_what_a_proxy_finds_too_large_is_halved(world: World) -> None:
    """A proxy's own limit of a body costs posts, and no row."""
    world.segment(People(10_000))
    world.stand_in.faults.add([page(413, method="POST", nth=nth) for nth in (1, 2, 3)])

    record = world.run()

    assert (record.status, record.counts.imported) == ("successful", 10_000)
    assert len(record.jobs) == 4


def test_a_proxy_that_finds_everything_too_large_refuses_no_row(world: World) -> None:
    """A body of some people is too large for nobody: that passes, or somebody mends it."""
    world.segment(People(10))
    world.stand_in.faults.add([page(413, method="POST")])

    assert not world.run().is_closed
    world.stand_in.faults.clear()
    world.clock.sleep(120)
    assert world.run().counts.imported == 10


def test_a_retired_revision_says_so(world: World) -> None:
    """Klaviyo's 410 fails the run, and names what to do."""
    world.segment(People(10))
    world.stand_in.first_revision = "2099-01-15"

    record = world.run()

    assert record.error is not None
    assert record.error.code == "retired_revision"
    assert "Update" in record.error.message


def test_a_wait_of_nothing_is_no_leave_to_hammer(world: World) -> None:
    """`Retry-After: 0`, again and again: the posts come as far apart as without it."""
    world.segment(People(10))
    world.stand_in.faults.add([Fault("error", method="POST", nth=None, status=429, retry_after=0)])

    assert not world.run().is_closed

    first = posts(world)[0]
    assert len([time for time in posts(world) if time < first + 60]) < 12


def test_a_wait_until_a_date_is_obeyed(world: World) -> None:
    """By the clock of the server that says so, however far that is from ours."""
    world.segment(People(10))
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    world.stand_in.faults.add([Fault("error", method="POST", status=429, retry_after=until)])

    assert world.run().status == "successful"

    first, second = posts(world)
    assert 35 <= second - first <= 41


@pytest.mark.parametrize("path", ["/api/accounts", "/api/lists/*", JOBS, f"{JOBS}/*/import-errors"])
def test_a_wait_that_a_read_was_asked_for_holds_for_everybody(world: World, path: str) -> None:
    """As one that a post was asked for: another export, in another process, asks for nothing meanwhile."""
    world.segment(People(10))
    other = example_documents()["exports/vip.json"] | {"id": "other"}
    world.services.state.write("exports/other.json", json.dumps(other).encode())
    world.stand_in.failures = {email(3): ImportFailure()}
    world.stand_in.faults.add([Fault("error", method="GET", path=path, status=429, retry_after=120)])
    first = run(world.services, "vip", Request("command", "tester"), Deadline(world.clock, 10))
    assert not first.is_closed
    before = len(world.stand_in.requests)

    with another_process(world) as services:
        for export in ("other", "vip"):
            record = run(services, export, Request("command", "tester"), Deadline(world.clock, 10))
            assert not record.is_closed
        assert len(world.stand_in.requests) == before

        world.clock.sleep(120)
        assert run(services, "other", Request("command", "tester"), world.deadline()).counts.imported == 9


def another_process(world: World) -> Services:
    """The services of a process that knows nothing but the state."""
    settings = world.services.settings
    return Services.from_settings(settings, world.clock)


def test_a_pause_that_cannot_be_meant_is_an_hour_at_most(world: World) -> None:
    """A clock that was wrong when a pause was written stops nothing for days, nor does what is no time."""
    world.segment(People(10))
    world.document("exports/vip.json", sync={"changed_only": False})
    state = world.services.state
    assert world.run().status == "successful"
    for content in (b"9999-12-31T23:59:59+00:00", b"0001-01-01T00:00:00+23:59", b"soon", b"\xff"):
        state.write("locks/pause-SNDBOX", content)
        with another_process(world) as services:
            record = run(services, "vip", Request("command", "tester"), Deadline(world.clock, 4000))
        assert (record.status, record.counts.sent) == ("successful", 10)


LIES: list[dict[str, Any]] = [
    {"failed_count": 10**30},
    {"failed_count": -3},
    {"failed_count": "3"},
    {"failed_count": 2.5},
    {"failed_count": True},
    {"failed_count": 10**8},
    {"completed_count": 10**30},
    {"completed_count": -(10**30)},
    {"completed_count": 10**8},
    {"total_count": -1},
    {"status": "\x1b[2J"},
    {"status": ["complete"]},
    {"status": "complete", "completed_count": 0, "failed_count": 0},
    {"created_at": "0001-01-01T00:00:00+23:59"},
]


@pytest.mark.parametrize("changes", LIES, ids=str)
def test_no_lie_about_a_job_makes_a_record_that_cannot_be_shown(
    world: World, changes: dict[str, Any]
) -> None:
    """Counts stay within the job's profiles and add up, and the run is listed as any other."""

    def lie(request: HttpRequest, document: Any) -> Any:
        if (
            request.method == "GET"
            and request.url.path.startswith(JOBS)
            and "import-errors" not in str(request.url)
        ):
            data = document["data"]
            for job in data if isinstance(data, list) else [data]:
                job["attributes"] |= changes
        return document

    record = run_with(world, lie)

    counts = record.counts
    assert counts.sent == 30 == counts.imported + counts.failed + counts.unconfirmed
    assert min(counts.model_dump().values()) >= 0
    listed, _ = list_runs(world.services.state, "vip", "", 20, world.clock.now())
    assert orjson.dumps([each.model_dump(mode="json") for each in listed])
    assert [each.id for each in listed] == [record.id]


def run_with(world: World, lie: Callable[[HttpRequest, Any], Any]) -> RunRecord:
    """A run of thirty people, of whom Klaviyo refuses one, as it has ended after a day at the latest."""
    world.segment(People(30))
    world.stand_in.failures = {email(3): ImportFailure()}
    with lying(world.services.settings.klaviyo_url, lie) as url:
        services = replace(world.services, klaviyo=KlaviyoApi(url, world.clock))
        with services:
            record = run(services, "vip", Request("command", "tester"), world.deadline())
            if not record.is_closed:
                world.clock.sleep(25 * 3600)
                record = run(services, "vip", Request("command", "tester"), world.deadline())
    assert record.is_closed
    head, _ = read_head(world.services.state, "vip")
    assert head.open is None
    return record
