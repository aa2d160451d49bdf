"""The app as `segment-export serve --as ROLE` serves it, in a process of its own."""

import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page

from tests.support.forks import running
from tests.support.host import SELDOM
from tests.support.signing_in import CLIENT
from tests.support.world import World, environment_of

type Serve = Callable[..., str]
type NewPage = Callable[..., Page]


@contextmanager
def serving_app(world: World, role: str | None, output: Path, environment: dict[str, str]) -> Iterator[str]:
    """Yields the address; without a role, no one can sign in."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    own = {"EXPORT_SCHEDULE": SELDOM, "PUBLIC_URL": url, "KLAVIYO_CLIENT_ID": CLIENT}
    arguments = ["serve", "--port", str(port), *(["--as", role] if role else [])]
    with running(arguments, environment_of(world) | own | environment, output) as process:
        while not (output.exists() and re.search(r"^Serving ", output.read_text(), re.MULTILINE)):
            assert process.is_alive(), output.read_text()
            time.sleep(0.01)
        yield url
        assert process.pid is not None
        os.kill(process.pid, signal.SIGINT)
    assert process.exitcode == 0, output.read_text()


def _free_port() -> int:
    """Klaviyo's sign-in needs the app's address in advance."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
