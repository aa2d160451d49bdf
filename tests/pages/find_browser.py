"""Finds a Chromium for the tests of the pages, or installs one: `python -m tests.pages.find_browser`."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

from playwright.sync_api import Playwright, sync_playwright

# The first one has no windows to draw, and takes half of the others' time.
COMMANDS = (
    *("chromium-headless-shell", "chromium", "chromium-browser"),
    *("google-chrome", "google-chrome-stable", "chrome"),
)
MAC_APPS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
HOW_TO = "No Chromium here: set CHROME to one, or run `.venv/bin/playwright install --with-deps chromium`."


def find_browser(playwright: Playwright) -> str | None:
    """The first Chromium that starts: CHROME's, one on the PATH, a Mac's, or Playwright's own."""
    return next(filter(_starts, _candidates(playwright)), None)


def _candidates(playwright: Playwright) -> Iterator[str]:
    if named := os.environ.get("CHROME"):
        yield named
    yield from filter(None, map(shutil.which, COMMANDS))
    yield from MAC_APPS
    yield playwright.chromium.executable_path


def _starts(browser: str) -> bool:
    """Whether it is one: Ubuntu's chromium-browser only asks for a snap."""
    try:
        return subprocess.run([browser, "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _install_package() -> None:
    """Debian's package, if possible; older releases only have the one with windows."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        _run("apt-get", "update")
        for package in ("chromium-headless-shell", "chromium"):
            if _run("apt-get", "install", "--yes", "--no-install-recommends", package):
                return


def _install_own() -> None:
    """Playwright's build."""
    _run(sys.executable, "-m", "playwright", "install", "chromium")


def _run(*command: str) -> bool:
    """Whether it succeeded; its output does not matter, because the browser either exists afterward or
    not."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, env=environment, capture_output=True).returncode == 0


def main() -> int:
    """Prints the browser, or how to get one; the exit code is 0 if there is one."""
    with sync_playwright() as playwright:
        found = find_browser(playwright)
        for install in (_install_package, _install_own):
            if found is None:
                install()
                found = find_browser(playwright)
    if found is None:
        print(f"{HOW_TO} The tests of the pages are skipped.", file=sys.stderr)  # noqa: T201
        return 1
    print(f"The pages are tested in {found}.")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
