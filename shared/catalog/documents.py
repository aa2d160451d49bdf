"""The documents of connections and exports, checked as a whole."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from shared.errors import InvalidDocument, Problem

ID_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"

# https://developers.klaviyo.com/en/reference/bulk_import_profiles: a profile's attributes.
ATTRIBUTES = frozenset(
    {
        "phone_number", "external_id", "first_name", "last_name", "organization", "locale", "title", "image",
        *(f"location.{name}" for name in (
            "address1", "address2", "city", "region", "zip", "country", "latitude", "longitude", "timezone",
            "ip",
        )),
    }
)  # fmt: skip


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text


Id = Annotated[str, Field(pattern=ID_PATTERN)]
Text = Annotated[str, AfterValidator(_not_blank)]


class Document(BaseModel):
    """Strict: an unknown member is a mistake that would otherwise go unseen."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @classmethod
    def parse(cls, name: str, content: bytes) -> Self:
        """Reads the JSON of the document called `name`. Raises InvalidDocument with every problem."""
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            raise InvalidDocument(name, _problems(error)) from None


def _problems(error: ValidationError) -> list[Problem]:
    return [
        Problem(
            "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in item["loc"]),
            item["msg"],
        )
        for item in error.errors(include_url=False, include_context=False, include_input=False)
    ]


class Consent(Document):
    """Who agreed that the connection's data leaves for Klaviyo, and when."""

    accepted_by: Text
    accepted_at: datetime


class Account(Document):
    """The Klaviyo account that a connection belongs to; pinned at first use."""

    id: Text
    name: str = ""


class Connection(Document):
    """Where data may go. The API key is in the vault, under `secret_name`."""

    version: Literal[1] = 1
    id: Id
    display_name: str = ""
    type: Literal["klaviyo"] = "klaviyo"
    secret_name: Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{1,127}$")]
    shared_with: Any = "administrators"
    export_user: str = ""
    consent: Consent
    account: Account | None = None
    paused: bool = False
    created_at: datetime | None = None
    created_by: str = ""
    updated_at: datetime | None = None
    updated_by: str = ""


def _column(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


class ColumnSource(Document):
    """A column of the segment: for a phone number with the region it is read in."""

    column: Text
    region: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None


class PropertySource(Document):
    """A column that becomes a custom property, under its own name or another."""

    column: Text
    name: Text | None = None


class Attributes(Document):
    """Klaviyo's attributes, each from a column, and custom `properties`."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    __pydantic_extra__: dict[str, Annotated[ColumnSource, BeforeValidator(_column)]]
    properties: tuple[Annotated[PropertySource, BeforeValidator(_column)], ...] = ()

    @model_validator(mode="after")
    def _known(self) -> Self:
        unknown = sorted(set(self.sources) - ATTRIBUTES)
        if unknown:
            raise ValueError(f"Klaviyo has no attribute {', '.join(unknown)}; custom ones go into properties")
        names = [source.name or source.column for source in self.properties]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"two properties are called {', '.join(doubled)}")
        return self

    @property
    def sources(self) -> dict[str, ColumnSource]:
        return self.__pydantic_extra__


class Match(Document):
    """How a row and a profile are told to be the same person."""

    email: Text


class Condition(Document):
    """Which rows leave, by one column: exactly one of the four tests."""

    column: Text
    equals: str | None = None
    not_equals: str | None = None
    in_: tuple[str, ...] | None = Field(default=None, alias="in")
    is_blank: bool | None = None

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        tests = (self.equals, self.not_equals, self.in_, self.is_blank)
        if sum(test is not None for test in tests) != 1:
            raise ValueError("give exactly one of equals, not_equals, in, is_blank")
        return self


class Cron(Document):
    """A recurrence of its own: five fields, read in a time zone of the IANA database."""

    cron: Text
    timezone: Text = "UTC"


class Schedule(Document):
    active: bool = True
    when: Literal["on_refresh"] | Cron = "on_refresh"


class Limits(Document):
    max_profiles: Annotated[int, Field(ge=1)] = 1_000_000


class Export(Document):
    """What goes where: segments, over a connection, to one list."""

    version: Literal[1] = 1
    id: Id
    display_name: str = ""
    connection: Id
    segments: Annotated[tuple[Text, ...], Field(min_length=1)]
    list_id: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,32}$")]
    match: Match
    attributes: Attributes = Attributes.model_validate({})
    only_if: Condition | None = None
    schedule: Schedule = Schedule()
    limits: Limits = Limits()
    created_at: datetime | None = None
    created_by: str = ""
    updated_at: datetime | None = None
    updated_by: str = ""
