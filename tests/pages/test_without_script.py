"""The main tasks in a browser without scripts."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from sandbox.klaviyo import Fault
from tests.pages.app import NewPage, Serve
from tests.pages.steps import (
    add_export,
    connect,
    empty,
    expect_status,
    open_and_press,
    press,
    row,
)
from tests.support.world import World


@pytest.fixture
def plain(new_page: NewPage, serve: Serve) -> Page:
    """A page that runs no script."""
    return new_page(serve(), java_script_enabled=False)


def tick(page: Page) -> None:
    """Does what the timer does each minute."""
    url = page.evaluate("location.origin")
    httpx.post(f"{url}/api/tick", json={}, timeout=60).raise_for_status()


def test_the_seed(plain: Page, world: World) -> None:
    """A connection, an export, a run that the timer advances, and its result."""
    empty(world)
    plain.goto("/")
    connect(plain)
    add_export(plain, "Spring")
    press(plain, "Run")
    expect_status(plain, "Queued")
    tick(plain)
    plain.reload()
    expect_status(plain, "Successful")
    expect(row(plain, "Confirmed by Klaviyo").get_by_role("cell").first).to_have_text("50")


def test_an_open_run_is_loaded_anew_and_canceled(plain: Page, world: World) -> None:
    """The page reloads itself while the run is open, and shows what it waits for."""
    world.stand_in.faults.add([Fault("error", method="POST", nth=1, status=429, retry_after=600)])
    plain.goto("/exports/vip")
    press(plain, "Run")
    tick(plain)
    plain.reload()
    expect(plain.locator("meta[http-equiv=refresh]")).to_have_count(1)
    expect(plain.locator("[data-field=wait]")).to_contain_text("Waiting:")
    press(plain, "Cancel")
    expect_status(plain, "Canceled")
    expect(plain.locator("meta[http-equiv=refresh]")).to_have_count(0)


def test_folded_parts_and_forms(plain: Page) -> None:
    """Detach, search, sort."""
    plain.goto("/exports/vip")
    open_and_press(plain, "Detach the connection", "Detach")
    expect(plain.get_by_text("none (detached)")).to_be_visible()
    press(plain, "Exports")
    plain.get_by_label("Search").fill("vip")
    plain.get_by_label("Sort by").select_option("Refreshed")
    press(plain, "Show")
    expect(row(plain, "VIPs")).to_be_visible()
    plain.get_by_label("Search").fill("nothing like it")
    press(plain, "Show")
    expect(plain.get_by_text("No export matches")).to_be_visible()
