"""The guard of the pages notices what it must, and nothing else."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.serving import serving
from tests.pages.guard import HEADERS, Guard
from tests.pages.keyboard import tab_through
from tests.pages.looks import assert_accessible, assert_fits

GOOD = """<!doctype html><html lang="en"><title>Good</title><link rel="icon" href="data:,">
<main><h1>Good</h1><p><a href="/">Home</a> <button>Go</button></p>{}</main></html>"""
FULL = {"content-security-policy": "default-src 'none'; img-src data:; script-src 'self'"}

# What is wrong with a page, and the beginning of what is noted.
WRONG = {
    "<script>1</script>": "Console (error): Executing inline script violates",
    "<p style='color: red'>": "Console (error): Inline script or style: <p style",
    "<p onclick='go()'>": "Console (error): Inline script or style: <p onclick",
    "<a href=' JavaScript:go()'>Go</a>": "Console (error): Inline script or style: <a href",
    "<script src='/warn.js'></script>": "Console (warning): Beware",
    "<script src='/throw.js'></script>": "Uncaught: Thrown",
    "<script src='/missing.js'></script>": "404: GET",
    "<script src='/cut.js'></script>": "Failed: GET",
    "<script src='http://other.test/'></script>": "A request to another host",
}
SCRIPTS = {"warn.js": "console.warn('Beware')", "throw.js": "throw new Error('Thrown')", "fine.js": "1"}


@pytest.fixture
def site() -> Iterator[tuple[str, dict[str, str]]]:
    """An address, and the part of its page that a test sets."""
    parts: dict[str, str] = {}

    async def show(request: Request) -> Response:
        name = request.path_params["name"]
        if name == "":
            headers = HEADERS | FULL | ({"cache-control": "public"} if "headers" in parts else {})
            return Response(GOOD.format(parts.get("body", "")), media_type="text/html", headers=headers)
        if name == "cut.js":
            return Response("cut", headers={"content-length": "9"})
        return Response(SCRIPTS.get(name, ""), 200 if name in SCRIPTS else 404, media_type="text/javascript")

    with serving(Starlette(routes=[Route("/{name:path}", show)])) as url:
        yield url, parts


@pytest.fixture
def looked(browser: Browser, site: tuple[str, dict[str, str]]) -> Iterator[tuple[Page, Guard]]:
    with browser.new_context(base_url=site[0]) as context:
        page = context.new_page()
        yield page, Guard(context, site[0])


def test_a_good_page_has_no_problems(site: tuple[str, dict[str, str]], looked: tuple[Page, Guard]) -> None:
    page, guard = looked
    site[1]["body"] = "<script src='/fine.js'></script>"
    page.goto("/")
    guard.check(page)
    assert_accessible(page)
    assert_fits(page)
    assert [stop.name for stop in tab_through(page)] == ["Home", "Go"]
    assert guard.problems == []


def test_whatever_a_page_must_not_do_is_noted(
    site: tuple[str, dict[str, str]], looked: tuple[Page, Guard]
) -> None:
    page, guard = looked
    for body, noted in WRONG.items():
        guard.problems.clear()
        site[1]["body"] = body
        page.goto("/")
        with pytest.raises(AssertionError):
            guard.check(page)
        assert any(each.startswith(noted) for each in guard.problems), (body, guard.problems)


def test_headers_that_are_missing_are_noted(
    site: tuple[str, dict[str, str]], looked: tuple[Page, Guard]
) -> None:
    page, guard = looked
    site[1]["headers"] = "other"
    page.goto("/")
    assert guard.problems == [f"{site[0]}/ lacks cache-control: no-store"]


def test_what_looks_wrong_is_noted(site: tuple[str, dict[str, str]], looked: tuple[Page, Guard]) -> None:
    page, _ = looked
    site[1]["body"] = "<img src='data:,'><input>" + "wide" * 300
    page.goto("/")
    with pytest.raises(AssertionError, match="image-alt"):
        assert_accessible(page)
    with pytest.raises(AssertionError, match="scrolls"):
        assert_fits(page)
    with pytest.raises(AssertionError, match="without a name"):
        list(tab_through(page))
