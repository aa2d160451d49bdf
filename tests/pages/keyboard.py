"""Walks a page with the keyboard alone."""

from collections.abc import Iterator
from dataclasses import dataclass

from playwright.sync_api import Page

MOST_STOPS = 200

# The element with the focus: what it is called, and whether one can see where the focus is.
FOCUSED = """
() => {
  const element = document.activeElement;
  if (!element || element === document.body || element === document.documentElement) return null;
  const style = getComputedStyle(element), box = element.getBoundingClientRect();
  const label = element.labels?.length ? [...element.labels].map((each) => each.innerText).join(" ") : "";
  const by = (element.getAttribute("aria-labelledby") ?? "").split(" ")
    .map((id) => document.getElementById(id)?.innerText ?? "").join(" ").trim();
  const name = element.getAttribute("aria-label") || by || label || element.innerText || element.title || "";
  return {
    tag: element.localName,
    name: name.replace(/\\s+/g, " ").trim(),
    seen: box.width > 0 && box.height > 0
      && (style.outlineStyle !== "none" && style.outlineWidth !== "0px" || style.boxShadow !== "none"),
  };
}
"""


@dataclass(frozen=True, slots=True)
class Stop:
    """The element with the focus: its tag, and its name for a screen reader."""

    tag: str
    name: str


def tab_through(page: Page) -> Iterator[Stop]:
    """Presses Tab from stop to stop until the page is left; the focus is visible and named at each one."""
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        stop = focused(page)
        if stop is None:
            return
        yield stop
    raise AssertionError("Tab never leaves the page.")


def focused(page: Page) -> Stop | None:
    """The element with the focus, or None. Raises AssertionError if that is unclear."""
    found = page.evaluate(FOCUSED)
    if found is None:
        return None
    stop = Stop(found["tag"], found["name"])
    assert found["seen"], f"The focus can't be seen: {stop}"
    assert stop.name, f"The focus is on something without a name: {stop}"
    return stop


def tab_to(page: Page, name: str) -> None:
    """Presses Tab until the element with this name has the focus."""
    stops = []
    for stop in tab_through(page):
        if stop.name == name:
            return
        stops.append(stop.name)
    raise AssertionError(f"Tab does not reach {name!r}, only {stops}.")


def enter(page: Page) -> None:
    """Presses Enter, which leads to another page."""
    with page.expect_navigation():
        page.keyboard.press("Enter")
