"""The app in a process of its own, and a browser that looks at it.

Each test has a world, an app and a context of its own; the browser is shared.
"""

import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from sandbox.people import People
from tests.pages.find_browser import HOW_TO, find_browser
from tests.pages.guard import Guard
from tests.support.forks import running
from tests.support.host import SELDOM
from tests.support.signing_in import CLIENT, SECRET
from tests.support.world import World, a_world, environment_of

# Nothing of the browser's own, nothing but loopback.
FLAGS = (
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
# Milliseconds that a step may take: the machine may be busy.
PATIENCE = 15_000

type Serve = Callable[..., str]
type NewPage = Callable[..., Page]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of the pages in this process."""
    with sync_playwright() as playwright:
        found = find_browser(playwright)
        if found is None:
            pytest.skip(HOW_TO)
        with playwright.chromium.launch(executable_path=found, args=FLAGS) as browser:
            yield browser


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The example's connection, export and segment of fifty people; Klaviyo lives by the machine's clock."""
    with a_world(tmp_path, clock=time.time, limits=False) as world:
        world.segment(People(50))
        world.secrets({"klaviyo-sandbox": "pk_sandbox", "klaviyo-client-secret": SECRET})
        yield world


@pytest.fixture
def serve(world: World, tmp_path: Path) -> Iterator[Serve]:
    """Serves the world's app to a person with a role, and returns its address."""
    with ExitStack() as stack:

        def start(role: str = "administrator", **environment: str) -> str:
            output = tmp_path / f"serve-{len(list(tmp_path.glob('serve-*')))}"
            return stack.enter_context(_serving(world, role, output, environment))

        yield start


@contextmanager
def _serving(world: World, role: str, output: Path, environment: dict[str, str]) -> Iterator[str]:
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    own = {"EXPORT_SCHEDULE": SELDOM, "PUBLIC_URL": url, "KLAVIYO_CLIENT_ID": CLIENT}
    arguments = ["serve", "--port", str(port), "--as", role]
    with running(arguments, environment_of(world) | own | environment, output) as process:
        while not (output.exists() and re.search(r"^Serving ", output.read_text(), re.MULTILINE)):
            assert process.is_alive(), output.read_text()
            time.sleep(0.01)
        yield url
        assert process.pid is not None
        os.kill(process.pid, signal.SIGINT)
    assert process.exitcode == 0, output.read_text()


def _free_port() -> int:
    """Klaviyo's sign-in has to be told beforehand where the app is."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def new_page(browser: Browser, world: World) -> Iterator[NewPage]:
    """Opens a page of the app at an address, in a context of its own, and watches it to the test's end.

    `guard_of(page)` is what watches it.
    """
    opened: list[tuple[BrowserContext, Page]] = []

    def open_page(url: str, **options: Any) -> Page:
        context = browser.new_context(base_url=url, locale="en-US", timezone_id="Europe/Vienna", **options)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        _guards[page] = Guard(context, url, {world.services.settings.klaviyo_url})
        opened.append((context, page))
        return page

    yield open_page
    guards = [(_guards.pop(page), page) for _, page in opened]
    try:
        for guard, page in guards:
            guard.check(page)
    finally:
        for context, _ in opened:
            context.close()


_guards: dict[Page, Guard] = {}


def guard_of(page: Page) -> Guard:
    """What watches a page."""
    return _guards[page]


@pytest.fixture
def page(new_page: NewPage, serve: Serve) -> Page:
    """A page of an administrator's app, blank still."""
    return new_page(serve())
