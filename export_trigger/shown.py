"""Types for the API's description, of replies about runs that have no other type."""

from datetime import datetime
from typing import Literal, TypedDict

from shared.runs.record import RunRecord
from shared.runs.views.estimate import Estimate
from shared.runs.views.preview import Preview


class ShownRun(RunRecord):
    """The record of a run; an open one also has its progress."""

    progress: Estimate | None = None


class ShownPreview(Preview):
    """The plan, and the first rows if requested."""

    rows: list[dict[str, str]] | None = None


class Health(TypedDict):
    """The app can work; `last_tick` is when a tick of its timer was last noted, every five minutes."""

    status: Literal["ok"]
    last_tick: datetime | None


class StartedRun(TypedDict):
    id: str
    location: str


class NotStarted(TypedDict):
    export: str
    code: str
    detail: str


class Started(TypedDict):
    """The runs that are now open, and why other exports have none."""

    runs: list[StartedRun]
    problems: list[NotStarted]
