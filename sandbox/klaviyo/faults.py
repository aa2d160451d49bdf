"""Faults on demand: which request meets which mishap, by script and never by chance."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from threading import Lock
from typing import Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class Fault:
    """One mishap for the `nth` request (None: for each) that matches from now on.

    - `error`: a JSON:API error with `status`, and `Retry-After` where `retry_after` is given (in seconds, or
      as a text of any other form); `bare` leaves the content type away
    - `html`: a page of a proxy's, such as Cloudflare, with `status`
    - `cut`: the connection ends before the request is read; `cut_after`: when it has been carried out
    - `empty_id`: nothing is accepted, and the answer is 202 with an empty job id
    - `slow`: waits `seconds`, then goes on; `hang`: never answers
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
    """The faults in their order; the first one whose turn it is strikes."""

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
        """Counts a request at each rule that matches it and returns the fault it meets, if any."""
        struck = None
        with self._lock:
            for position, (fault, seen) in enumerate(self._seen):
                if fnmatchcase(method, fault.method) and fnmatchcase(path.rstrip("/"), fault.path):
                    self._seen[position] = (fault, seen + 1)
                    if struck is None and fault.nth in (None, seen + 1):
                        struck = fault
        return struck
