"""model.json: which tables an export of Customer Insights holds, and where their newest rows lie.

The format is the Common Data Model's: https://github.com/microsoft/CDM, "model.json".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson

from shared.errors import InvalidSegment

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Column:
    """An attribute of a table; `data_type` is model.json's: string, int64, dateTimeOffset, …"""

    name: str
    data_type: str


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """How a partition's file is written."""

    has_header: bool = True
    delimiter: str = ","


@dataclass(frozen=True, slots=True)
class Entity:
    """One table: `locations` are blob names below the container, in model.json's order."""

    name: str
    columns: tuple[Column, ...]
    locations: tuple[str, ...]
    refreshed_at: datetime
    modified_at: datetime
    csv_format: CsvFormat


def read_model(name: str, content: bytes) -> list[Entity]:
    """Reads the model.json called `name`. Raises InvalidSegment, which names the file and the place."""
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise InvalidSegment(f"{name} is not JSON.", code="invalid_model") from None
    entities = document.get("entities") if isinstance(document, dict) else None
    if not isinstance(entities, list):
        raise InvalidSegment(f"{name} has no list of entities.", code="invalid_model")
    modified_at = _time(document.get("modifiedTime"))
    try:
        return [_entity(entity, modified_at) for entity in entities]
    except (KeyError, TypeError, AttributeError, ValueError):
        raise InvalidSegment(
            f"{name} is not a model.json: an entity needs a name, attributes with a name, and partitions "
            "with a location.",
            code="invalid_model",
        ) from None


def _entity(entity: Mapping[str, Any], modified_at: datetime) -> Entity:
    partitions = entity.get("partitions") or []
    settings = (partitions[0].get("fileFormatSettings") if partitions else None) or {}
    return Entity(
        name=str(entity["name"]),
        columns=tuple(
            Column(str(attribute["name"]), str(attribute.get("dataType", "unclassified")))
            for attribute in entity["attributes"]
        ),
        locations=tuple(_blob_name(partition["location"]) for partition in partitions),
        refreshed_at=max((_time(partition.get("refreshTime")) for partition in partitions), default=EPOCH),
        modified_at=modified_at,
        csv_format=CsvFormat(
            has_header=str(settings.get("columnHeaders", True)).lower() != "false",
            delimiter=settings.get("delimiter") or ",",
        ),
    )


def _blob_name(location: str) -> str:
    """The name below the container that a location points to; its host is never called.

    Raises ValueError where a part of the path would lead elsewhere.
    """
    parts = [unquote(part) for part in urlsplit(location).path.lstrip("/").split("/")][1:]
    if not parts or any(part in ("", ".", "..") or "/" in part or "\\" in part for part in parts):
        raise ValueError("not a path of a blob")
    return "/".join(parts)


def _time(text: object) -> datetime:
    """An ISO 8601 time as UTC; the epoch where there is none, since it only orders snapshots."""
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        return EPOCH
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
