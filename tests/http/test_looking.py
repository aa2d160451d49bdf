"""What can be seen of runs; looking changes nothing."""

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from sandbox.klaviyo import JobPlan
from sandbox.people import People
from sandbox.sample import write_segment
from shared import state
from shared.runs.record import RunRecord
from tests.http.problems import problem
from tests.support.processes import killed_after_a_job
from tests.support.small_batches import UnusualPeople
from tests.support.world import MONDAY, World

ASYNC = {"prefer": "respond-async"}


def test_looking_at_an_open_run_tells_how_far_it_is_and_leaves_it_there(
    world: World, host: httpx.Client
) -> None:
    """A run that died on its way: 202 with share and time left, however often one looks; a POST ends it."""
    write_segment(world.services.segment_store, "Large", UnusualPeople(750), refreshed=MONDAY)
    world.document("exports/vip.json", segments=["Large"])
    killed_after_a_job(world, 2)
    head = world.services.state.stat(state.head("vip"))
    asked = _answered(world)
    run = world.services.state.stat(state.head("vip")).metadata["open"]

    answers = [host.get(f"/api/runs/{run}") for _ in range(3)]

    for answer in answers:
        assert answer.status_code == 202
        assert answer.headers["location"] == f"{host.base_url}/api/runs/{run}"
        assert answer.json() == answers[0].json()
    record = answers[0].json()
    progress = record.pop("progress")
    assert RunRecord.model_validate(record).model_dump(mode="json") == record
    assert (record["status"], record["phase"]) == ("running", "sending")
    assert 0 < progress["share"] <= 1
    assert progress["seconds_left"] >= 0
    assert progress["waiting_for"] is None
    assert progress["not_before"] is None
    assert world.services.state.stat(state.head("vip")) == head
    assert _answered(world) == asked

    closed = host.post("/api/exports/vip/runs", headers={"prefer": "wait=30"})
    assert closed.status_code == 200
    assert closed.json()["id"] == run
    assert "progress" not in closed.json()
    assert host.get(f"/api/runs/{run}").json() == closed.json()


def _answered(world: World) -> int:
    """Requests to Klaviyo, without those of a process that died before their response."""
    return sum(request.status != 0 for request in world.stand_in.requests)


def test_a_run_that_klaviyo_works_on_tells_when_to_look_again(
    world: World, host: httpx.Client, new_export: Callable[..., str]
) -> None:
    """Everything is sent, so the share is 1; Klaviyo's remaining time is unknown."""
    export = new_export()
    world.stand_in.plans.append(JobPlan(seconds=3600))

    progress = host.post(f"/api/exports/{export}/runs").json()["progress"]

    assert (progress["share"], progress["seconds_left"]) == (1, None)
    assert progress["not_before"] is not None


def test_the_history_is_newest_first_in_pages(
    world: World, host: httpx.Client, new_export: Callable[..., str]
) -> None:
    """Every run once, the open one on top, by following `next` until it is null."""
    export = new_export()
    past = [_closed_run(world, export, minute) for minute in range(5)]
    opened = host.post(f"/api/exports/{export}/runs", headers=ASYNC).json()["id"]

    pages, address = [], f"/api/exports/{export}/runs?limit=2"
    while address:
        page = host.get(address).json()
        pages.append([run["id"] for run in page["runs"]])
        address = page["next"]

    past.reverse()
    assert pages == [[opened, past[0]], past[1:3], past[3:5]]
    whole = host.get(f"/api/exports/{export}/runs").json()
    assert [run["id"] for run in whole["runs"]] == [opened, *past]
    assert whole["next"] is None


def _closed_run(world: World, export: str, minute: int) -> str:
    """Lays a record down as a run leaves it."""
    time = MONDAY + timedelta(minutes=minute)
    run_id = f"{export}.{time:%Y%m%dT%H%M%SZ}-00{minute:02}"
    record = RunRecord(
        id=run_id,
        export=export,
        trigger="schedule",
        requested_by="timer",
        status="successful",
        phase="closed",
        created_at=time,
        finished_at=time,
    )
    world.services.state.write(state.record(run_id), record.content(), create_only=True)
    return run_id


def test_an_export_that_never_ran_has_an_empty_history(
    host: httpx.Client, new_export: Callable[..., str]
) -> None:
    """An empty history is not an error."""
    answer = host.get(f"/api/exports/{new_export()}/runs")

    assert answer.status_code == 200
    assert answer.json() == {"runs": [], "next": None}


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=%C2%B2", "before=yesterday"])
def test_a_page_that_cannot_be_is_refused(
    host: httpx.Client, new_export: Callable[..., str], query: str
) -> None:
    """400 for a limit out of range, and for an invalid run id."""
    problem(host.get(f"/api/exports/{new_export()}/runs?{query}"), 400, "invalid_request")


def test_refused_rows_come_as_csv(world: World, host: httpx.Client, new_export: Callable[..., str]) -> None:
    """The file has places and reasons, and browsers do not keep it."""
    write_segment(world.services.segment_store, "Dirty", People(40, dirt=True), refreshed=MONDAY)
    run = host.post(f"/api/exports/{new_export(segments=['Dirty'])}/runs").json()
    clean = host.post(f"/api/exports/{new_export()}/runs").json()

    answer = host.get(f"/api/runs/{run['id']}/rejected")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    header, *lines = answer.text.splitlines()
    assert header == "partition,row,column,reason,stage"
    assert len(lines) == run["counts"]["rejected"] == 2
    assert host.get(f"/api/runs/{clean['id']}/rejected").text == f"{header}\n"


def test_refused_rows_of_an_open_run_are_not_there_yet(
    host: httpx.Client, new_export: Callable[..., str]
) -> None:
    """409 until it is closed."""
    run = host.post(f"/api/exports/{new_export()}/runs", headers=ASYNC).json()

    problem(host.get(f"/api/runs/{run['id']}/rejected"), 409, "run_is_open")


def test_head_asks_without_a_body(host: httpx.Client, new_export: Callable[..., str]) -> None:
    """HEAD has the status and headers of GET."""
    address = f"/api/runs/{host.post(f'/api/exports/{new_export()}/runs').json()['id']}"

    seen, asked = host.get(address), host.head(address)

    assert asked.status_code == seen.status_code == 200
    assert asked.headers["content-type"] == seen.headers["content-type"]
    assert asked.content == b""


def test_health_is_for_everybody_and_tells_nothing_else(host: httpx.Client) -> None:
    """200 without a key: that it is well, and when it last ticked."""
    answer = host.get("/api/health", headers={"x-functions-key": ""})

    assert answer.status_code == 200
    assert answer.json().keys() == {"status", "last_tick"}
    assert answer.headers["cache-control"] == "no-store"
