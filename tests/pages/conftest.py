"""The app in a process of its own, and a browser that looks at it.

Each test has a world, an app and a context of its own; the browser is shared.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from sandbox.people import People
from tests.pages.app import NewPage, Serve, serving_app
from tests.pages.find_browser import HOW_TO, find_browser
from tests.pages.guard import Guard, guards
from tests.support.signing_in import SECRET
from tests.support.world import World, a_world

# Nothing of the browser's own, nothing but loopback.
FLAGS = (
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
# Milliseconds that a step may take: the machine may be busy.
PATIENCE = 15_000


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

        def start(role: str | None = "administrator", **environment: str) -> str:
            output = tmp_path / f"serve-{len(list(tmp_path.glob('serve-*')))}"
            return stack.enter_context(serving_app(world, role, output, environment))

        yield start


@pytest.fixture
def new_page(browser: Browser, world: World, serve: Serve) -> Iterator[NewPage]:
    """Opens a page of the app at an address, in a context of its own, and watches it to the test's end, which
    comes before the app's.

    `guards[page]` is what watches it.
    """
    opened: list[tuple[BrowserContext, Page]] = []

    def open_page(url: str, **options: Any) -> Page:
        context = browser.new_context(base_url=url, locale="en-US", timezone_id="Europe/Vienna", **options)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        guards[page] = Guard(context, url, {world.services.settings.klaviyo_url})
        opened.append((context, page))
        return page

    yield open_page
    try:
        for _, page in opened:
            guards.pop(page).check(page)
    finally:
        for context, _ in opened:
            context.close()


@pytest.fixture
def page(new_page: NewPage, serve: Serve) -> Page:
    """A page of an administrator's app, blank still."""
    return new_page(serve())
