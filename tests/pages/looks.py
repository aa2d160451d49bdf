"""How a page looks: to assistive technology, in light and dark, on a small screen."""

from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).parent / "node_modules/axe-core/axe.min.js"
NARROW = {"width": 360, "height": 740}

# Elements that reach beyond the screen, unless a container of theirs scrolls or clips them.
TOO_WIDE = """
() => {
  const width = document.documentElement.clientWidth;
  const contained = (element) => {
    for (let up = element.parentElement; up && up !== document.body; up = up.parentElement)
      if (getComputedStyle(up).overflowX !== "visible") return true;
    return false;
  };
  const found = [...document.body.querySelectorAll("*")].filter((element) => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && (box.right > width + 1 || box.left < -1 && box.right > 0) && !contained(element);
  });
  const told = found.map((element) => element.outerHTML.slice(0, 200));
  return document.scrollingElement.scrollWidth > width ? [...told, "the page scrolls"] : told;
}
"""


@cache
def _axe() -> str:
    return AXE.read_text()


def assert_accessible(page: Page) -> None:
    """axe finds no problem, in light and in dark, where only colors differ."""
    page.emulate_media(color_scheme="light")
    found = _violations(page, {})
    page.emulate_media(color_scheme="dark")
    found += _violations(page, {"runOnly": ["color-contrast"]})
    page.emulate_media(color_scheme=None)
    assert found == [], "\n".join([page.url, *found])


def _violations(page: Page, options: dict[str, Any]) -> list[str]:
    if not page.evaluate("typeof axe !== 'undefined'"):
        page.evaluate(_axe())
    # No frames, and no styles of other hosts: nothing to wait for.
    always = {"resultTypes": ["violations"], "iframes": False, "preload": False}
    result = page.evaluate("options => axe.run(document, options)", always | options)
    return [
        f"{violation['id']}: {violation['help']}: {node['html'][:200]}"
        for violation in result["violations"]
        for node in violation["nodes"]
    ]


def assert_fits(page: Page, width: int = NARROW["width"]) -> None:
    """Nothing makes the page scroll sideways: wide content, such as a table, scrolls on its own."""
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": NARROW["height"]})
    try:
        found = page.evaluate(TOO_WIDE)
    finally:
        if before is not None:
            page.set_viewport_size(before)
    assert found == [], "\n".join([page.url, *found])
