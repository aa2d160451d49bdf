"""Requests to Microsoft Graph and to Azure through `az rest`, as the account that az is signed in to."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

GRAPH = "https://graph.microsoft.com/v1.0/"
AZURE = "https://management.azure.com/"
# Seconds for one call of az, which starts slowly.
PATIENCE = 120
# A new object is not known everywhere at once: attempts, and seconds between them.
TRIES, PAUSE = 12, 5
# Seconds before each retry of a throttled request: az shows no Retry-After.
# https://learn.microsoft.com/graph/throttling
BACK_OFF = (10, 20, 40, 80)

# What az prints for an error response, such as `ERROR: Not Found({"error": {"code": …, "message": …}})`.
_REFUSAL = re.compile(r"([A-Z][A-Za-z' -]+)\((\{.*\})\)", re.DOTALL)
# What az prints for an error of the Azure SDK: `ERROR: (code) message`, then lines such as an inner error.
_FAILURE = re.compile(r"^ERROR: \((\w+)\) ", re.MULTILINE)
_INNER = re.compile(r'^Inner error: \{\s*"code": "(\w+)"', re.MULTILINE)
_STATUSES = {status.phrase: status for status in HTTPStatus}
# The 400s that Microsoft Graph returns for a new object; they go away, as its 404s do.
_NOT_KNOWN_YET = ("does not reference a valid application", "was not found on application")

type Json = dict[str, Any]


class AzError(Exception):
    """A failure of az, with a message that says what helps."""


class Refused(AzError):
    """A response whose HTTP status is an error."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(f"{status.value} {status.phrase}: {message}")
        self.status = status
        self.message = message

    @property
    def is_not_known_yet(self) -> bool:
        return self.status == HTTPStatus.NOT_FOUND or any(text in self.message for text in _NOT_KNOWN_YET)

    @property
    def is_there_already(self) -> bool:
        return self.status == HTTPStatus.CONFLICT or "already exists" in self.message


class Failed(AzError):
    """An error of a service, by its code and the code inside it, such as Forbidden and ForbiddenByRbac."""

    def __init__(self, printed: str, code: str, inner: str) -> None:
        super().__init__(f"az failed: {printed[:500]}")
        self.code = code
        self.inner = inner


def run(*arguments: str) -> Any:
    """Runs az and returns the JSON that it prints, or None.

    Raises AzError if az is missing, not signed in, too slow or fails otherwise; Refused if a request of
    `az rest` gets an error response; Failed if another command does.
    """
    program = shutil.which("az")
    if program is None:
        raise AzError(
            "az is not installed. Install it: https://learn.microsoft.com/cli/azure/install-azure-cli"
        )
    command = [program, *arguments, "--output", "json", "--only-show-errors"]
    try:
        result = subprocess.run(  # noqa: S603 - no shell
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        raise AzError(f"az did not respond within {PATIENCE} seconds. Run this again.") from None
    if result.returncode:
        raise _error(result.stderr)
    return json.loads(result.stdout) if result.stdout.strip() else None


def _error(printed: str) -> AzError:
    if "az login" in printed:
        return AzError("az is not signed in, or its sign-in has expired. Run az login.")
    if found := _REFUSAL.search(printed):
        status = _STATUSES.get(found[1], HTTPStatus.INTERNAL_SERVER_ERROR)
        try:
            message = str(json.loads(found[2])["error"]["message"])
        except (ValueError, LookupError, TypeError):
            message = found[2]
        return Refused(status, message[:500])
    if found := _FAILURE.search(printed):
        inner = _INNER.search(printed)
        return Failed(printed.strip(), found[1], inner[1] if inner else "")
    return AzError(f"az failed: {printed.strip()[-500:] or 'it printed nothing'}")


class Directory:
    """Microsoft Graph, and lists of Azure Resource Manager, through az. `say` gets a line for each change.

    `sleep` takes seconds. A throttled request is retried at most four times.
    """

    def __init__(self, say: Callable[[str], None], sleep: Callable[[float], None]) -> None:
        self.say = say
        self._sleep = sleep

    def find(self, path: str) -> Json | None:
        """An object; None if it does not exist, or is not known yet."""
        try:
            found: Json = self._request("get", GRAPH + path)
        except Refused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
            return None
        return found

    def read(self, path: str) -> Json:
        """An object that exists, even if it was just created."""
        return self._patiently(lambda: self._request("get", GRAPH + path))

    def all(self, path: str) -> list[Json]:
        """Each object in a collection of an object that exists."""
        return self._patiently(lambda: list(self.pages(GRAPH + path)))

    def pages(self, url: str) -> Iterator[Json]:
        """The items of a list of Microsoft Graph or of Azure, page by page."""
        while url:
            page = self._request("get", url)
            yield from page["value"]
            url = page.get("@odata.nextLink") or page.get("nextLink") or ""

    def change(self, path: str, body: Json, *lines: str) -> None:
        """Changes an object that exists."""
        self._patiently(lambda: self._request("patch", GRAPH + path, body))
        for line in lines:
            self.say(line)

    def make(self, path: str, body: Json, line: str, *, by_key: bool = False) -> Json | None:
        """Adds an object to a collection, or under an alternate key, and returns it.

        None if it already exists: another process added it, or an earlier read did not know it yet.
        """
        try:
            made: Json | None = self._patiently(
                lambda: self._request("patch" if by_key else "post", GRAPH + path, body, by_key)
            )
        except Refused as refused:
            if not refused.is_there_already:
                raise
            return None
        if made is not None:
            self.say(line)
        return made

    def _patiently[T](self, request: Callable[[], T]) -> T:
        for _ in range(TRIES):
            try:
                return request()
            except Refused as refused:
                if not refused.is_not_known_yet:
                    raise
                self._sleep(PAUSE)
        return request()

    def _request(
        self, method: str, url: str, body: Json | None = None, create_if_missing: bool = False
    ) -> Any:
        for seconds in BACK_OFF:
            try:
                return _request(method, url, body, create_if_missing)
            except Refused as refused:
                if refused.status != HTTPStatus.TOO_MANY_REQUESTS:
                    raise
                self._sleep(seconds)
        return _request(method, url, body, create_if_missing)


def _request(method: str, url: str, body: Json | None, create_if_missing: bool) -> Any:
    arguments = ["rest", "--method", method, "--url", url]
    if body is not None:
        arguments += ["--body", json.dumps(body), "--headers", "Content-Type=application/json"]
    if create_if_missing:
        # https://learn.microsoft.com/graph/api/application-upsert
        arguments.append("Prefer=create-if-missing")
    return run(*arguments)
