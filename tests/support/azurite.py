"""Azurite, the real emulator of Azure Storage, for as long as a `with` block lasts."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.blob import ContainerClient

from shared.adapters.credential import EMULATOR_KEY

MAIN = Path(__file__).parents[1] / "azurite/node_modules/azurite/dist/src/blob/main.js"
# It ends with its standard input, and so with the test process, however that ends.
END_WITH_US = "data:text/javascript,process.stdin.resume().on('end', () => process.exit())"
QUIET = [
    "--silent",
    "--disableTelemetry",
    "--skipApiVersionCheck",
    "--inMemoryPersistence",
    "--blobPort",
    "0",
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


@contextmanager
def running_azurite(*options: str) -> Iterator[Azurite]:
    """Starts Azurite on a free port of 127.0.0.1 and ends it with the block."""
    node = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))
    if not node or not MAIN.exists():
        pytest.fail("Azurite is not installed: run `npm ci --prefix tests/azurite`.", pytrace=False)
    command = [node, "--import", END_WITH_US, str(MAIN), *QUIET, *options]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            ready = (line.split()[-1] for line in process.stdout if "successfully listens on" in line)
            url = next(ready, None)
            if url is None:
                pytest.fail("Azurite ended before it listened.", pytrace=False)
            yield Azurite(url)
        finally:
            process.kill()
