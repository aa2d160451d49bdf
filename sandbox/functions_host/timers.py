"""Timer triggers: their schedule (NCRONTAB in UTC), and the request for their function."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from croniter import croniter

from sandbox.functions_host.engine import Function
from sandbox.functions_host.errors import HostError
from sandbox.functions_host.settings import resolved

# NCRONTAB has none of croniter's extensions: `L`, `?`, `#`, `@daily`, random and hashed fields.
_VALUE = r"(?:\d+|[a-z]{3})"
_FIELD = rf"(?:\*|{_VALUE}(?:-{_VALUE})?)(?:/\d+)?"
_NCRONTAB = re.compile(rf"{_FIELD}(?:,{_FIELD})*(?: {_FIELD}(?:,{_FIELD})*){{4,5}}", re.IGNORECASE)
_NEVER = datetime.min.replace(tzinfo=UTC)


class Schedule:
    """An NCRONTAB expression: six fields, seconds first, or five; a day must match both day fields.

    Raises ValueError if it is not valid, or never due.
    Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer
    """

    def __init__(self, expression: str) -> None:
        self.expression = " ".join(expression.split())
        if not _NCRONTAB.fullmatch(self.expression):
            raise ValueError(self.expression)
        self.after(datetime.now(UTC))

    def after(self, moment: datetime) -> datetime:
        """The first time later than `moment`."""
        times = croniter(self.expression, moment, second_at_beginning=True, day_or=False)
        due: datetime = times.get_next(datetime)
        return due


def schedule_of(function: Function, environment: Mapping[str, str]) -> Schedule:
    """A timer's schedule, with each `%NAME%` replaced by that setting.

    Raises HostError, naming the setting that is not set, or the schedule (not the setting's value).
    """
    text = function.trigger["schedule"]
    try:
        return Schedule(resolved(text, environment))
    except KeyError as missing:
        raise HostError(
            f"The schedule of {function.name} is in the setting {missing.args[0]}, which is not set."
        ) from None
    except ValueError:
        raise HostError(f"The schedule of {function.name} is not NCRONTAB: {text}") from None


class Timer:
    """Fires at its times, one run after another.

    `fire` gets the JSON of a TimerRequest and returns when the function has ended. Ticks missed in the
    meantime become one run right after it, past due. After a start, it first fires at the next time, unless
    `run_on_startup`.
    """

    def __init__(
        self,
        schedule: Schedule,
        fire: Callable[[str], Awaitable[object]],
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]],
        run_on_startup: bool = False,
    ) -> None:
        self.schedule = schedule
        self._fire = fire
        self._clock = clock
        self._sleep = sleep
        self._run_on_startup = run_on_startup
        self._last = self._next = _NEVER

    async def run(self) -> None:
        """Never returns; cancel it."""
        self._next = self.schedule.after(self._clock())
        if self._run_on_startup:
            await self._fire_at(self._clock(), past_due=False)
        while True:
            past_due = self._next <= self._clock()
            await self._fire_at(await self._until(self._next), past_due=past_due)

    def request(self, *, past_due: bool = False) -> str:
        """The JSON of a TimerRequest, as the real host writes it, with the times of the last and next run."""
        last, coming = self._last.isoformat(), self._next.isoformat()
        return json.dumps(
            {
                "Schedule": {"AdjustForDST": True},
                "ScheduleStatus": {"Last": last, "Next": coming, "LastUpdated": last},
                "IsPastDue": past_due,
            }
        )

    async def _fire_at(self, now: datetime, *, past_due: bool) -> None:
        await self._fire(self.request(past_due=past_due))
        self._last, self._next = now, self.schedule.after(now)

    async def _until(self, due: datetime) -> datetime:
        while (now := self._clock()) < due:
            # In pieces, because a suspended machine resumes with the sleep unfinished.
            await self._sleep(min((due - now).total_seconds(), 60))
        return now
