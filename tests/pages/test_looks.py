"""How the pages look: to assistive technology, in light and dark, on a small screen."""

import pytest
from playwright.sync_api import Page

from tests.pages.app import NewPage, Serve
from tests.pages.guard import guards
from tests.pages.lived_in import live_in
from tests.pages.looks import assert_accessible, assert_fits
from tests.pages.steps import open_and_press, press
from tests.support.world import World


def look(page: Page, path: str) -> None:
    page.goto(path)
    judge(page)


def judge(page: Page) -> None:
    """With everything unfolded that is folded up."""
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
    assert_accessible(page)
    assert_fits(page)


@pytest.mark.parametrize(
    "paths",
    [
        ("/", "/exports/vip", "/exports/vip/edit"),
        ("/runs", "/runs/{held}", "/runs/{refused}", "/runs/{failed}"),
        ("/connections", "/connections/sandbox", "/new/connection", "/new/export", "/audit", "/health"),
    ],
    ids=["exports", "runs", "others"],
)
def test_every_page_of_an_administrator(page: Page, world: World, paths: tuple[str, ...]) -> None:
    """axe finds nothing, and nothing is wider than a small screen."""
    runs = live_in(world)
    for path in paths:
        look(page, path.format(**runs))


def test_what_comes_of_pressing_buttons(page: Page) -> None:
    """The second step of an export, a preview, a run under way, a connection that can't be removed."""
    page.goto("/new/export")
    page.get_by_label("HighValueSegment").check()
    press(page, "Continue")
    judge(page)
    page.goto("/exports/vip")
    press(page, "Preview")
    judge(page)
    press(page, "Show the values")
    judge(page)
    guards[page].expect(409)
    page.goto("/connections/sandbox")
    open_and_press(page, "Remove the connection", "Remove")
    judge(page)


def test_a_run_under_way(page: Page, world: World) -> None:
    """While it is watched, too."""
    world.stand_in.job_seconds = 600
    page.goto("/exports/vip")
    press(page, "Run")
    judge(page)


def test_other_roles_and_nobody(new_page: NewPage, serve: Serve) -> None:
    """This covers a viewer's pages, the pages refused to a viewer, and the page without a sign-in."""
    page = new_page(serve("viewer"))
    look(page, "/exports/vip")
    guards[page].expect(403, 404)
    look(page, "/connections")
    look(page, "/runs/vip.20260824T143300Z-0000")
    nobody = new_page(serve(None))
    guards[nobody].expect(403)
    look(nobody, "/")
