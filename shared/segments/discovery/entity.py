"""An entity of model.json: a table that Customer Insights exports, checked.

Which members exist differs by tenant: only names and locations are required.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.adapters.storage.names import is_name
from shared.segments.discovery.failures import invalid_model
from shared.segments.discovery.locations import MAX_NAME, blob_name
from shared.segments.snapshot import Column, CsvFormat

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_ATTRIBUTES = MAX_PARTITIONS = 10_000
MAX_ENTITY_NAME = 200  # characters
# The Common Data Model's data types, by their names in lower case.
_TYPES = {
    name.casefold(): name
    for name in (
        "string",
        "int64",
        "double",
        "decimal",
        "boolean",
        "date",
        "time",
        "dateTime",
        "dateTimeOffset",
        "guid",
        "json",
    )
}


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity: `locations` are blob names below the container, in model.json's order.

    Times are in UTC; the epoch if model.json has none.
    """

    name: str
    columns: tuple[Column, ...]
    locations: tuple[str, ...]
    refreshed_at: datetime
    modified_at: datetime
    csv_format: CsvFormat


def parse_entity(name: str, members: Mapping[str, Any], modified_at: datetime, where: str) -> Entity:
    """Raises InvalidSegment, whose message begins with `where`."""
    if members["name"] != name or not is_name(name):
        raise invalid_model(
            f"{where}: its name must be text of at most {MAX_ENTITY_NAME} characters that can name a folder."
        )
    attributes = _objects(members, "attributes", MAX_ATTRIBUTES, where)
    partitions = _objects(members, "partitions", MAX_PARTITIONS, where)
    columns = tuple(_column(attribute, where) for attribute in attributes)
    if len({column.name for column in columns}) < len(columns):
        raise invalid_model(f"{where}: several attributes have the same name.")
    return Entity(
        name=name,
        columns=columns,
        locations=tuple(_location(partition, where) for partition in partitions),
        refreshed_at=max(
            (parse_time(partition.get("refreshTime")) for partition in partitions), default=EPOCH
        ),
        modified_at=modified_at,
        csv_format=_csv_format(partitions, where),
    )


def parse_location(partition: Mapping[str, Any]) -> str | None:
    """The partition's blob name below its container; None if its location is not valid."""
    location = partition.get("location")
    return blob_name(location) if isinstance(location, str) else None


def parse_time(text: object) -> datetime:
    """The time in UTC; the epoch if it is not valid."""
    try:
        time = datetime.fromisoformat(str(text))
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return EPOCH


def _objects(entity: Mapping[str, Any], member: str, count: int, where: str) -> list[Mapping[str, Any]]:
    values = entity.get(member) or []
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise invalid_model(f"{where}: {member} is not a list of objects.")
    if len(values) > count:
        raise invalid_model(f"{where}: {member} has more than {count:,} members.")
    return values


def _column(attribute: Mapping[str, Any], where: str) -> Column:
    name = attribute.get("name")
    if not isinstance(name, str) or not name.strip():
        raise invalid_model(f"{where}: an attribute has no name.")
    return Column(name, _TYPES.get(str(attribute.get("dataType")).strip().casefold(), "unclassified"))


def _location(partition: Mapping[str, Any], where: str) -> str:
    name = parse_location(partition)
    if name is None:
        raise invalid_model(
            f"{where}: the location of a partition must be a URL with a plain path of at most "
            f"{MAX_NAME:,} characters: no `..`, no empty part, no encoded slash."
        )
    return name


def _csv_format(partitions: Sequence[Mapping[str, Any]], where: str) -> CsvFormat:
    """The partitions' common format; if they differ in headers, each file shows its own."""
    formats = [partition.get("fileFormatSettings") for partition in partitions]
    settings = [each if isinstance(each, dict) else {} for each in formats]
    headers = {_has_header(each) for each in settings}
    delimiter, *others = {str(each.get("delimiter") or "") for each in settings} or {""}
    if others or len(delimiter) > 1 or (delimiter and delimiter in '"\r\n\0'):
        raise invalid_model(f"{where}: its partitions need one delimiter, of one character.")
    return CsvFormat(headers.pop() if len(headers) == 1 else None, delimiter)


def _has_header(settings: Mapping[str, Any]) -> bool | None:
    value = settings.get("columnHeaders")
    if value is None:
        value = settings.get("hasHeader")
    return {"true": True, "false": False}.get(str(value).strip().lower())
