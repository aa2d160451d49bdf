"""Takes the pictures of the documentation, from the demo as it stays: python -m tests.pages.pictures"""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT
from subprocess import PIPE, STDOUT, Popen

from playwright.sync_api import Page, sync_playwright

from tests.pages.conftest import FLAGS
from tests.pages.find_browser import HOW_TO, find_browser

FOLDER = Path(__file__).parents[2] / "docs/pictures"
COMMAND = (str(Path(sys.executable).parent / "segment-export"), "demo", "--stay", "--port", "0")
WIDTH, HEIGHT = 1100, 760


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright, running_demo() as url:
        found = find_browser(playwright)
        if found is None:
            sys.exit(HOW_TO)
        with playwright.chromium.launch(executable_path=found, args=FLAGS) as browser:
            for scheme in ("light", "dark"):
                context = browser.new_context(
                    base_url=url,
                    color_scheme=scheme,
                    locale="en-US",
                    viewport={"width": WIDTH, "height": HEIGHT},
                )
                take(context.new_page(), scheme)


def take(page: Page, scheme: str) -> None:
    """The main pages in light colors, the first of them in dark ones too."""
    page.goto("/")
    shoot(page, "exports" if scheme == "light" else "exports-dark")
    if scheme == "dark":
        return
    page.get_by_role("link", name="VIPs", exact=True).click()
    shoot(page, "export", whole=True)
    page.locator("tbody th a").first.click()
    shoot(page, "run", whole=True)
    page.goto("/exports/vip")
    page.get_by_role("button", name="Preview").click()
    shoot(page, "preview", whole=True)
    page.goto("/exports/vip/edit")
    shoot(page, "edit")
    page.goto("/new/connection")
    shoot(page, "connection", whole=True)


def shoot(page: Page, name: str, *, whole: bool = False) -> None:
    page.screenshot(path=FOLDER / f"{name}.png", full_page=whole, animations="disabled")


@contextmanager
def running_demo() -> Iterator[str]:
    """Yields the address of the demo's app."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Popen(
            COMMAND, cwd=folder, env=os.environ | {"USER": "ada"}, stdout=PIPE, stderr=STDOUT, text=True
        ) as process,
    ):
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if found := re.search(r"Open (http://\S+)/ in a browser", line):
                    yield found[1]
                    break
        finally:
            process.send_signal(SIGINT)
            process.communicate()


if __name__ == "__main__":
    main()
