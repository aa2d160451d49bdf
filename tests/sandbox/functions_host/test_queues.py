"""Queue triggers on Azurite: what becomes of a message, for each way in which its function can end."""

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, override

import httpx
import pytest
from azure.storage.queue import QueueClient, QueueMessage

from sandbox.functions_host import HostError
from sandbox.functions_host.engine import Function, Outcome
from sandbox.functions_host.queue_storage import QueueStorage, queues_of
from sandbox.functions_host.queues import QueueTrigger, pause
from sandbox.functions_host.settings import QueueSettings
from shared.adapters.credential import EMULATOR_KEY
from tests.support.azurite import AzuriteQueues, running_queues

ROOT = Path(__file__).parents[3]
QUICK = QueueSettings(max_polling_interval=0.1)
LEASE = 2  # seconds, where a lease has to run out

Work = Callable[[str], Awaitable[bool]]
Hosting = Callable[..., AbstractContextManager[httpx.Client]]
Eventually = Callable[[Callable[[], bool]], None]


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


def storage_of(queue: QueueClient) -> QueueStorage:
    url = queue.url.rpartition("/")[0]
    function = Function("take", "1", {"queueName": queue.queue_name, "connection": "Q"})
    return queues_of(function, {"Q__queueServiceUri": url})


class Counted(QueueStorage):
    """Counts what a trigger asks of it."""

    polls = changes = 0

    @override
    def receive(self, most: int, seconds: int) -> Sequence[QueueMessage]:
        self.polls += 1
        return super().receive(most, seconds)

    @override
    def hide(self, message: QueueMessage, seconds: int) -> None:
        self.changes += 1
        super().hide(message, seconds)


def texts(queue: QueueClient) -> list[str]:
    """The visible messages, as they lie in storage."""
    return [message.content for message in queue.peek_messages(32)]


def left(queue: QueueClient) -> int | None:
    """How many messages there are, hidden ones too."""
    return queue.get_queue_properties().approximate_message_count


@asynccontextmanager
async def triggered(
    storage: QueueStorage, work: Work, settings: QueueSettings = QUICK, *, lease: int = 600
) -> AsyncIterator[None]:
    """A trigger at work, which is ended with the block as the host ends it: functions get half a second."""
    invocations = set()

    async def invoke(text: str) -> Outcome:
        return Outcome(await work(text), None)

    def fire(text: str, _: object) -> asyncio.Task[Outcome]:
        invocations.add(task := asyncio.create_task(invoke(text)))
        return task

    trigger = QueueTrigger(storage, fire, settings, lease=lease, first_pause=0.02)
    running = asyncio.create_task(trigger.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        if invocations:
            await asyncio.wait(invocations, timeout=0.5)
        await trigger.end()
        for invocation in invocations:
            invocation.cancel()


async def until(condition: Callable[[], bool]) -> None:
    """Waits until the condition holds; after 30 seconds the test fails."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


class Recorder:
    """A function that notes each text and its time, and succeeds or fails as told."""

    def __init__(self, *, succeeds: bool = True) -> None:
        self.texts: list[str] = []
        self.times: list[float] = []
        self._succeeds = succeeds

    async def __call__(self, text: str) -> bool:
        self.texts.append(text)
        self.times.append(time.monotonic())
        return self._succeeds


class Gate:
    """A function that waits to be let through; `peak` is how many ran at once."""

    def __init__(self) -> None:
        self.started = self.running = self.peak = 0
        self._permits = asyncio.Semaphore(0)

    async def __call__(self, _: str) -> bool:
        self.started += 1
        self.running += 1
        self.peak = max(self.peak, self.running)
        await self._permits.acquire()
        self.running -= 1
        return True

    def open(self, times: int) -> None:
        for _ in range(times):
            self._permits.release()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_message_is_deleted_after_its_function_succeeds(azurite_queues: AzuriteQueues) -> None:
    """It is hidden while the function runs, and then it is gone."""
    queue, gate = azurite_queues.queue(), Gate()
    queue.send_message(encoded("text"))

    async def scenario() -> None:
        async with triggered(storage_of(queue), gate):
            await until(lambda: gate.running == 1)
            assert (left(queue), texts(queue)) == (1, [])
            gate.open(1)
            await until(lambda: left(queue) == 0)

    asyncio.run(scenario())
    assert gate.started == 1


def test_a_failure_is_retried_and_then_poison(
    azurite_queues: AzuriteQueues, caplog: pytest.LogCaptureFixture
) -> None:
    """Each retry waits for visibilityTimeout; after maxDequeueCount the same text is in the poison queue."""
    queue, function = azurite_queues.queue(), Recorder(succeeds=False)
    poison = azurite_queues.named(f"{queue.queue_name}-poison")
    storage = Counted(queue, poison)
    queue.send_message(encoded("<bad> & broken"))

    async def scenario() -> None:
        settings = QueueSettings(max_polling_interval=0.1, max_dequeue_count=3, visibility_timeout=1)
        async with triggered(storage, function, settings):
            await until(lambda: left(queue) == 0)

    asyncio.run(scenario())
    assert function.texts == ["<bad> & broken"] * 3
    assert storage.changes == 2  # given back after the first two only
    assert all(b - a > 0.9 for a, b in zip(function.times, function.times[1:], strict=False))
    assert texts(poison) == [encoded("<bad> & broken")]
    assert warnings(caplog) == [f"A message of the queue {queue.queue_name} is now in {poison.queue_name}."]


def test_a_poison_queue_that_exists_takes_more(azurite_queues: AzuriteQueues) -> None:
    """A second failed message joins the first, without a wait between its attempts."""
    queue, function = azurite_queues.queue(), Recorder(succeeds=False)
    for text in ("one", "two"):
        queue.send_message(encoded(text))

    async def scenario() -> None:
        settings = QueueSettings(max_polling_interval=0.1, max_dequeue_count=2)
        async with triggered(storage_of(queue), function, settings):
            await until(lambda: left(queue) == 0)

    asyncio.run(scenario())
    assert sorted(function.texts) == ["one", "one", "two", "two"]
    poison = azurite_queues.named(f"{queue.queue_name}-poison")
    assert sorted(texts(poison)) == sorted(map(encoded, ("one", "two")))


@pytest.mark.parametrize("most", [1, 5])
def test_a_poison_queue_has_none_of_its_own(azurite_queues: AzuriteQueues, most: int) -> None:
    """A message that fails there stays, hidden for its lease, so that it does not fail at once again."""
    queue, function = azurite_queues.named(f"own-{most}-poison"), Recorder(succeeds=False)
    queue.create_queue()
    queue.send_message(encoded("text"))

    async def scenario() -> None:
        async with triggered(storage_of(queue), function, QueueSettings(max_dequeue_count=most)):
            await until(lambda: len(function.texts) == 1)

    asyncio.run(scenario())
    assert (left(queue), texts(queue)) == (1, [])


def test_a_message_taken_too_often_is_not_run(azurite_queues: AzuriteQueues) -> None:
    """A message that ended the process at every attempt never failed: its count makes it poison."""
    queue, function = azurite_queues.queue(), Recorder()
    queue.send_message(encoded("deadly"))
    for _ in range(2):
        [message] = queue.receive_messages(max_messages=1)
        queue.update_message(message.id, message.pop_receipt, visibility_timeout=0)

    async def scenario() -> None:
        settings = QueueSettings(max_polling_interval=0.1, max_dequeue_count=2)
        async with triggered(storage_of(queue), function, settings):
            await until(lambda: left(queue) == 0)

    asyncio.run(scenario())
    assert function.texts == []
    assert texts(azurite_queues.named(f"{queue.queue_name}-poison")) == [encoded("deadly")]


@pytest.mark.parametrize("rubbish", ["no base64 <&>", "YWJj=", "é"])
def test_a_text_that_is_not_base64_is_poison_at_once(azurite_queues: AzuriteQueues, rubbish: str) -> None:
    """The function never sees it, and its text stays as it was."""
    queue, function = azurite_queues.queue(), Recorder()
    queue.send_message(rubbish)
    queue.send_message(encoded("good"))

    async def scenario() -> None:
        async with triggered(storage_of(queue), function):
            await until(lambda: left(queue) == 0)

    asyncio.run(scenario())
    assert function.texts == ["good"]
    assert texts(azurite_queues.named(f"{queue.queue_name}-poison")) == [rubbish]


def test_bytes_that_are_not_utf_8_count_as_a_failure(azurite_queues: AzuriteQueues) -> None:
    """They are retried, without the function, and then moved to the poison queue unchanged."""
    queue, function = azurite_queues.queue(), Recorder()
    storage = Counted(queue, azurite_queues.named(f"{queue.queue_name}-poison"))
    queue.send_message("/w==")

    async def scenario() -> None:
        settings = QueueSettings(max_polling_interval=0.1, max_dequeue_count=2)
        async with triggered(storage, function, settings):
            await until(lambda: left(queue) == 0)

    asyncio.run(scenario())
    assert function.texts == []
    assert storage.changes == 1  # given back once
    [moved] = azurite_queues.named(f"{queue.queue_name}-poison").peek_messages()
    assert moved.content == "/w=="


def test_plain_messages_and_white_space(azurite_queues: AzuriteQueues) -> None:
    """With messageEncoding none a text is taken as it is; in base64, line breaks are ignored."""
    for settings, sent, received in [
        (QueueSettings(base64=False), "YWJj <&>", "YWJj <&>"),
        (QueueSettings(), "YW\nJj\n", "abc"),
    ]:
        queue, function = azurite_queues.queue(), Recorder()
        queue.send_message(sent)

        async def scenario(
            queue: QueueClient = queue, function: Recorder = function, settings: QueueSettings = settings
        ) -> None:
            async with triggered(storage_of(queue), function, settings):
                await until(lambda: left(queue) == 0)

        asyncio.run(scenario())
        assert function.texts == [received]


def test_a_long_function_keeps_its_message(azurite_queues: AzuriteQueues) -> None:
    """A function that takes longer than a lease runs once: the lease is renewed at half time."""
    queue, started = azurite_queues.queue(), 0
    queue.send_message(encoded("text"))

    async def takes_long(_: str) -> bool:
        nonlocal started
        started += 1
        await asyncio.sleep(1.75 * LEASE)
        return True

    async def scenario() -> None:
        async with triggered(storage_of(queue), takes_long, lease=LEASE):
            await until(lambda: left(queue) == 0)

    asyncio.run(scenario())
    assert started == 1


def test_a_message_that_is_gone_harms_nobody(
    azurite_queues: AzuriteQueues, caplog: pytest.LogCaptureFixture
) -> None:
    """A queue that is emptied while a function runs: its renewals stop, and its end is a warning."""
    queue, gate = azurite_queues.queue(), Gate()
    storage = Counted(queue, None)
    queue.send_message(encoded("first"))

    async def scenario() -> None:
        async with triggered(storage, gate, lease=LEASE):
            await until(lambda: gate.running == 1)
            queue.clear_messages()
            await until(lambda: storage.changes == 1)
            polls = storage.polls
            await until(lambda: storage.polls == polls + 6)
            assert storage.changes == 1
            gate.open(2)
            await until(lambda: bool(warnings(caplog)))
            queue.send_message(encoded("second"))
            await until(lambda: gate.started == 2)
            await until(lambda: left(queue) == 0)

    asyncio.run(scenario())
    [warning] = warnings(caplog)
    assert warning == (
        f"A message of the queue {queue.queue_name} may come back: "
        "it was not settled (storage answered 404 MessageNotFound)."
    )


@pytest.mark.parametrize(("batch", "threshold", "peak"), [(2, 1, 3), (1, 0, 1), (4, 0, 4)])
def test_so_many_run_side_by_side(
    azurite_queues: AzuriteQueues, batch: int, threshold: int, peak: int
) -> None:
    """A batch is taken when newBatchThreshold or fewer run, so batchSize + newBatchThreshold is the most."""
    queue, gate = azurite_queues.queue(), Gate()
    for number in range(9):
        queue.send_message(encoded(str(number)))

    async def scenario() -> None:
        settings = QueueSettings(batch_size=batch, new_batch_threshold=threshold, max_polling_interval=0.1)
        async with triggered(storage_of(queue), gate, settings):
            await until(lambda: gate.running == batch)
            assert len(texts(queue)) == 9 - batch  # no more were taken than run
            gate.open(batch - threshold)
            await until(lambda: gate.running == min(peak, 9 - gate.started + gate.running))
            gate.open(9)
            await until(lambda: left(queue) == 0)

    asyncio.run(scenario())
    assert (gate.started, gate.peak) == (9, peak)


def test_a_queue_may_be_created_later(
    azurite_queues: AzuriteQueues, caplog: pytest.LogCaptureFixture
) -> None:
    """A queue that does not exist is a warning, once; a message that arrives later is taken."""
    queue, function = azurite_queues.queue(exists=False), Recorder()
    storage = Counted(queue, None)

    async def scenario() -> None:
        async with triggered(storage, function):
            await until(lambda: storage.polls == 4)
            queue.create_queue()
            queue.send_message(encoded("text"))
            await until(lambda: left(queue) == 0)

    asyncio.run(scenario())
    assert function.texts == ["text"]
    assert warnings(caplog) == [
        f"The queue {queue.queue_name} can't be read (storage answered 404 QueueNotFound). Polling continues."
    ]


def test_storage_may_go_away_and_come_back(caplog: pytest.LogCaptureFixture) -> None:
    """Polls go on: the outage is a warning, once, and without an address, and so is its end."""
    caplog.set_level(logging.INFO, "sandbox.functions_host.queues")
    function = Recorder()
    with running_queues() as before:
        queue = before.queue()
        storage, port = storage_of(queue), int(before.url.split(":")[2].partition("/")[0])

    async def scenario() -> None:
        async with triggered(storage, function):
            await until(lambda: bool(warnings(caplog)))
            with running_queues(port) as after:
                later = after.named(queue.queue_name)
                later.create_queue()
                later.send_message(encoded("text"))
                await until(lambda: left(later) == 0)

    asyncio.run(scenario())
    assert function.texts == ["text"]
    said = [record.getMessage() for record in caplog.records if "storage answered" not in record.getMessage()]
    assert said[:2] == [
        f"The queue {queue.queue_name} can't be read (no answer from storage, ServiceRequestError). "
        "Polling continues.",
        f"The queue {queue.queue_name} can be read again.",
    ]
    assert "127.0.0.1" not in caplog.text


@pytest.mark.parametrize("ending", [0, 1, 2])
def test_a_function_that_ends_in_time_is_settled_at_the_end(
    azurite_queues: AzuriteQueues, ending: int
) -> None:
    """Of two that run when the host stops, the messages of those that still end are deleted, others left."""
    queue, gate = azurite_queues.queue(), Gate()
    for text in ("one", "two"):
        queue.send_message(encoded(text))

    async def scenario() -> None:
        async with triggered(storage_of(queue), gate):
            await until(lambda: gate.running == 2)
            gate.open(ending)

    asyncio.run(scenario())
    assert (left(queue), texts(queue)) == (2 - ending, [])


def test_a_message_on_its_way_is_given_back_at_the_end(azurite_queues: AzuriteQueues) -> None:
    """Another host can take a message that a poll brings after the end."""
    queue, function = azurite_queues.queue(), Recorder()
    arrived, ending = threading.Event(), threading.Event()

    class Slow(QueueStorage):
        @override
        def receive(self, most: int, seconds: int) -> Sequence[QueueMessage]:
            messages = super().receive(most, seconds)
            arrived.set()
            assert ending.wait(30)
            return messages

    queue.send_message(encoded("text"))

    async def scenario() -> None:
        async with triggered(Slow(queue, None), function):
            await asyncio.to_thread(arrived.wait, 30)
            asyncio.get_running_loop().call_later(0.05, ending.set)

    asyncio.run(scenario())
    assert function.texts == []
    assert texts(queue) == [encoded("text")]


@pytest.mark.parametrize(
    ("empty", "longest", "jitter", "seconds"),
    [
        (0, 60.0, 1.2, 0.1),
        (1, 60.0, 1.0, 0.2),
        (1, 60.0, 0.8, 0.18),
        (2, 60.0, 1.0, 0.3),
        (3, 60.0, 1.0, 0.5),
        (10, 60.0, 1.0, 51.3),
        (11, 60.0, 1.0, 60.0),
        (5_000, 60.0, 0.8, 60.0),
        (0, 0.1, 1.0, 0.1),
        (7, 0.1, 1.0, 0.1),
    ],
)
def test_pauses_grow_while_the_queue_is_empty(
    empty: int, longest: float, jitter: float, seconds: float
) -> None:
    """From a tenth of a second, the step doubles up to maxPollingInterval."""
    assert pause(empty, 0.1, longest, jitter) == pytest.approx(seconds)


CONNECTION = f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={EMULATOR_KEY};"


def take(**trigger: str) -> Function:
    return Function("take", "1", {"queueName": "work", **trigger})


def test_each_setting_of_a_connection_reaches_storage(azurite_queues: AzuriteQueues) -> None:
    """As an emulator's URL or a connection string; the queue's name may come from a setting, in any case."""
    queue, url = azurite_queues.queue(), azurite_queues.url
    for environment, trigger in [
        ({"AzureWebJobsStorage__queueServiceUri": url}, {}),
        ({"AzureWebJobsStorage": f"{CONNECTION}QueueEndpoint={url}"}, {}),
        ({"OWN__queueServiceUri": f"{url}/", "OWN": "not looked at"}, {"connection": "OWN"}),
    ]:
        queue.send_message(encoded("text"))
        function = take(queueName="%NAME%", **trigger)
        storage = queues_of(function, {**environment, "NAME": queue.queue_name.upper()})
        [message] = storage.receive(1, 60)
        storage.delete(message)


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        (
            {"S__queueServiceUri": "https://vip.queue.core.windows.net"},
            "https://vip.queue.core.windows.net/work",
        ),
        ({"S__accountName": "vip", "S": "not looked at"}, "https://vip.queue.core.windows.net/work"),
        ({"S": "UseDevelopmentStorage=true"}, "http://127.0.0.1:10001/devstoreaccount1/work"),
    ],
)
def test_a_connection_names_its_storage(environment: dict[str, str], url: str) -> None:
    """An account's URL, its name alone, or the emulator at its usual port."""
    assert queues_of(take(connection="S"), environment)._queue.url == url


@pytest.mark.parametrize(
    ("trigger", "environment", "says"),
    [
        ({}, {}, "storage of take is not set. Set AzureWebJobsStorage__queueServiceUri, "),
        ({"connection": "S"}, {"S": ""}, "Set S__queueServiceUri, S__accountName or S."),
        ({"connection": "S"}, {"S": "hidden"}, "setting S is not valid. It must be a connection string."),
        ({"connection": "S"}, {"S": "AccountName=hidden"}, "setting S is not valid."),
        ({"connection": "S"}, {"S__queueServiceUri": "http://hidden"}, "must be https, or http on loopback."),
        ({"connection": "S"}, {"S__queueServiceUri": "https://[hidden"}, "S__queueServiceUri is not valid."),
        ({"connection": "S"}, {"S__queueServiceUri": "https://"}, "S__queueServiceUri is not valid."),
        ({"queueName": "%HERE%"}, {}, "The queue of take is in the setting HERE, which is not set."),
        ({"queueName": "%HERE%"}, {"HERE": "hidden_"}, "does not have a valid name: %HERE%"),
        ({"queueName": "a--b"}, {}, "does not have a valid name: a--b"),
        ({"queueName": "ab"}, {}, "does not have a valid name: ab"),
        ({"queueName": "a" * 64}, {}, "does not have a valid name"),
    ],
)
def test_a_connection_that_cannot_be_used(
    trigger: dict[str, str], environment: dict[str, str], says: str
) -> None:
    """The error names the setting or the queue, and never shows a setting's value."""
    with pytest.raises(HostError) as error:
        queues_of(take(**trigger), environment)
    assert says in error.value.message
    assert "hidden" not in error.value.message
    assert error.value.__cause__ is None


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
    """A folder with the app, the queues it is triggered by, and what its functions have noted."""

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
    """Neither its queue, nor its timer, nor its route; by hand it runs all the same."""
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
    """When its lease is over, the next host takes it, as its second attempt."""
    stage.send("HANG", "text")
    with suppress(Killed), hosting(stage.folder, lease=LEASE, **stage.settings):
        eventually(lambda: stage.noted("hang") == [1])
        raise Killed
    (stage.folder / "go").touch()
    with hosting(stage.folder, **stage.settings):
        eventually(lambda: left(stage.queues["HANG"]) == 0)
    assert stage.noted("hang") == [1, 2]
