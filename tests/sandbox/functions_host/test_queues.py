"""Queue triggers on Azurite: what happens to a message for each end of its function."""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import override

import pytest
from azure.storage.queue import QueueClient, QueueMessage

from sandbox.functions_host.engine import Function, Outcome
from sandbox.functions_host.queue_storage import QueueStorage, queues_of
from sandbox.functions_host.queues import QueueTrigger, pause
from sandbox.functions_host.settings import QueueSettings
from tests.support.azurite import AzuriteQueues, encoded, left, running_queues, texts

QUICK = QueueSettings(max_polling_interval=0.1)
LEASE = 2  # seconds, where a lease has to run out

Work = Callable[[str], Awaitable[bool]]


def storage_of(queue: QueueClient) -> QueueStorage:
    url = queue.url.rpartition("/")[0]
    function = Function("take", "1", {"queueName": queue.queue_name, "connection": "Q"})
    return queues_of(function, {"Q__queueServiceUri": url})


class Counted(QueueStorage):
    """Counts the requests of a trigger."""

    polls = changes = 0

    @override
    def receive(self, most: int, seconds: int) -> Sequence[QueueMessage]:
        self.polls += 1
        return super().receive(most, seconds)

    @override
    def hide(self, message: QueueMessage, seconds: int) -> None:
        self.changes += 1
        super().hide(message, seconds)


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
    """A function that records each text and its time, and succeeds or fails as set."""

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
    """With messageEncoding none, a text is unchanged; in base64, line breaks are ignored."""
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
    """A function that takes longer than a lease runs only once: the lease is renewed at half time."""
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
        f"A message of the queue {queue.queue_name} might come again: "
        "it was not settled (storage answered 404 MessageNotFound)."
    )


@pytest.mark.parametrize(("batch", "threshold", "peak"), [(2, 1, 3), (1, 0, 1), (4, 0, 4)])
def test_so_many_run_side_by_side(
    azurite_queues: AzuriteQueues, batch: int, threshold: int, peak: int
) -> None:
    """A batch is taken while newBatchThreshold or fewer run, so batchSize + newBatchThreshold is the
    maximum."""
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


@pytest.mark.parametrize(("batch", "threshold", "taken"), [(1, 3, True), (4, 0, False)])
def test_a_long_function_and_those_that_come_later(
    azurite_queues: AzuriteQueues, batch: int, threshold: int, *, taken: bool
) -> None:
    """Up to newBatchThreshold of them keep no other message waiting; one more keeps all of them."""
    queue, gate = azurite_queues.queue(), Gate()
    storage = Counted(queue, None)
    queue.send_message(encoded("long"))

    async def scenario() -> None:
        settings = QueueSettings(batch_size=batch, new_batch_threshold=threshold, max_polling_interval=0.1)
        async with triggered(storage, gate, settings):
            await until(lambda: gate.running == 1)
            queue.send_message(encoded("later"))
            if taken:
                await until(lambda: gate.running == 2)
            else:
                await asyncio.to_thread(time.sleep, 0.5)  # several polls' time
                assert (gate.running, storage.polls) == (1, 1)
            gate.open(2)
            await until(lambda: left(queue) == 0)

    asyncio.run(scenario())


def test_a_queue_may_be_created_later(
    azurite_queues: AzuriteQueues, caplog: pytest.LogCaptureFixture
) -> None:
    """A missing queue causes one warning; a message that arrives later is taken."""
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
    """Polling continues; the outage causes one warning without an address, and so does its end."""
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
    """If a poll returns a message after the end, another host can take it."""
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
