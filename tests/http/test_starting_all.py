"""POST /api/runs: every export that runs automatically, now."""

import time
from collections.abc import Callable

import httpx

from shared.runs.lock.export import ExportLock
from tests.http.problems import problem
from tests.support.world import World


def test_every_active_export_is_started(
    world: World, host: httpx.Client, new_export: Callable[..., str]
) -> None:
    """202 with their runs, including open ones; broken exports are reported and stop no other."""
    fine = new_export()
    new_export(schedule={"active": False})
    astray = new_export(connection="no-such")
    broken = new_export(segments=[])
    opened = new_export()
    known = host.post(f"/api/exports/{opened}/runs", headers={"prefer": "respond-async"})

    with ExportLock.acquire(world.services.state, opened, world.clock):
        answer = host.post("/api/runs", json={"requested_by": "the night's job"})

    assert answer.status_code == 202
    started = {run["id"]: run["location"] for run in answer.json()["runs"]}
    assert sorted(run.partition(".")[0] for run in started) == sorted(["vip", fine, opened])
    assert started[known.json()["id"]] == known.headers["location"]
    problems = {problem["export"]: problem["code"] for problem in answer.json()["problems"]}
    assert problems == {astray: "unknown_connection", broken: "invalid_document"}

    assert host.post("/admin/functions/advance_runs", json={}).status_code == 202
    for address in started.values():
        until = time.monotonic() + 20
        while (seen := host.get(address)).status_code == 202:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert seen.json()["status"] == "successful"
        assert seen.json()["requested_by"] in ("the night's job", "http")


def test_a_body_that_is_wrong_starts_nothing(host: httpx.Client, new_export: Callable[..., str]) -> None:
    """400 before any run is opened."""
    export = new_export()

    problem(host.post("/api/runs", json={"exports": [export]}), 400, "invalid_request")

    assert host.get(f"/api/exports/{export}/runs").json()["runs"] == []
