"""The document of an export: what goes where, and when."""

from datetime import datetime
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, AwareDatetime, Discriminator, Field, Tag, model_validator

from shared.catalog.attributes import Attributes
from shared.catalog.document import AS_OBJECT, AS_TEXT, LIST_ID_PATTERN, Document, Id, Text, tag


class Match(Document):
    """How a row and a profile are told to be the same person."""

    email: Text


class Condition(Document):
    """Which rows leave, by one column: exactly one of the four tests, each on a cell without the white
    space around it. In a boolean column `true` and `True` are the same.

    To honour a consent column, ask for the consent: `equals` "True". With `not_equals` "False" blank
    cells leave too.
    """

    column: Text
    equals: str | None = None
    not_equals: str | None = None
    in_: Annotated[tuple[str, ...], Field(min_length=1)] | None = Field(None, alias="in")
    is_blank: bool | None = None

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        tests = (self.equals, self.not_equals, self.in_, self.is_blank)
        if sum(test is not None for test in tests) != 1:
            raise ValueError("needs exactly one of equals, not_equals, in, is_blank")
        return self


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("must be a time zone of the IANA database, such as Europe/Paris") from None
    return name


def _recurrence(cron: str) -> str:
    message = "must be five fields of cron that some day fulfils, such as 0 6 * * *"
    if len(cron.split()) != 5:
        raise ValueError(message)
    try:
        next(CronSim(cron, datetime(2026, 1, 1)))  # noqa: DTZ001 - any time does
    except (CronSimError, StopIteration):
        raise ValueError(message) from None
    return cron


class Cron(Document):
    """A recurrence of its own: five fields, read in a time zone of the IANA database."""

    cron: Annotated[Text, AfterValidator(_recurrence)]
    timezone: Annotated[str, AfterValidator(_time_zone)] = "UTC"


class Schedule(Document):
    """Whether an export runs by itself, and when: at each refresh of its segment, or by a cron."""

    active: bool = True
    when: Annotated[
        Annotated[Literal["on_refresh"], Tag(AS_TEXT)] | Annotated[Cron, Tag(AS_OBJECT)],
        Discriminator(
            tag,
            custom_error_type="recurrence",
            custom_error_message="must be 'on_refresh' or an object with a cron",
        ),
    ] = "on_refresh"


class Limits(Document):
    """What a run must not go beyond."""

    max_profiles: Annotated[int, Field(ge=1)] = 1_000_000


def _no_segment_twice(segments: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(segments)) < len(segments):
        raise ValueError("must not name a segment twice")
    return segments


class Export(Document):
    """What goes where: segments, over a connection, to one list."""

    version: Literal[1] = 1
    id: Id
    display_name: str = ""
    connection: Id
    segments: Annotated[tuple[Text, ...], Field(min_length=1), AfterValidator(_no_segment_twice)]
    list_id: Annotated[str, Field(pattern=LIST_ID_PATTERN)]
    match: Match
    attributes: Attributes = Attributes.model_validate({})
    only_if: Condition | None = None
    schedule: Schedule = Schedule()
    limits: Limits = Limits()
    created_at: AwareDatetime | None = None
    created_by: str = ""
    updated_at: AwareDatetime | None = None
    updated_by: str = ""
