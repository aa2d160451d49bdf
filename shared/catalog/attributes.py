"""The part of an export that maps columns to attributes of a profile."""

from typing import Annotated, Any

from phonenumbers import SUPPORTED_REGIONS
from pydantic import AfterValidator, BeforeValidator, Field

from shared.catalog.document import Document, Text


def _region(text: str) -> str:
    if text not in SUPPORTED_REGIONS:
        raise ValueError("must be a country or region as ISO 3166 writes it, such as US or GB")
    return text


class Column(Document):
    """A column of the segment."""

    column: Text


class PhoneColumn(Column):
    """A column of phone numbers; those without a country calling code belong to `region`."""

    region: Annotated[str, AfterValidator(_region)] | None = None


class PropertyColumn(Column):
    """A column that becomes a custom property, under its own name or another."""

    name: Text | None = None


def _in_full(value: Any) -> Any:
    match value:
        case str():
            return {"column": value}
        case dict() | Column() | None:
            return value
    raise ValueError("must be the name of a column, or an object with a column")


type Source = Annotated[Column | None, BeforeValidator(_in_full, json_schema_input_type=Text | Column)]
type PhoneSource = Annotated[
    PhoneColumn | None, BeforeValidator(_in_full, json_schema_input_type=Text | PhoneColumn)
]
type PropertySource = Annotated[
    PropertyColumn, BeforeValidator(_in_full, json_schema_input_type=Text | PropertyColumn)
]


def has_twice(names: list[Any]) -> bool:
    """Whether a document's list, valid or not, has a text twice."""
    texts = [name for name in names if isinstance(name, str)]
    return len(set(texts)) < len(texts)


def name_twice(properties: list[Any]) -> str | None:
    """Which entry of a document's list, valid or not, has the same name as another; None if none has."""
    first: dict[str, int] = {}
    for number, name in enumerate(map(_name, properties), 1):
        if isinstance(name, str) and first.setdefault(name, number) != number:
            return f"number {number} has the same name as number {first[name]}"
    return None


def _name(entry: Any) -> Any:
    return entry.get("name") or entry.get("column") if isinstance(entry, dict) else entry


class Attributes(Document):
    """A profile's attributes as Klaviyo names them, and custom `properties`.

    https://developers.klaviyo.com/en/reference/bulk_import_profiles
    """

    phone_number: PhoneSource = None
    external_id: Source = None
    first_name: Source = None
    last_name: Source = None
    organization: Source = None
    locale: Source = None
    title: Source = None
    image: Source = None
    address1: Source = Field(None, alias="location.address1")
    address2: Source = Field(None, alias="location.address2")
    city: Source = Field(None, alias="location.city")
    region: Source = Field(None, alias="location.region")
    zip: Source = Field(None, alias="location.zip")
    country: Source = Field(None, alias="location.country")
    latitude: Source = Field(None, alias="location.latitude")
    longitude: Source = Field(None, alias="location.longitude")
    timezone: Source = Field(None, alias="location.timezone")
    ip: Source = Field(None, alias="location.ip")
    properties: tuple[PropertySource, ...] = ()

    @property
    def sources(self) -> dict[str, Column]:
        """The columns by Klaviyo's names of their attributes, without the properties."""
        return {
            field.alias or name: source
            for name, field in type(self).model_fields.items()
            if isinstance(source := getattr(self, name), Column)
        }
