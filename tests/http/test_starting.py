"""Runs on demand: within the caller's time, beyond it, and with other holders."""

import json
import time
from collections.abc import Callable

import httpx
import pytest

from sandbox.klaviyo import JobPlan
from sandbox.sample import example_documents
from shared.runs.lock.account import lock_account
from shared.runs.lock.export import ExportLock
from tests.http.problems import problem
from tests.support.open_runs import ANOTHER_RUN
from tests.support.world import World

ASYNC = {"prefer": "respond-async"}


def _jobs(world: World) -> int:
    """The jobs that Klaviyo has accepted so far."""
    return len(world.stand_in.accounts["SNDBOX"].jobs)


def test_a_run_that_closes_in_time_is_answered_with_its_record(
    host: httpx.Client, new_export: Callable[..., str]
) -> None:
    """200 with the same record that GET shows from then on; the next call starts a new run."""
    address = f"/api/exports/{new_export()}/runs"

    first, second = host.post(address), host.post(address)

    assert first.status_code == second.status_code == 200
    assert first.headers["content-type"] == "application/json"
    assert first.headers["cache-control"] == "no-store"
    assert first.json()["trigger"] == "on_demand"
    assert first.json()["status"] == "successful"
    assert first.json()["counts"]["imported"] == 50
    assert second.json()["id"] != first.json()["id"]
    for answer in (first, second):
        assert host.get(f"/api/runs/{answer.json()['id']}").json() == answer.json()


def test_a_run_that_takes_longer_goes_on(
    world: World, host: httpx.Client, new_export: Callable[..., str]
) -> None:
    """202 has the URL and when to look; another POST, with more time, continues the same run."""
    export = new_export()
    world.stand_in.plans.append(JobPlan(seconds=4.5))

    answer = host.post(f"/api/exports/{export}/runs")

    record = answer.json()
    assert answer.status_code == 202
    assert (record["status"], record["phase"]) == ("running", "confirming")
    assert answer.headers["location"] == f"{host.base_url}/api/runs/{record['id']}"
    assert int(answer.headers["retry-after"]) >= 1
    assert "preference-applied" not in answer.headers

    answer = host.post(f"/api/exports/{export}/runs", headers={"prefer": "wait=20"})

    assert answer.status_code == 200
    assert answer.headers["preference-applied"] == "wait=20"
    assert answer.json()["id"] == record["id"]
    assert answer.json()["status"] == "successful"
    assert len(answer.json()["jobs"]) == 1


def test_a_caller_that_does_not_wait_leaves_the_run_to_the_timer(
    world: World, host: httpx.Client, new_export: Callable[..., str]
) -> None:
    """`respond-async`: 202 before anything is sent, and the next tick does the work."""
    export, jobs = new_export(), _jobs(world)

    answer = host.post(f"/api/exports/{export}/runs", headers=ASYNC)

    assert answer.status_code == 202
    assert answer.headers["preference-applied"] == "respond-async"
    assert answer.json()["status"] == "queued"
    assert _jobs(world) == jobs

    assert host.post("/admin/functions/advance_runs", json={}).status_code == 202
    until = time.monotonic() + 20
    while (seen := host.get(answer.headers["location"])).status_code == 202:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert seen.json()["status"] == "successful"
    assert seen.json()["counts"]["imported"] == 50


def test_somebody_else_is_at_it(world: World, host: httpx.Client, new_export: Callable[..., str]) -> None:
    """409 with the run's location while another process holds the export; later any caller can continue
    it."""
    export = new_export()
    opened = host.post(f"/api/exports/{export}/runs", headers=ASYNC)

    with ExportLock.acquire(world.services.state, export, world.clock):
        for preferences in ({}, ASYNC):
            answer = host.post(f"/api/exports/{export}/runs", headers=preferences)
            problem(answer, 409, "already_running")
            assert answer.headers["location"] == opened.headers["location"]
        assert host.get(opened.headers["location"]).status_code == 202

    closed = host.post(f"/api/exports/{export}/runs")
    assert closed.status_code == 200
    assert closed.json()["id"] == opened.json()["id"]


def test_a_hold_without_a_run_has_no_location(
    world: World, host: httpx.Client, new_export: Callable[..., str]
) -> None:
    """409 alone if another process holds the export but has no open run at the moment."""
    export = new_export()
    assert host.post(f"/api/exports/{export}/runs").status_code == 200

    with ExportLock.acquire(world.services.state, export, world.clock):
        answer = host.post(f"/api/exports/{export}/runs")

    problem(answer, 409, "already_running")
    assert "location" not in answer.headers


def test_a_run_of_a_busy_account_waits_its_turn(
    world: World, host: httpx.Client, new_export: Callable[..., str]
) -> None:
    """202 while another run sends to the same Klaviyo account; the response has the reason."""
    address = f"/api/exports/{new_export()}/runs"

    with lock_account(world.services, "SNDBOX", ANOTHER_RUN):
        answer = host.post(address)

    assert answer.status_code == 202
    assert answer.json()["progress"]["waiting_for"] == "account_busy"
    assert host.post(address, headers={"prefer": "wait=20"}).json()["id"] == answer.json()["id"]


def test_a_paused_run_tells_when_to_come_back(
    world: World, host: httpx.Client, new_export: Callable[..., str]
) -> None:
    """202 with a Retry-After that fits the pause."""
    connection = example_documents()["connections/sandbox.json"] | {"id": "paused", "paused": True}
    world.services.state.write("connections/paused.json", json.dumps(connection).encode())

    answer = host.post(f"/api/exports/{new_export(connection='paused')}/runs")

    assert answer.status_code == 202
    assert answer.json()["progress"]["waiting_for"] == "paused"
    assert answer.headers["retry-after"] == "15"


def test_a_strict_caller_sees_a_failed_run_in_the_status(
    host: httpx.Client, new_export: Callable[..., str]
) -> None:
    """`handling=strict`: 500 with the record as its body, for a failed run alone; GET does likewise."""
    strict = {"prefer": "handling=strict"}
    broken = f"/api/exports/{new_export(list_id='NoSuch')}/runs"

    lenient, answer = host.post(broken), host.post(broken, headers=strict)

    assert (lenient.status_code, answer.status_code) == (200, 500)
    assert answer.headers["preference-applied"] == "handling=strict"
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["status"] == "failed"
    assert answer.json()["error"]["code"] == "unknown_list"
    address = f"/api/runs/{answer.json()['id']}"
    assert (host.get(address).status_code, host.get(address, headers=strict).status_code) == (200, 500)
    assert host.post(f"/api/exports/{new_export()}/runs", headers=strict).status_code == 200


@pytest.mark.parametrize(
    ("body", "name"), [({"requested_by": "the night's job"}, "the night's job"), ({}, "http")]
)
def test_who_asked_is_on_record(
    host: httpx.Client, new_export: Callable[..., str], body: dict[str, str], name: str
) -> None:
    """The record has the name in the body, or a default: headers can be forged."""
    forged = {"x-ms-client-principal-name": "ana@example.org"}
    answer = host.post(f"/api/exports/{new_export()}/runs", json=body, headers=ASYNC | forged)

    assert answer.json()["requested_by"] == name


def test_the_location_fits_the_address_that_was_called(
    host: httpx.Client, new_export: Callable[..., str]
) -> None:
    """Routes match in any case and with a slash at the end; a key in the query stays out of the location."""
    export = new_export()
    answer = host.post(f"/API/Exports/{export}/Runs/?code=local", headers=ASYNC | {"x-functions-key": ""})

    assert answer.headers["location"] == f"{host.base_url}/API/runs/{answer.json()['id']}"
    assert host.get(answer.headers["location"]).json()["id"] == answer.json()["id"]
