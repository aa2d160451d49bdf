"""Faults on demand: a script defines which request gets which fault, never chance."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from threading import Lock
from typing import Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class Fault:
    """One fault for the `nth` request (None: each request) that matches from now on.

    - `error`: a JSON:API error with `status`, and `Retry-After` if `retry_after` is given (seconds, or any
      text); `bare` omits the content type
    - `html`: a proxy's page, such as Cloudflare's, with `status`
    - `cut`: the connection ends before the request is read; `cut_after`: after it was executed
    - `empty_id`: accepts nothing, and responds with 202 and an empty job id
    - `slow`: waits `seconds`, then continues; `hang`: never responds
    - `redirect`: 302 to `location`
    - `garbage`: 200 with broken JSON
    """

    kind: Literal["error", "html", "cut", "cut_after", "empty_id", "slow", "hang", "redirect", "garbage"]
    method: str = "*"
    path: str = "/api/*"
    nth: int | None = Field(default=1, ge=1)
    status: int = Field(default=503, ge=200, le=599)
    retry_after: int | str | None = None
    bare: bool = False
    seconds: float = 0.0
    location: str = "/elsewhere"


class FaultScript:
    """The faults in order; the first one that is due strikes."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._seen: list[tuple[Fault, int]] = []

    def add(self, faults: Iterable[Fault]) -> None:
        with self._lock:
            self._seen += [(fault, 0) for fault in faults]

    def clear(self) -> None:
        with self._lock:
            self._seen = []

    def strike(self, method: str, path: str) -> Fault | None:
        """Counts a request at each matching rule, and returns the fault that strikes, if any."""
        struck = None
        with self._lock:
            for position, (fault, seen) in enumerate(self._seen):
                if fnmatchcase(method, fault.method) and fnmatchcase(path.rstrip("/"), fault.path):
                    self._seen[position] = (fault, seen + 1)
                    if struck is None and fault.nth in (None, seen + 1):
                        struck = fault
        return struck
