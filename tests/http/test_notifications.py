"""A run that a call over HTTP ends is reported to the webhook, by the process that serves the call."""

import time
from pathlib import Path

from sandbox.people import People
from tests.support.host import running_host
from tests.support.webhook import SECRET, notify_of, receiving
from tests.support.world import a_world, environment_of


def test_a_call_that_ends_a_failed_run_notifies(tmp_path: Path) -> None:
    """The caller has the record, and the operator the notification."""
    with a_world(tmp_path, clock=time.time, limits=False) as world, receiving() as receiver:
        notify_of(world, receiver.address)
        world.segment(People(5))
        world.document("exports/vip.json", list_id="Nowher")

        with running_host(environment_of(world) | {"NOTIFY_SECRET": SECRET}) as client:
            answer = client.post("/api/exports/vip/runs", headers={"Prefer": "wait=30"})

        assert answer.json()["status"] == "failed", answer.text
        [message] = receiver.messages
        assert message.content["data"]["id"] == answer.json()["id"]
        assert message.content["data"]["trigger"] == "on_demand"
