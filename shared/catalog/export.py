"""The document of an export: what goes where, and when."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal, override
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, AwareDatetime, Discriminator, Field, Tag

from shared.catalog.attributes import Attributes, has_twice, name_twice
from shared.catalog.document import (
    AS_OBJECT,
    AS_TEXT,
    LIST_ID_PATTERN,
    Document,
    Id,
    Place,
    Text,
    Version,
    tag,
)


class Match(Document):
    """How a row and a profile are recognized as the same person."""

    email: Text


# A condition has one of these tests.
TESTS = ("equals", "not_equals", "in", "is_blank")


class Condition(Document):
    """Which rows are sent, by one column: exactly one of the four tests, on the cell without surrounding
    white space. In a boolean column, `true` and `True` are the same.

    To honor a consent column, ask for the consent: `equals` "True". With `not_equals` "False", rows with
    blank cells are sent, too.
    """

    column: Text
    equals: str | None = None
    not_equals: str | None = None
    in_: Annotated[tuple[str, ...], Field(min_length=1)] | None = Field(None, alias="in")
    is_blank: bool | None = None


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("must be a time zone of the IANA database, such as Europe/Paris") from None
    return name


def _recurrence(cron: str) -> str:
    message = "must be a cron of five fields that matches some day, such as 0 6 * * *"
    if len(cron.split()) != 5:
        raise ValueError(message)
    try:
        next(CronSim(cron, datetime(2026, 1, 1)))  # noqa: DTZ001 - any time does
    except (CronSimError, StopIteration, ValueError):  # it hands numbers of any length to int()
        raise ValueError(message) from None
    return cron


class Cron(Document):
    """A recurrence: five fields, in a time zone of the IANA database."""

    cron: Annotated[Text, AfterValidator(_recurrence)]
    timezone: Annotated[str, AfterValidator(_time_zone)] = "UTC"


class Schedule(Document):
    """Whether an export runs automatically, and when: at each refresh of its segment, or by a cron."""

    active: bool = True
    when: Annotated[
        Annotated[Literal["on_refresh"], Tag(AS_TEXT)] | Annotated[Cron, Tag(AS_OBJECT)],
        Discriminator(
            tag,
            custom_error_type="recurrence",
            custom_error_message="must be 'on_refresh' or an object with a cron",
        ),
    ] = "on_refresh"


# Larger numbers are not exact in every JSON reader.
MOST_PROFILES = 2**53 - 1


class Limits(Document):
    """Upper limits of a run."""

    max_profiles: Annotated[int, Field(ge=1, le=MOST_PROFILES)] = 1_000_000


class Sync(Document):
    """Which profiles a run sends, and whether it removes any.

    With `changed_only`, those that are new or have changed since they were last sent; otherwise all. In the
    mode `mirror`, people who left the segments are removed from the list, unless their share of the people
    who were sent is over `max_removal_share`. A run that reads the list's members, on demand or every
    `full_every_days` days, removes or keeps `strangers`: members that no export has sent. With
    `clear_blanks`, a blank cell clears its custom property.
    """

    mode: Literal["add", "mirror"] = "add"
    changed_only: bool = True
    max_removal_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    strangers: Literal["keep", "remove"] = "keep"
    clear_blanks: bool = False
    full_every_days: Annotated[int, Field(ge=0, le=3650)] = 0


class Alerts(Document):
    """When a run warns, as shares: refused rows of all its rows; rows added or missing, of the rows of the
    last complete run."""

    rejected_share: Annotated[float, Field(ge=0, le=1)] | None = None
    grew_by: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    fell_by: Annotated[float, Field(ge=0, le=1)] | None = None


class EmailConsent(Document):
    """The people that a run subscribes to email marketing: new ones, and those who consented again.

    `consented_at` is the column with the time of a person's consent.
    """

    subscribe: Literal["email"]
    consented_at: Text


def _asks_for_consent(condition: Any) -> bool:
    """Whether a condition names the values that pass, so that blank or unknown cells do not."""
    match condition:
        case {"not_equals": str()} | {"is_blank": True}:
            return False
        case dict():
            return True
    return False


class Export(Document):
    """Sends segments to one list, over a connection.

    A detached export has no connection, and does not run until it has one again.
    """

    version: Version = 1
    id: Id
    display_name: str = ""
    connection: Id | None
    segments: Annotated[tuple[Text, ...], Field(min_length=1)]
    list_id: Annotated[str, Field(pattern=LIST_ID_PATTERN)]
    match: Match
    attributes: Attributes = Attributes.model_validate({})
    only_if: Condition | None = None
    consent: EmailConsent | None = None
    schedule: Schedule = Schedule()
    sync: Sync = Sync()
    limits: Limits = Limits()
    alerts: Alerts = Alerts()
    created_at: AwareDatetime | None = None
    created_by: str = ""
    updated_at: AwareDatetime | None = None
    updated_by: str = ""

    @property
    def is_active(self) -> bool:
        """Whether it runs automatically."""
        return self.schedule.active and self.connection is not None

    @override
    @classmethod
    def conflicts(cls, members: Any) -> Iterator[tuple[Place, str]]:
        match members:
            case {"segments": list(segments)} if has_twice(segments):
                yield ("segments",), "must not name a segment twice"
        match members:
            case {"attributes": {"properties": list(properties)}} if message := name_twice(properties):
                yield ("attributes", "properties"), message
        match members:
            case {"sync": {"strangers": "remove", **rest}} if rest.get("mode") != "mirror":
                yield ("sync", "strangers"), "must be 'keep' unless the mode is 'mirror'"
        match members:
            case {"only_if": dict(condition)} if sum(condition.get(test) is not None for test in TESTS) != 1:
                yield ("only_if",), f"needs exactly one of {', '.join(TESTS)}"
        match members:
            case {"consent": dict(), **rest} if not _asks_for_consent(rest.get("only_if")):
                yield (
                    ("consent",),
                    "needs an only_if with equals, in, or is_blank false, so that nobody else passes",
                )
