"""The queue of work on the real emulator: what is sent arrives, in base64, and not before its time."""

import base64
import socket
import time

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.queue import QueueClient

from shared.adapters.queue import AzureQueue, open_queue
from shared.errors import Denied, InvalidRequest, InvalidSettings, StorageUnavailable
from tests.support.azurite import AzuriteQueues


def texts(queue: QueueClient) -> list[str]:
    """What can be received now."""
    return [base64.b64decode(message.content).decode() for message in queue.receive_messages()]


def test_what_is_sent_arrives_in_base64(azurite_queues: AzuriteQueues) -> None:
    """As the Functions host expects it."""
    queue = azurite_queues.queue()
    open_queue(queue.url).send('{"a": "ä"}')
    assert texts(queue) == ['{"a": "ä"}']


def test_what_is_sent_for_later_is_hidden_until_then(azurite_queues: AzuriteQueues) -> None:
    """In whole seconds, and never sooner."""
    queue = azurite_queues.queue()
    before = time.monotonic()
    open_queue(queue.url).send("later", 1.2)
    while not (found := texts(queue)):
        assert time.monotonic() - before < 10
        time.sleep(0.05)
    assert found == ["later"]
    assert time.monotonic() - before >= 1.2


def test_a_queue_that_is_not_there_is_made(azurite_queues: AzuriteQueues) -> None:
    """Somebody may have deleted it, or runs the app without the templates."""
    queue = azurite_queues.queue(exists=False)
    ours = open_queue(queue.url)
    ours.send("first")
    ours.send("second")
    assert texts(queue) == ["first", "second"]


def test_poison_is_counted(azurite_queues: AzuriteQueues) -> None:
    """None while there is no queue of it."""
    queue = azurite_queues.queue()
    ours = open_queue(queue.url)
    assert ours.poisoned() == 0
    poison = azurite_queues.named(f"{queue.queue_name}-poison")
    poison.create_queue()
    poison.send_message("x")
    poison.send_message("y")
    assert ours.poisoned() == 2
    ours.send("x")
    assert ours.waiting() == 1


def test_a_queue_that_is_away_says_so() -> None:
    """What could not be sent, or counted, is tried again by whoever asked."""
    ours = open_queue("http://127.0.0.1:1/devstoreaccount1/work")
    with pytest.raises(StorageUnavailable, match="The queue can't be reached"):
        ours.send("x")
    with pytest.raises(StorageUnavailable):
        ours.poisoned()


def test_a_queue_that_hangs_is_given_up_after_seconds() -> None:
    """A caller over HTTP waits for it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ours = open_queue(f"http://127.0.0.1:{silent.getsockname()[1]}/devstoreaccount1/work")
        before = time.monotonic()
        with pytest.raises(StorageUnavailable):
            ours.send("x")
        assert time.monotonic() - before < 9  # 5, and a busy machine


def test_a_text_that_is_too_long_is_refused(azurite_queues: AzuriteQueues) -> None:
    """Azure takes 64 KB, which are 48 KB before base64."""
    queue = azurite_queues.queue()
    with pytest.raises(InvalidRequest):
        open_queue(queue.url).send("x" * 49_200)
    open_queue(queue.url).send("x" * 49_000)


def test_a_queue_of_another_key_is_denied(azurite_queues: AzuriteQueues) -> None:
    """With advice that names the roles."""
    wrong = AzureNamedKeyCredential("devstoreaccount1", base64.b64encode(b"wrong").decode())
    with pytest.raises(Denied, match="roles"):
        AzureQueue(azurite_queues.queue().url, wrong).send("x")


def test_only_an_emulator_is_asked_without_tls() -> None:
    """As for the stores."""
    with pytest.raises(InvalidSettings):
        open_queue("http://account.queue.core.windows.net/work")
