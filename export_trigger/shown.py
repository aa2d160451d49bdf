"""What starting all exports shows."""

from typing import TypedDict


class StartedRun(TypedDict):
    id: str
    location: str


class NotStarted(TypedDict):
    export: str
    code: str
    detail: str


class Started(TypedDict):
    """The runs that are open now, and why other exports have none."""

    runs: list[StartedRun]
    problems: list[NotStarted]
