"""The seed with the keyboard alone."""

from playwright.sync_api import Page, expect

from tests.pages.keyboard import enter, tab_through, tab_to
from tests.pages.lived_in import live_in
from tests.pages.steps import empty, expect_heading, expect_notice, expect_status, row
from tests.support.world import World


def test_the_seed_without_a_mouse(page: Page, world: World) -> None:
    """A connection, an export over it, and a run: Tab, arrows, blank and Enter."""
    empty(world)
    keyboard = page.keyboard
    page.goto("/")
    tab_to(page, "a connection")
    enter(page)
    expect_heading(page, "Add connection")
    tab_to(page, "Display name")
    keyboard.type("Klaviyo EU")
    tab_to(page, "Administrators only")
    keyboard.press("ArrowDown")
    expect(page.get_by_label("All contributors")).to_be_checked()
    tab_to(page, "Private API key")
    keyboard.type("pk_sandbox")
    tab_to(page, "I agree")
    keyboard.press("Space")
    enter(page)
    expect_heading(page, "Klaviyo EU")

    tab_to(page, "Exports")
    enter(page)
    tab_to(page, "Add export")
    enter(page)
    tab_to(page, "HighValueSegment")
    keyboard.press("Space")
    tab_to(page, "Continue")
    enter(page)
    tab_to(page, "Display name")
    keyboard.type("Spring")
    tab_to(page, "List")
    keyboard.type("VIP")  # a select goes to what begins so
    tab_to(page, "Email column")
    expect(page.get_by_label("Email column")).to_have_value("EMail")
    tab_to(page, "At each refresh of a segment")
    enter(page)
    expect_heading(page, "Spring")
    expect_notice(page, "Saving does not start a run")

    tab_to(page, "Run")
    enter(page)
    expect_status(page, "Successful")
    expect(row(page, "Confirmed by Klaviyo").get_by_role("cell").first).to_have_text("50")


def test_the_focus_can_be_seen_everywhere(page: Page, world: World) -> None:
    """The first stop leads to the content; folded parts open with Enter; tables scroll with the arrows."""
    runs = live_in(world)
    for path in (f"/runs/{runs['held']}", "/connections/sandbox"):
        page.goto(path)
        stops = [stop.name for stop in tab_through(page)]
        assert stops[:2] == ["Skip to content", "Segment export"], path
        assert len(stops) > 8, path
    tab_to(page, "Remove the connection")
    page.keyboard.press("Enter")
    tab_to(page, "Remove")
    page.goto("/exports/vip")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    tab_to(page, "Run")
