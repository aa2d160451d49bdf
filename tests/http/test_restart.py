"""Azure kills functions: a run outlives the host that started it."""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from sandbox.klaviyo import Fault
from sandbox.sample import write_segment
from tests.support.host import COMMAND, running_host
from tests.support.processes import accepted
from tests.support.small_batches import UnusualPeople
from tests.support.world import MONDAY, World, environment_of


def test_the_timer_ends_what_a_killed_host_began(world: World) -> None:
    """Killed between two posts of a call: its caller's connection breaks, and the next host's tick
    continues the run."""
    people = UnusualPeople(750)
    write_segment(world.services.segment_store, "Large", people, refreshed=MONDAY)
    world.document("exports/vip.json", segments=["Large"])
    world.stand_in.faults.add([Fault("hang", method="POST", nth=2)])
    command = [str(COMMAND), "serve", "--port", "0"]
    with (
        subprocess.Popen(command, env=environment_of(world), stdout=subprocess.PIPE, text=True) as process,
        ThreadPoolExecutor(1) as pool,
    ):
        assert process.stdout is not None
        try:
            url = next(line.split()[-1] for line in process.stdout if line.startswith("Serving "))
            address, key = f"{url}/api/exports/vip/runs", {"x-functions-key": "local"}
            call = pool.submit(httpx.post, address, headers=key, timeout=60)
            until = time.monotonic() + 30
            while not accepted(world):
                assert time.monotonic() < until
                time.sleep(0.02)
        finally:
            process.kill()
    with pytest.raises(httpx.HTTPError):
        call.result()
    world.stand_in.faults.clear()

    with running_host(environment_of(world)) as host:
        (run,) = host.get("/api/exports/vip/runs").json()["runs"]
        assert (run["status"], run["phase"]) == ("running", "sending")
        assert host.post("/admin/functions/advance_runs", json={}).status_code == 202
        until = time.monotonic() + 30
        while (seen := host.get(f"/api/runs/{run['id']}")).status_code == 202:
            assert time.monotonic() < until
            time.sleep(0.05)

    assert seen.json()["status"] == "successful"
    assert seen.json()["counts"]["imported"] == 750
    assert world.members() == people.expected.emails
