"""Requests to Microsoft Graph and to Azure through `az rest`, in the name of the account that az uses."""

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
# What was just made is not known everywhere yet: how often to ask again, and after how many seconds.
TRIES, PAUSE = 12, 5
# Seconds before each further try where there were too many requests: az shows no Retry-After.
# https://learn.microsoft.com/graph/throttling
BACK_OFF = (10, 20, 40, 80)

# What az makes of a refusal, such as `ERROR: Not Found({"error": {"code": …, "message": …}})`.
_REFUSAL = re.compile(r"([A-Z][A-Za-z' -]+)\((\{.*\})\)", re.DOTALL)
# What az makes of an error of the Azure SDK: `ERROR: (code) message`, and more lines, such as an inner error.
_FAILURE = re.compile(r"^ERROR: \((\w+)\) ", re.MULTILINE)
_INNER = re.compile(r'^Inner error: \{\s*"code": "(\w+)"', re.MULTILINE)
_STATUSES = {status.phrase: status for status in HTTPStatus}
# The 400s of Microsoft Graph about something that was just made: they end as its 404s do.
_NOT_KNOWN_YET = ("does not reference a valid application", "was not found on application")

type Json = dict[str, Any]


class AzError(Exception):
    """What az could not do, and what helps, in words for people."""


class Refused(AzError):
    """An answer with an HTTP status other than success."""

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

    Raises AzError where az is missing, not signed in, too slow or fails otherwise; Refused where a request
    of `az rest` is answered with a refusal; Failed where another command is.
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
    """Microsoft Graph, and lists of Azure's, through az. `say` gets a line for each change.

    `sleep` takes seconds. What there are too many requests for is asked again, four times at most.
    """

    def __init__(self, say: Callable[[str], None], sleep: Callable[[float], None]) -> None:
        self.say = say
        self._sleep = sleep

    def find(self, path: str) -> Json | None:
        """An object, or None where there is none, or none is known yet."""
        try:
            found: Json = self._request("get", GRAPH + path)
        except Refused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
            return None
        return found

    def read(self, path: str) -> Json:
        """An object that is there, even if it was just made."""
        return self._patiently(lambda: self._request("get", GRAPH + path))

    def all(self, path: str) -> list[Json]:
        """Each object of a collection of one that is there."""
        return self._patiently(lambda: list(self.pages(GRAPH + path)))

    def pages(self, url: str) -> Iterator[Json]:
        """The items of a list of Microsoft Graph or of Azure, page by page."""
        while url:
            page = self._request("get", url)
            yield from page["value"]
            url = page.get("@odata.nextLink") or page.get("nextLink") or ""

    def change(self, path: str, body: Json, *lines: str) -> None:
        """Changes an object that is there."""
        self._patiently(lambda: self._request("patch", GRAPH + path, body))
        for line in lines:
            self.say(line)

    def make(self, path: str, body: Json, line: str, *, by_key: bool = False) -> Json | None:
        """Adds an object to a collection, or under an alternate key, and returns it.

        None where it is there already: somebody else has added it, or it was not known yet when it was looked
        for.
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
