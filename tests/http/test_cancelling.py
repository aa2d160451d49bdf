"""Canceling a run, in every state and with any holder."""

import json
import subprocess
import time
from collections.abc import Callable

import httpx

from sandbox.klaviyo import Fault, JobPlan
from sandbox.people import People, email
from sandbox.sample import write_segment
from shared.errors import NotFound
from shared.runs.heads.head import read_head
from tests.http.problems import problem
from tests.support.host import COMMAND
from tests.support.processes import killed_after_a_job
from tests.support.small_batches import UnusualPeople
from tests.support.world import MONDAY, World, environment_of

ASYNC = {"prefer": "respond-async"}


def _jobs(world: World) -> int:
    """The jobs that Klaviyo has accepted so far."""
    return len(world.stand_in.accounts["SNDBOX"].jobs)


def test_before_the_first_post(world: World, host: httpx.Client, new_export: Callable[..., str]) -> None:
    """Of a run that waits for the timer nothing is ever sent; cancelled once, it has ended."""
    opened = host.post(f"/api/exports/{new_export()}/runs", headers=ASYNC)
    cancel = f"/api/runs/{opened.json()['id']}/cancel"
    jobs = _jobs(world)

    answer = host.post(cancel)

    assert answer.status_code == 200
    assert answer.json()["status"] == "canceled"
    assert answer.json()["counts"]["sent"] == 0
    assert host.get(opened.headers["location"]).json() == answer.json()
    assert _jobs(world) == jobs
    problem(host.post(cancel), 409, "already_closed")


def test_between_two_posts_where_nobody_holds_the_run(world: World, host: httpx.Client) -> None:
    """Accepted jobs of a run whose holder died are confirmed and counted, and nothing more is sent."""
    write_segment(world.services.segment_store, "Large", UnusualPeople(750), refreshed=MONDAY)
    world.document("exports/vip.json", segments=["Large"])
    killed_after_a_job(world, 2)
    run = host.get("/api/exports/vip/runs").json()["runs"][0]
    jobs = _jobs(world)

    answer = host.post(f"/api/runs/{run['id']}/cancel")

    assert answer.status_code == 200
    assert answer.json()["status"] == "canceled"
    assert 0 < answer.json()["counts"]["imported"] == answer.json()["counts"]["sent"] < 750
    assert _jobs(world) == jobs


def test_between_two_posts_of_another_process(
    world: World, host: httpx.Client, new_export: Callable[..., str]
) -> None:
    """202: the holder sees it before its next post, and ends the run."""
    others = People(50, start=1000)
    write_segment(world.services.segment_store, "Others", others, refreshed=MONDAY)
    export = new_export(segments=["Others"])
    # Somebody whom Klaviyo refuses without a name is looked for by halves, one post after the other.
    world.stand_in.refused_emails = {email(1049)}
    world.stand_in.bad_rows_named = 0
    world.stand_in.faults.add([Fault("slow", method="POST", nth=None, seconds=0.5)])
    command = [str(COMMAND), "run", export, "--json"]
    with subprocess.Popen(command, env=environment_of(world), stdout=subprocess.PIPE) as process:
        run = _with_a_job(world, export)

        answer = host.post(f"/api/runs/{run}/cancel")
        output, _ = process.communicate(timeout=30)

    assert answer.status_code == 202
    assert answer.headers["location"] == f"{host.base_url}/api/runs/{run}"
    record = json.loads(output)
    assert record["id"] == run
    assert record["status"] == "canceled"
    assert process.returncode == 1
    assert 0 < record["counts"]["imported"] == record["counts"]["sent"] < 49
    assert host.get(f"/api/runs/{run}").json() == record


def _with_a_job(world: World, export: str) -> str:
    """The id of the export's open run, once Klaviyo has accepted a job of it."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            head, _ = read_head(world.services.state, export)
        except NotFound:
            continue
        if head.open is not None and head.open.deliveries.jobs:
            return head.open.record.id
        time.sleep(0.02)
    raise TimeoutError


def test_after_the_last_post(world: World, host: httpx.Client, new_export: Callable[..., str]) -> None:
    """It is too late: the run ends as usual, with a warning."""
    address = f"/api/exports/{new_export()}/runs"
    world.stand_in.plans.append(JobPlan(seconds=4.5))
    run = host.post(address).json()
    assert run["phase"] == "confirming"

    answer = host.post(f"/api/runs/{run['id']}/cancel")
    assert answer.status_code == 202

    closed = host.post(address, headers={"prefer": "wait=20"}).json()
    assert closed["id"] == run["id"]
    assert closed["status"] == "completed_with_warnings"
    assert [warning["code"] for warning in closed["warnings"]] == ["cancel_too_late"]
    assert closed["counts"]["imported"] == 50


def test_a_run_that_is_cancelled_makes_room_for_the_next(
    host: httpx.Client, new_export: Callable[..., str]
) -> None:
    """The next POST opens a new run, which is not canceled."""
    address = f"/api/exports/{new_export()}/runs"
    run = host.post(address, headers=ASYNC).json()["id"]
    assert host.post(f"/api/runs/{run}/cancel").status_code == 200

    following = host.post(address).json()

    assert following["id"] != run
    assert following["status"] == "successful"
