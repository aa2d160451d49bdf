"""The seed's steps, by clicking."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.support.world import World

# Milliseconds within which a run ends.
A_RUN = 30_000


def press(page: Page | Locator, name: str) -> None:
    """Presses the button or follows the link that is called so."""
    role = page.get_by_role("button", name=name, exact=True)
    role.or_(page.get_by_role("link", name=name, exact=True)).first.click()


def open_and_press(page: Page, summary: str, name: str) -> None:
    """Opens a folded section by its summary, and presses the button in it."""
    details = page.locator("details").filter(has=page.get_by_text(summary, exact=True))
    details.locator("summary").click()
    press(details, name)


def connect(page: Page, name: str = "Klaviyo EU", key: str = "pk_sandbox", shared: str = "") -> None:
    """From any page: name, who may use it, key, I agree, connect."""
    press(page, "Connections")
    press(page, "Add connection")
    page.get_by_label("Display name").fill(name)
    page.get_by_label(shared or "Administrators only").check()
    page.get_by_label("Private API key", exact=True).fill(key)
    page.get_by_label("I agree").check()
    press(page, "Connect")


def add_export(page: Page, name: str = "Spring") -> None:
    """From anywhere: connection, segment, list, email column, name, schedule; saved, which runs nothing."""
    press(page, "Exports")
    press(page, "Add export")
    page.get_by_label("HighValueSegment").check()
    press(page, "Continue")
    page.get_by_label("Display name").fill(name)
    page.get_by_label("List", exact=True).select_option(value="Y6nRLr")
    page.get_by_label("Email column").select_option("EMail")
    page.get_by_label("first name").fill("FirstName")
    page.get_by_label("RewardPoints").check()
    press(page, "Save")


def expect_status(page: Page, status: str) -> None:
    """The page shows the status of its export, run or connection, at the latest when a run has ended."""
    expect(page.locator(".title .badge").first).to_have_text(status, timeout=A_RUN)


def expect_heading(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def expect_notice(page: Page, text: str) -> None:
    expect(page.locator(".notice").first).to_contain_text(text)


def path_of(page: Page) -> str:
    return re.sub(r"^\w+://[^/]+|[?#].*$", "", page.url)


def row(page: Page, name: str) -> Locator:
    """The row of a table that is about this."""
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name))


def empty(world: World) -> None:
    """Leaves the segment, and no document."""
    for name in ("connections/sandbox.json", "exports/vip.json"):
        world.services.state.delete(name)
