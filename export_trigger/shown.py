"""What the routes of runs show, where it has no type of its own: for the API's description."""

from datetime import datetime
from typing import Literal, TypedDict

from shared.runs.record import RunRecord
from shared.runs.views.estimate import Estimate
from shared.runs.views.preview import Preview


class ShownRun(RunRecord):
    """The record of a run; of an open one also how far it is."""

    progress: Estimate | None = None


class ShownPreview(Preview):
    """The plan, and the first rows where they were asked for."""

    rows: list[dict[str, str]] | None = None


class Health(TypedDict):
    """Whether the app can work, and when a tick of its timer was last noted: every five minutes, one is."""

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
    """The runs that are open now, and why other exports have none."""

    runs: list[StartedRun]
    problems: list[NotStarted]
