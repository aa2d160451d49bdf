"""A function app's host in a process of its own, since a process can host only one."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[3]
DRIVER = """
import logging, sys
from pathlib import Path
from sandbox.functions_host import FunctionsHost
from sandbox.serving import serving

logging.basicConfig(level=logging.INFO)
host = FunctionsHost(
    Path(sys.argv[1]), function_key="sesame", http_limit=float(sys.argv[2]), queue_lease=int(sys.argv[3])
)
with serving(host.app) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@contextmanager
def _hosting(
    folder: Path, limit: float = 230.0, lease: int = 600, **environment: str
) -> Iterator[httpx.Client]:
    command = [sys.executable, "-W", "error", "-c", DRIVER, str(folder), str(limit), str(lease)]
    with (
        (folder / "host.log").open("w") as log,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            assert url, (folder / "host.log").read_text()
            with httpx.Client(base_url=url, headers={"x-functions-key": "sesame"}) as client:
                yield client
            process.communicate("", timeout=30)
        finally:
            process.kill()


@pytest.fixture(scope="session")
def hosting() -> Callable[..., AbstractContextManager[httpx.Client]]:
    """Hosts a folder with the key `sesame`, which the yielded client sends; its log is host.log there."""
    return _hosting


@pytest.fixture(scope="session")
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Waits until a condition holds; after 30 seconds the test fails."""

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, "it never came to it"
            time.sleep(0.02)

    return wait
