"""Watches a page during a test, and records everything that our pages must never do."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response

# Runs before the page's own deferred scripts, on the document as it was served.
NO_INLINE = """
document.addEventListener("readystatechange", () => {
  if (document.readyState !== "interactive") return;
  for (const element of document.querySelectorAll("*")) {
    const names = element.getAttributeNames();
    const handler = names.find((name) => name.startsWith("on"));
    const address = ["href", "src", "action", "formaction"].map((name) => element.getAttribute(name) ?? "");
    if (element.matches("script:not([src]), style, [style]") || handler !== undefined
        || address.some((text) => text.trim().toLowerCase().startsWith("javascript:")))
      console.error(`Inline script or style: ${element.outerHTML.slice(0, 200)}`);
  }
}, { once: true });
"""
# What a page has to send along: see "The page" in docs/security.md.
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
# Chromium's word for what it fetched in vain; our check of statuses says it better.
FETCHED_IN_VAIN = "Failed to load resource"


class Guard:
    """What went wrong in a context's pages: `problems`, in plain words.

    `own` is the origin of the app, `others` are origins that the test leads the browser to.
    A status of 400 and more is a problem unless the test expects it.
    """

    def __init__(self, context: BrowserContext, own: str, others: Iterable[str] = ()) -> None:
        self.problems: list[str] = []
        self.own = own
        self.others = set(others)
        self.expected: set[int] = set()
        context.add_init_script(NO_INLINE)
        context.on("console", self._console)
        context.on("weberror", lambda error: self._note(f"Uncaught: {error.error}"))
        context.on("request", self._request)
        context.on("requestfailed", self._failed)
        context.on("response", self._response)

    def expect(self, *statuses: int) -> None:
        """Allows these statuses from now on."""
        self.expected.update(statuses)

    def check(self, page: Page) -> None:
        """Raises AssertionError with everything that was noted."""
        if not page.is_closed():
            page.evaluate("1")  # what happened before has been told by then
        assert self.problems == [], "\n".join(self.problems)

    def _note(self, problem: str) -> None:
        self.problems.append(problem)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert") and FETCHED_IN_VAIN not in message.text:
            self._note(f"Console ({message.type}): {message.text}")

    def _request(self, request: Request) -> None:
        if _origin(request.url) not in {self.own, *self.others, "data:", "blob:"}:
            self._note(f"A request to another host: {request.url}")

    def _failed(self, request: Request) -> None:
        # One that the page itself, or a step to another page, broke off.
        if request.failure != "net::ERR_ABORTED":
            self._note(f"Failed: {request.method} {request.url}: {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected:
            self._note(f"{response.status}: {response.request.method} {response.url}")
        is_page = response.headers.get("content-type", "").startswith("text/html")
        if is_page and _origin(response.url) == self.own:
            for name, wanted in HEADERS.items():
                if not response.headers.get(name, "").startswith(wanted):
                    self._note(f"{response.url} lacks {name}: {wanted}")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"


guards: dict[Page, Guard] = {}
"""What watches each page that is open."""
