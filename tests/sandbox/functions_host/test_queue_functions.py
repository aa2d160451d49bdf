"""Queue functions of an app on Microsoft's engine, in hosts that start, end, and are killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.adapters.credential import EMULATOR_KEY
from tests.support.azurite import AzuriteQueues, encoded, left, texts

ROOT = Path(__file__).parents[3]
LEASE = 2  # seconds, where a lease has to run out

Hosting = Callable[..., AbstractContextManager[httpx.Client]]
Eventually = Callable[[Callable[[], bool]], None]

APP = """
import json, pathlib, threading, time
import azure.functions as func

folder = pathlib.Path(__file__).parent
both = threading.Barrier(2)
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

def note(name, value):
    with (folder / "notes").open("a") as file:
        print(json.dumps([name, value]), file=file)

@app.queue_trigger(arg_name="message", queue_name="%TAKE%", connection="QUEUES")
def take(message: func.QueueMessage) -> None:
    note("take", {
        "text": message.get_body().decode(),
        "id": message.id,
        "count": message.dequeue_count,
        "receipt": message.pop_receipt,
        "times": [
            moment.isoformat()
            for moment in (message.insertion_time, message.time_next_visible, message.expiration_time)
        ],
    })

@app.queue_trigger(arg_name="message", queue_name="%FAIL%", connection="QUEUES")
async def fail(message: func.QueueMessage) -> None:
    note("fail", message.dequeue_count)
    raise LookupError("the cause")

@app.queue_trigger(arg_name="message", queue_name="%TOGETHER%", connection="QUEUES")
def together(message: func.QueueMessage) -> None:
    both.wait(20)
    note("together", message.get_body().decode())

@app.queue_trigger(arg_name="message", queue_name="%HANG%", connection="QUEUES")
def hang(message: func.QueueMessage) -> None:
    note("hang", message.dequeue_count)
    while not (folder / "go").exists():
        time.sleep(0.02)

@app.queue_trigger(arg_name="message", queue_name="%TAKE%", connection="NOT_SET")
def off(message: func.QueueMessage) -> None:
    note("off", message.get_body().decode())

@app.timer_trigger(arg_name="timer", schedule="* * * * * *")
def tick(timer: func.TimerRequest) -> None:
    note("tick", None)

@app.timer_trigger(arg_name="timer", schedule="* * * * * *")
def tock(timer: func.TimerRequest) -> None:
    note("tock", None)

@app.route(route="closed")
def closed(req: func.HttpRequest) -> str:
    return "open"
"""
OFF = {
    "AzureWebJobs.off.Disabled": "1",
    "AzureWebJobs.tick.Disabled": "True",
    "AzureWebJobs.closed.Disabled": "true",
}


class Stage:
    """A folder with the app, its queues, and the notes of its functions."""

    def __init__(self, folder: Path, queues: AzuriteQueues) -> None:
        self.folder = folder
        self.address = queues.url
        self.queues = {name: queues.queue() for name in ("TAKE", "FAIL", "TOGETHER", "HANG")}
        self.settings = {name: queue.queue_name for name, queue in self.queues.items()}
        self.settings |= {"QUEUES__queueServiceUri": queues.url, **OFF}
        document = {"extensions": {"queues": {"maxPollingInterval": "00:00:00.1", "maxDequeueCount": 2}}}
        (folder / "host.json").write_text(json.dumps(document))
        (folder / "function_app.py").write_text(APP)
        (folder / "notes").touch()

    def send(self, queue: str, text: str) -> None:
        self.queues[queue].send_message(encoded(text))

    def noted(self, name: str) -> list[Any]:
        lines = (self.folder / "notes").read_text().rpartition("\n")[0].splitlines()
        return [note[1] for line in lines if (note := json.loads(line))[0] == name]


@pytest.fixture
def stage(tmp_path: Path, azurite_queues: AzuriteQueues) -> Stage:
    return Stage(tmp_path, azurite_queues)


def test_messages_arrive_on_the_engine(stage: Stage, hosting: Hosting, eventually: Eventually) -> None:
    """Text and metadata reach a function; failures become poison; two run at once; the log has no address."""
    stage.send("TAKE", "grüße")
    stage.send("FAIL", "bad")
    stage.send("TOGETHER", "one")
    stage.send("TOGETHER", "two")
    with hosting(stage.folder, **stage.settings):
        eventually(lambda: all(left(queue) == 0 for queue in stage.queues.values()))
    [taken] = stage.noted("take")
    assert (taken["text"], taken["count"]) == ("grüße", 1)
    assert taken["id"]
    assert taken["receipt"]
    inserted, next_visible, expires = taken["times"]
    assert inserted < next_visible < expires
    assert stage.noted("fail") == [1, 2]
    assert sorted(stage.noted("together")) == ["one", "two"]
    log = (stage.folder / "host.log").read_text()
    assert "LookupError: the cause" in log
    assert stage.address.partition("://")[2].partition("/")[0] not in log
    assert EMULATOR_KEY not in log


def test_a_disabled_function_does_not_fire(stage: Stage, hosting: Hosting, eventually: Eventually) -> None:
    """Its queue, timer and route do nothing; by hand it still runs."""
    with hosting(stage.folder, **stage.settings) as client:
        for text in ("one", "two", "three"):
            stage.send("TAKE", text)
        assert client.get("/api/closed").status_code == 404
        eventually(lambda: len(stage.noted("take")) == 3)
        eventually(lambda: len(stage.noted("tock")) == 2)
        assert stage.noted("off") == stage.noted("tick") == []
        assert client.post("/admin/functions/off", json={"input": "by hand"}).status_code == 202
        assert client.post("/admin/functions/tick").status_code == 202
        eventually(lambda: stage.noted("off") == ["by hand"] and stage.noted("tick") == [None])


def test_a_queue_function_runs_by_hand(stage: Stage, hosting: Hosting, eventually: Eventually) -> None:
    """The body's input is its message, which was never in a queue and has no id."""
    with hosting(stage.folder, **stage.settings) as client:
        for body in (b"", b"{", b"[]", b"{}", b'{"input": 1}', b'"input"', b"\xff"):
            assert client.post("/admin/functions/take", content=body).status_code == 400
        wrong = client.post("/admin/functions/take", json={"input": ""}, headers={"x-functions-key": ""})
        assert wrong.status_code == 401
        assert client.post("/admin/functions/Take", json={"input": "grüße"}).status_code == 202
        eventually(lambda: len(stage.noted("take")) == 1)
    [taken] = stage.noted("take")
    assert (taken["text"], taken["id"], taken["count"], taken["receipt"]) == ("grüße", None, 0, None)
    assert taken["times"][2] == "9999-12-31T23:59:59.999999+00:00"


class Killed(Exception):
    """Raised in a `hosting` block, which then kills its process."""


SERVE = """
import sys
from pathlib import Path
from sandbox.functions_host import serve

serve(Path(sys.argv[1]), 0, "sesame", lambda line: print(line, flush=True))
"""


@contextmanager
def served(stage: Stage) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SERVE, str(stage.folder)],
        cwd=ROOT,
        env={**os.environ, **stage.settings},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_served_queue_is_announced_and_its_message_left(stage: Stage, eventually: Eventually) -> None:
    """Each queue has a line without an address; a message whose function does not end stays in the queue."""
    stage.send("HANG", "text")
    with served(stage) as process:
        assert process.stdout is not None
        announced = [process.stdout.readline().rstrip() for _ in range(9)]
        assert announced[1:] == [
            "  tock: timer * * * * * * (UTC)",
            f"  take: queue {stage.settings['TAKE']}",
            f"  fail: queue {stage.settings['FAIL']}",
            f"  together: queue {stage.settings['TOGETHER']}",
            f"  hang: queue {stage.settings['HANG']}",
            "  off: disabled by AzureWebJobs.off.Disabled",
            "  tick: disabled by AzureWebJobs.tick.Disabled",
            "  closed: disabled by AzureWebJobs.closed.Disabled",
        ]
        eventually(lambda: stage.noted("hang") == [1])
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stdout.readline() == "Stopped while running: hang\n"
    assert (left(stage.queues["HANG"]), texts(stage.queues["HANG"])) == (1, [])


def test_a_message_of_a_killed_process_comes_back(
    stage: Stage, hosting: Hosting, eventually: Eventually
) -> None:
    """When its lease ends, the next host takes it, as its second attempt."""
    stage.send("HANG", "text")
    with suppress(Killed), hosting(stage.folder, lease=LEASE, **stage.settings):
        eventually(lambda: stage.noted("hang") == [1])
        raise Killed
    (stage.folder / "go").touch()
    with hosting(stage.folder, **stage.settings):
        eventually(lambda: left(stage.queues["HANG"]) == 0)
    assert stage.noted("hang") == [1, 2]
