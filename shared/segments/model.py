"""model.json: which tables an export of Customer Insights holds, and where their newest rows lie.

The format is the Common Data Model's: https://github.com/microsoft/CDM, "model.json". What Customer
Insights leaves out differs by tenant: of all that is read here, only names and locations must be there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from shared.adapters.storage.names import is_name
from shared.segments.csv_blocks import BOM
from shared.segments.gzipped import MAGIC, NotGzip, unpacked
from shared.segments.locations import LONGEST, blob_name
from shared.segments.messages import invalid_model, quoted
from shared.text import shown

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Bytes of a model.json. One of 200 tables with 200 attributes each, annotations and all, has half of it.
MOST_BYTES = 16 * 1024**2
MOST_VALUES = 1_000_000
MOST_ENTITIES = MOST_ATTRIBUTES = MOST_PARTITIONS = 10_000
LONGEST_NAME = 200
# The Common Data Model's data types, by what they are in small letters.
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
class Column:
    """An attribute of a table; `data_type` is the Common Data Model's: string, int64, dateTimeOffset, …"""

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
    """The model.json called `name`, in the version with this ETag; its tables are read when asked for.

    `nameless` are entities that nobody can ask for; what they list is theirs all the same.
    """

    name: str
    etag: str
    modified_at: datetime
    tables: Mapping[str, Sequence[Mapping[str, Any]]]
    nameless: Sequence[Mapping[str, Any]] = ()

    @classmethod
    def read(cls, name: str, etag: str, content: bytes) -> "Model":
        """Raises InvalidSegment."""
        content = _plain(name, content).removeprefix(BOM)
        # Each value but the first of an object or a list stands behind a comma; a parsed one takes 100 bytes.
        if sum(map(content.count, (b",", b"[", b"{"))) > MOST_VALUES:
            raise invalid_model(f"{shown(name)} has more than {MOST_VALUES:,} values.")
        try:
            document = orjson.loads(content)
        except orjson.JSONDecodeError:
            raise invalid_model(f"{shown(name)} is not JSON in UTF-8.") from None
        entities = document.get("entities") if isinstance(document, dict) else None
        if not isinstance(entities, list):
            raise invalid_model(f"{shown(name)} has no list of entities.")
        if len(entities) > MOST_ENTITIES:
            raise invalid_model(f"{shown(name)} has more than {MOST_ENTITIES:,} entities.")
        tables: dict[str, list[Mapping[str, Any]]] = {}
        nameless: list[Mapping[str, Any]] = []
        for entity in entities:
            if isinstance(entity, dict):
                key = _key(entity.get("name"))
                (tables.setdefault(key, []) if key else nameless).append(entity)
        return cls(name, etag, _time(document.get("modifiedTime")), tables, nameless)

    @property
    def folder(self) -> str:
        return self.name.rpartition("/")[0]

    def where(self, table: str) -> str:
        """How a message names the table."""
        return f"{shown(self.name)}, entity {quoted(table)}"

    def listed(self) -> Iterator[tuple[str, str]]:
        """Each table with each location that it lists and that can be read, whether it can be read itself."""
        entities = [(table, entity) for table, found in self.tables.items() for entity in found]
        for table, entity in [*entities, *(("", entity) for entity in self.nameless)]:
            partitions = entity.get("partitions")
            for partition in partitions if isinstance(partitions, list) else ():
                if isinstance(partition, dict) and (name := _name_at(partition)):
                    yield table, name

    def entity(self, table: str) -> Entity:
        """Raises InvalidSegment, which names the table and what is wrong; KeyError where there is none."""
        where = self.where(table)
        entity, *others = self.tables[table]
        if others:
            raise invalid_model(f"{where}: several entities have this name.")
        if entity["name"] != table or not is_name(table):
            raise invalid_model(
                f"{where}: its name must be text of at most {LONGEST_NAME} characters that can name a folder."
            )
        attributes = _objects(entity, "attributes", MOST_ATTRIBUTES, where)
        partitions = _objects(entity, "partitions", MOST_PARTITIONS, where)
        columns = tuple(_column(attribute, where) for attribute in attributes)
        if len({column.name for column in columns}) < len(columns):
            raise invalid_model(f"{where}: several attributes have the same name.")
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


def _plain(name: str, content: bytes) -> bytes:
    """The content, unpacked where a writer packed it on its way."""
    if not content.startswith(MAGIC):
        return content
    try:
        return b"".join(unpacked([content], MOST_BYTES))
    except NotGzip as fault:
        raise invalid_model(f"{shown(name)} {fault}.") from None


def _key(name: object) -> str:
    """What a table is asked for by: its name, or what can be shown of it; nothing where it has none."""
    text = name if isinstance(name, str) else "" if name is None else str(name)
    if not text.strip():
        return ""
    return text if len(text) <= LONGEST_NAME and is_name(text) else shown(text, LONGEST_NAME)


def _objects(entity: Mapping[str, Any], member: str, most: int, where: str) -> list[Mapping[str, Any]]:
    values = entity.get(member) or []
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise invalid_model(f"{where}: {member} is not a list of objects.")
    if len(values) > most:
        raise invalid_model(f"{where}: {member} has more than {most:,} members.")
    return values


def _column(attribute: Mapping[str, Any], where: str) -> Column:
    name = attribute.get("name")
    if not isinstance(name, str) or not name.strip():
        raise invalid_model(f"{where}: an attribute has no name.")
    return Column(name, _TYPES.get(str(attribute.get("dataType")).strip().casefold(), "unclassified"))


def _location(partition: Mapping[str, Any], where: str) -> str:
    name = _name_at(partition)
    if name is None:
        raise invalid_model(
            f"{where}: the location of a partition must be a URL with a plain path of at most "
            f"{LONGEST:,} characters: no `..`, no empty part, no encoded slash."
        )
    return name


def _name_at(partition: Mapping[str, Any]) -> str | None:
    location = partition.get("location")
    return blob_name(location) if isinstance(location, str) else None


def _csv_format(partitions: Sequence[Mapping[str, Any]], where: str) -> CsvFormat:
    """The partitions' common format; each file tells of its header itself where they differ."""
    formats = [partition.get("fileFormatSettings") for partition in partitions]
    settings = [each if isinstance(each, dict) else {} for each in formats]
    headers = {_has_header(each) for each in settings}
    delimiter, *others = {str(each.get("delimiter") or "") for each in settings} or {""}
    if others or len(delimiter) > 1 or (delimiter and delimiter in '"\r\n\0'):
        raise invalid_model(f"{where}: its partitions need one delimiter, of one character.")
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
