"""POST /api/runs without enough time for all exports."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sandbox.people import People
from sandbox.sample import example_documents
from shared.adapters.storage.locks import exclusive
from tests.support.host import running_host
from tests.support.world import a_world, environment_of

IDS = [*(f"export-{number}" for number in range(9)), "vip"]
BUDGET = 1


def test_what_was_not_started_is_told_and_the_same_request_starts_it(tmp_path: Path) -> None:
    """Each export is a run or a problem, and nothing is started twice."""
    with a_world(tmp_path, clock=time.time, limits=False) as world:
        world.segment(People(1))
        for export_id in IDS[:-1]:
            document = example_documents()["exports/vip.json"] | {"id": export_id}
            world.services.state.write(f"exports/{export_id}.json", json.dumps(document).encode())
        environment = environment_of(world) | {"HTTP_TIME_BUDGET": f"{BUDGET}"}

        with running_host(environment) as client, ThreadPoolExecutor(1) as pool:
            with exclusive(tmp_path / "state/.lock"):  # nothing can be written for longer than the budget
                sent = pool.submit(client.post, "/api/runs")
                time.sleep(3 * BUDGET)
            hurried = sent.result()
            again = client.post("/api/runs")

        assert hurried.status_code == again.status_code == 202
        started = {run["id"] for run in hurried.json()["runs"]}
        problems = hurried.json()["problems"]
        assert 0 < len(problems) < len(IDS)
        assert {problem["code"] for problem in problems} == {"out_of_time"}
        assert "send the same request again" in problems[0]["detail"]
        told = [*(run.partition(".")[0] for run in started), *(problem["export"] for problem in problems)]
        assert sorted(told) == IDS

        runs = {run["id"] for run in again.json()["runs"]}
        assert again.json()["problems"] == []
        assert started <= runs
        assert sorted(run.partition(".")[0] for run in runs) == IDS
        heads = [blob.metadata["open"] for blob in world.services.state.list("heads/")]
        assert sorted(heads) == sorted(runs)
