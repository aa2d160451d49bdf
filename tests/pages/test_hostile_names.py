"""Names from outside are shown as text, with codes for invisible characters, and do not break the layout."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.pages.guard import guards
from tests.pages.looks import assert_accessible, assert_fits
from tests.pages.steps import press
from tests.support.hostile_names import HOSTILE, HOSTILE_BLOB, make_hostile
from tests.support.world import World

MARKUP = "{{ 7*7 }}</title></option><script>alert(1)</script>\"'><img src=x onerror=alert(1)>&lt;{% raw %}"
NAMES = {"markup": f"\u202eeman{MARKUP}{HOSTILE}", "long": "Z\u0351\u0335\u0489" * 9 + "W" * 10_000}

# Everything that a person reads or hears, but for what stands in fields, which keep it as it is.
SAID = """
() => {
  const page = document.body.cloneNode(true);
  page.querySelectorAll("textarea").forEach((each) => each.remove());
  const names = ["title", "aria-label", "alt", "label", "placeholder"];
  const all = [...page.querySelectorAll("*")];
  const heard = all.flatMap((each) => names.map((name) => each.getAttribute(name)));
  return [document.title, page.textContent, ...heard.filter(Boolean)];
}
"""


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest, world: World) -> str:
    """A name that the world has everywhere."""
    name = NAMES[request.param]
    make_hostile(world, name)
    for kind in ("exports", "connections"):
        world.services.state.write(f"{kind}/{HOSTILE_BLOB}.json", b"{}")
    return name


def judge(page: Page) -> str:
    """Returns the page's text, which must be harmless."""
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
    said = "\n".join(page.evaluate(SAID))
    assert "".join(said.split("\n")).replace("\t", "").isprintable(), ascii(said)
    assert_fits(page)
    assert page.locator("main :is(script, img, style)").count() == 0
    return said


def addresses(name: str, run: str) -> Iterator[str]:
    """Of the pages with a name on it; one that is only long is looked at where it may break the layout."""
    yield from ("/", "/exports/vip", "/exports/vip/edit", f"/runs/{run}", "/connections/sandbox")
    if name is not NAMES["long"]:
        yield from (
            "/exports/broken",
            "/exports/broken/edit",
            "/new/export",
            "/connections",
            "/audit",
            "/health",
        )


def test_names_are_text_on_every_page(page: Page, world: World, name: str) -> None:
    """This covers a run, a preview with its people, forms, lists and errors."""
    page.goto("/exports/vip")
    press(page, "Run")
    expect(page.get_by_role("progressbar")).not_to_be_visible(timeout=30_000)
    run = page.url.rpartition("/")[2].partition("?")[0]
    said = {}
    for path in addresses(name, run):
        page.goto(path)
        said[path] = judge(page)
    page.goto("/exports/vip")
    press(page, "Preview")
    judge(page)
    press(page, "Show the values")
    judge(page)
    expect(
        page.get_by_role("region", name="The first profiles", exact=True).get_by_role("row")
    ).to_have_count(6)
    assert_accessible(page)
    if name is NAMES["markup"]:
        assert "<script>alert(1)</script>" in said["/exports/vip"]
        assert r"\u202eeman" in said["/exports/vip"]
        assert "{{ 7*7 }}" in said["/exports/vip"]


def test_what_somebody_types_comes_back_as_text(page: Page) -> None:
    """In a search, in a form with a mistake, in an address."""
    typed = f"{HOSTILE}{MARKUP}".replace("\n", "").replace("\r", "")
    page.goto("/")
    page.get_by_label("Search").fill(typed)
    press(page, "Show")
    judge(page)
    expect(page.get_by_label("Search")).to_have_value(typed)
    guards[page].expect(400, 404, 422)
    page.goto("/exports/vip/edit")
    page.get_by_label("Display name").fill(typed)
    page.get_by_label("Time zone").fill(typed)
    page.get_by_label("At certain times").check()
    page.get_by_label("Cron expression").fill(typed)
    press(page, "Save")
    expect(page.get_by_role("alert")).to_be_visible()
    judge(page)
    expect(page.get_by_label("Display name")).to_have_value(typed)
    for path in (
        "/exports/%3Cscript%3E",
        "/runs/%E2%80%AE%0A",
        "/connections/%1b%5b2J",
        "/audit?person=%9b%00",
    ):
        page.goto(path)
        judge(page)
