"""model.json: which tables an export of Customer Insights holds, and where their newest rows lie.

The format is the Common Data Model's: https://github.com/microsoft/CDM, "model.json". What Customer
Insights leaves out differs by tenant: of all that is read here, only names and locations must be there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from shared.errors import InvalidSegment
from shared.segments.csv_text import BOM
from shared.segments.locations import blob_name

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Column:
    """An attribute of a table; `data_type` is model.json's: string, int64, dateTimeOffset, …"""

    name: str
    data_type: str = "unclassified"


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """How a partition's file is written; its first record tells where `has_header` is None, or the
    delimiter is blank."""

    has_header: bool | None = True
    delimiter: str = ","


@dataclass(frozen=True, slots=True)
class Entity:
    """One table: `locations` are blob names below the container, in model.json's order.

    Times are in UTC, and the epoch where model.json has none.
    """

    name: str
    columns: tuple[Column, ...]
    locations: tuple[str, ...]
    refreshed_at: datetime
    modified_at: datetime
    csv_format: CsvFormat


@dataclass(frozen=True, slots=True)
class Model:
    """The model.json called `name`, in the version with this ETag; its tables are read when asked for."""

    name: str
    etag: str
    modified_at: datetime
    tables: Mapping[str, Sequence[Mapping[str, Any]]]

    @classmethod
    def read(cls, name: str, etag: str, content: bytes) -> "Model":
        """Raises InvalidSegment."""
        try:
            document = orjson.loads(content.removeprefix(BOM))
        except orjson.JSONDecodeError:
            raise _invalid(f"{name} is not JSON.") from None
        entities = document.get("entities") if isinstance(document, dict) else None
        if not isinstance(entities, list):
            raise _invalid(f"{name} has no list of entities.")
        tables: dict[str, list[Mapping[str, Any]]] = {}
        for entity in entities:
            if isinstance(entity, dict) and entity.get("name"):
                tables.setdefault(str(entity["name"]), []).append(entity)
        return cls(name, etag, _time(document.get("modifiedTime")), tables)

    @property
    def folder(self) -> str:
        return self.name.rpartition("/")[0]

    def entity(self, table: str) -> Entity:
        """Raises InvalidSegment, which names the table and what is wrong; KeyError where there is none."""
        where = f"{self.name}, entity {table!r}"
        entity, *others = self.tables[table]
        if others:
            raise _invalid(f"{where}: several entities have this name.")
        attributes, partitions = _objects(entity, "attributes", where), _objects(entity, "partitions", where)
        columns = tuple(_column(attribute, where) for attribute in attributes)
        if len({column.name for column in columns}) < len(columns):
            raise _invalid(f"{where}: several attributes have the same name.")
        return Entity(
            name=table,
            columns=columns,
            locations=tuple(_location(partition, where) for partition in partitions),
            refreshed_at=max(
                (_time(partition.get("refreshTime")) for partition in partitions), default=EPOCH
            ),
            modified_at=self.modified_at,
            csv_format=_csv_format(partitions, where),
        )


def _objects(entity: Mapping[str, Any], member: str, where: str) -> list[Mapping[str, Any]]:
    values = entity.get(member) or []
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise _invalid(f"{where}: {member} is not a list of objects.")
    return values


def _column(attribute: Mapping[str, Any], where: str) -> Column:
    name = attribute.get("name")
    if not isinstance(name, str) or not name.strip():
        raise _invalid(f"{where}: an attribute has no name.")
    return Column(name, str(attribute.get("dataType") or "unclassified"))


def _location(partition: Mapping[str, Any], where: str) -> str:
    name = blob_name(str(partition.get("location") or ""))
    if name is None:
        raise _invalid(
            f"{where}: the location of a partition must be a URL with a plain path: no `..`, no empty part, "
            "no encoded slash."
        )
    return name


def _csv_format(partitions: Sequence[Mapping[str, Any]], where: str) -> CsvFormat:
    """The partitions' common format; each file tells of its header itself where they differ."""
    formats = [partition.get("fileFormatSettings") for partition in partitions]
    settings = [each if isinstance(each, dict) else {} for each in formats]
    headers = {_has_header(each) for each in settings}
    delimiter, *others = {str(each.get("delimiter") or "") for each in settings} or {""}
    if others or len(delimiter) > 1 or (delimiter and delimiter in '"\r\n\0'):
        raise _invalid(f"{where}: its partitions need one delimiter, of one character.")
    return CsvFormat(headers.pop() if len(headers) == 1 else None, delimiter)


def _has_header(settings: Mapping[str, Any]) -> bool | None:
    said = settings.get("columnHeaders")
    if said is None:
        said = settings.get("hasHeader")
    return {"true": True, "false": False}.get(str(said).strip().lower())


def _time(text: object) -> datetime:
    try:
        time = datetime.fromisoformat(str(text))
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return EPOCH


def _invalid(message: str) -> InvalidSegment:
    return InvalidSegment(message, code="invalid_model")
