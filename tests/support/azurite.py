"""Azurite, the real emulator of Azure Storage, for as long as a `with` block lasts."""

import shutil
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient

from shared.adapters.credential import EMULATOR_KEY

SERVICES = Path(__file__).parents[1] / "azurite/node_modules/azurite/dist/src"
# It ends with its standard input, and so with the test process, however that ends.
END_WITH_US = "data:text/javascript,process.stdin.resume().on('end', () => process.exit())"
QUIET = [
    "--silent",
    "--disableTelemetry",
    "--skipApiVersionCheck",
    "--inMemoryPersistence",
]


@dataclass
class Azurite:
    """A running emulator: `url` has no account and no container in it."""

    url: str
    _numbers: Iterator[int] = field(default_factory=count)

    def container(self) -> str:
        """Makes a new, empty container and returns its URL."""
        url = f"{self.url}/devstoreaccount1/container-{next(self._numbers)}"
        client(url).create_container()
        return url


def client(container_url: str) -> ContainerClient:
    """Azure's own client of a container here, for what the Store does not do."""
    key = AzureNamedKeyCredential("devstoreaccount1", EMULATOR_KEY)
    return ContainerClient.from_container_url(container_url, key)


@dataclass
class AzuriteQueues:
    """The emulator's queues: `url` is the account's, as AzureWebJobsStorage__queueServiceUri takes it."""

    url: str
    _numbers: Iterator[int] = field(default_factory=count)

    def queue(self, *, exists: bool = True) -> QueueClient:
        """A new, empty queue, or the name of one that is not there."""
        queue = self.named(f"queue-{next(self._numbers)}")
        if exists:
            queue.create_queue()
        return queue

    def named(self, name: str) -> QueueClient:
        """Azure's own client of a queue, with the texts as they lie in it."""
        key = AzureNamedKeyCredential("devstoreaccount1", EMULATOR_KEY)
        return QueueClient(self.url, name, key)


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


def texts(queue: QueueClient) -> list[str]:
    """The visible messages, as they lie in storage."""
    return [message.content for message in queue.peek_messages(32)]


def left(queue: QueueClient) -> int | None:
    """How many messages there are, hidden ones too."""
    return queue.get_queue_properties().approximate_message_count


@contextmanager
def running_azurite(*options: str) -> Iterator[Azurite]:
    """Starts Azurite's blobs on a free port of 127.0.0.1 and ends them with the block."""
    with _running("blob", 0, *options) as url:
        yield Azurite(url)


@contextmanager
def running_queues(port: int = 0) -> Iterator[AzuriteQueues]:
    """Starts Azurite's queues alone, which is a process of its own, and ends them with the block."""
    with _running("queue", port) as url:
        yield AzuriteQueues(f"{url}/devstoreaccount1")


@contextmanager
def _running(service: str, port: int, *options: str) -> Iterator[str]:
    main = SERVICES / service / "main.js"
    node = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))
    if not node or not main.exists():
        pytest.fail("Azurite is not installed: run `npm ci --prefix tests/azurite`.", pytrace=False)
    command = [node, "--import", END_WITH_US, str(main), *QUIET, f"--{service}Port", str(port), *options]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            ready = (line.split()[-1] for line in process.stdout if "successfully listens on" in line)
            url = next(ready, None)
            if url is None:
                pytest.fail("Azurite ended before it listened.", pytrace=False)
            yield url
        finally:
            process.kill()
