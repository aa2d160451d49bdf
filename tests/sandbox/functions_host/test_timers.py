"""When timers fire, on a clock of the test's and on the real engine."""

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.functions_host import HostError
from sandbox.functions_host.engine import Function
from sandbox.functions_host.timers import Schedule, Timer, schedule_of

NOON = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)  # a Monday


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        ("* * * * * *", "2026-11-23T12:00:01"),
        ("0 * * * * *", "2026-11-23T12:01:00"),
        ("*/15 * * * *", "2026-11-23T12:15:00"),
        ("30 5/20 * * * *", "2026-11-23T12:05:30"),
        (" 0  0 6 * * 1-5 ", "2026-11-24T06:00:00"),
        ("0 0 0 * jan,MAR-may *", "2027-01-01T00:00:00"),
        ("0 0 0 1 * mon", "2027-02-01T00:00:00"),
    ],
)
def test_a_schedule_is_read_as_ncrontab(expression: str, due: str) -> None:
    """Seconds come first, five fields start at minutes, and a day must match both day fields."""
    assert Schedule(expression).after(NOON) == datetime.fromisoformat(due).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "expression",
    ["", "* * * *", "0 0 0 * * * 2027", "60 * * * * *", "0 0 0 31 2 *", "0 0 0 L * *", "@daily", "00:00:10"],
)
def test_what_is_no_ncrontab_is_refused(expression: str) -> None:
    """croniter's own extensions and a time that never comes are refused."""
    with pytest.raises(HostError, match="tick is not NCRONTAB"):
        schedule_of(Function("tick", "1", {"schedule": expression}), {})


def test_a_schedule_comes_from_its_setting() -> None:
    """`%NAME%` is that setting; one that is not set is named, and a value is never shown."""
    function = Function("tick", "1", {"schedule": "0 %MINUTES% * * * *"})
    assert schedule_of(function, {"MINUTES": "5"}).expression == "0 5 * * * *"
    with pytest.raises(HostError, match="the setting MINUTES, which is not set"):
        schedule_of(function, {})
    with pytest.raises(HostError) as error:
        schedule_of(function, {"MINUTES": "not-to-be-shown"})
    assert "not-to-be-shown" not in error.value.message


class Clock:
    """A clock that moves when something sleeps on it, or when a run takes its time."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Enough(Exception):
    """The test has seen enough."""


def fired(
    expression: str, takes: list[float], *, idle: float = 0, **options: Any
) -> list[tuple[str, bool, dict[str, str]]]:
    """Runs a timer, `idle` seconds old, until runs of so many seconds are done.

    Returns of each when it began, whether it was past due, and the status it saw.
    """
    clock, seen = Clock(), []

    async def fire(request: str) -> None:
        info = json.loads(request)
        seen.append((f"{clock.now:%H:%M:%S}", info["IsPastDue"], info["ScheduleStatus"]))
        clock.now += timedelta(seconds=takes[len(seen) - 1])
        if len(seen) == len(takes):
            raise Enough

    timer = Timer(Schedule(expression), fire, clock=clock, sleep=clock.sleep, **options)
    clock.now += timedelta(seconds=idle)
    with pytest.raises(Enough):
        asyncio.run(timer.run())
    return seen


def test_a_timer_fires_at_its_times_only() -> None:
    """The first start fires at the next time, never at once."""
    assert [run[:2] for run in fired("0 */5 * * * *", [1, 1, 1])] == [
        ("12:05:00", False), ("12:10:00", False), ("12:15:00", False),
    ]  # fmt: skip


def test_a_timer_that_starts_late_has_missed_nothing() -> None:
    """Times before the timer first ran do not fire."""
    assert [run[:2] for run in fired("0 * * * * *", [1], idle=150)] == [("12:03:00", False)]


def test_what_a_long_run_missed_fires_once_right_after() -> None:
    """Two missed ticks become one run, past due; then the schedule continues."""
    assert [run[:2] for run in fired("0 * * * * *", [150, 1, 60, 1])] == [
        ("12:01:00", False), ("12:03:30", True), ("12:04:00", False), ("12:05:00", True),
    ]  # fmt: skip


def test_run_on_startup_fires_before_the_first_time() -> None:
    """A timer that asks for it fires at the start, and then on its schedule."""
    runs = fired("0 * * * * *", [1, 1], run_on_startup=True)
    assert [run[:2] for run in runs] == [("12:00:00", False), ("12:01:00", False)]


def test_a_run_is_told_the_last_and_the_coming_time() -> None:
    """Before the first run, Last is .NET's smallest time."""
    first, second = (run[2] for run in fired("0 * * * * *", [1, 1]))
    never = "0001-01-01T00:00:00+00:00"
    assert first == {"Last": never, "Next": "2026-11-23T12:01:00+00:00", "LastUpdated": never}
    assert second["Last"] == second["LastUpdated"] == "2026-11-23T12:01:00+00:00"
    assert second["Next"] == "2026-11-23T12:02:00+00:00"


APP = """
import json, pathlib, time
import azure.functions as func

runs = pathlib.Path(__file__).with_name("runs")
app = func.FunctionApp()

def note(name, timer):
    with runs.open("a") as file:
        print(json.dumps([name, time.time(), timer.past_due, timer.schedule_status]), file=file)

@app.timer_trigger(arg_name="timer", schedule="* * * * * *")
def often(timer: func.TimerRequest) -> None:
    note("starts", timer)
    time.sleep(1.3)
    note("ends", timer)

@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
async def yearly(timer: func.TimerRequest) -> None:
    note("yearly", timer)

@app.route(route="http")
def over_http(req: func.HttpRequest) -> str:
    return ""
"""


def test_timers_fire_on_the_engine(
    tmp_path: Path,
    hosting: Callable[..., AbstractContextManager[httpx.Client]],
    eventually: Callable[[Callable[[], bool]], None],
) -> None:
    """A timer's runs follow each other and never overlap, and any timer can be fired by hand."""
    (tmp_path / "host.json").write_text("{}")
    (tmp_path / "function_app.py").write_text(APP)
    runs = tmp_path / "runs"
    runs.touch()

    def noted(name: str) -> list[Any]:
        complete = runs.read_text().rpartition("\n")[0].splitlines()
        return [run for line in complete if (run := json.loads(line))[0] == name]

    with hosting(tmp_path) as client:
        assert client.post("/admin/functions/Yearly", json={"input": ""}).status_code == 202
        assert client.post("/admin/functions/yearly").status_code == 202
        assert client.post("/admin/functions/unknown").status_code == 404
        assert client.post("/admin/functions/over_http").status_code == 400
        assert client.post("/admin/functions/yearly", headers={"x-functions-key": ""}).status_code == 401
        assert {"name": "yearly"} in client.get("/admin/functions").json()
        eventually(lambda: len(noted("starts")) >= 3 and len(noted("yearly")) >= 2)
    starts, ends = noted("starts"), noted("ends")
    assert [run[2] for run in starts[:3]] == [False, True, True]
    assert all(end[1] <= start[1] for end, start in zip(ends, starts[1:], strict=False))
    assert [run[2] for run in noted("yearly")] == [False, False]
