"""`POST /api/tick`: the timer's work, if the platform's timer does not do it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from sandbox.people import People
from shared import state
from tests.support.azurite import AzuriteQueues
from tests.support.host import running_host
from tests.support.world import MONDAY, a_world, environment_of


def refreshed(path: Path, environment: dict[str, str]) -> Any:
    """The response of a tick that finds the refresh after the baseline; the host has no timer."""
    with a_world(path, limits=False) as world:
        world.segment(People(1))
        with running_host(environment_of(world) | environment) as host:
            first = host.post("/api/tick")
            assert (first.status_code, first.json()) == (202, quiet())
            world.segment(People(5), MONDAY + timedelta(hours=1))
            answer = host.post("/api/tick")
            assert answer.status_code == 202
            last_tick = datetime.fromisoformat(host.get("/api/health").json()["last_tick"])
            assert abs(datetime.now(UTC) - last_tick) < timedelta(minutes=1)
            return answer.json()


def quiet() -> dict[str, Any]:
    return {"runs": [], "accounts": 0, "left": 0, "due_at": None}


def test_a_tick_that_does_the_work(tmp_path: Path) -> None:
    """It answers with the runs that had a turn."""
    shown = refreshed(tmp_path, {})

    [run] = shown.pop("runs")
    assert (run["export"], run["status"]) == ("vip", "successful")
    assert state.export_of(run["id"]) == "vip"
    assert shown == {"accounts": 0, "left": 0, "due_at": None}


def test_a_tick_that_hands_the_work_out(tmp_path: Path, azurite_queues: AzuriteQueues) -> None:
    """It answers with the runs that workers were asked for, and how many are left."""
    queue = azurite_queues.queue()
    listens = {"AzureWebJobs.do_work.Disabled": "true", "QUEUE_URL": queue.url}
    shown = refreshed(tmp_path, listens | {"AzureWebJobsStorage__queueServiceUri": azurite_queues.url})

    [run] = shown.pop("runs")
    assert (run["export"], run["status"]) == ("vip", "queued")
    assert (shown["accounts"], shown["left"]) == (1, 1)
    assert datetime.fromisoformat(shown["due_at"]) <= datetime.now(UTC)
    assert len(list(queue.receive_messages())) == 1


def test_it_takes_no_body(host: httpx.Client) -> None:
    """A misspelt wish is refused, and not passed over."""
    assert host.post("/api/tick", json={"seconds": 200}).status_code == 400
