"""model.json: the entities of an export of Customer Insights, and the files of their newest rows.

The format is the Common Data Model's: https://github.com/microsoft/CDM, "model.json".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from shared.adapters.storage.names import is_name
from shared.adapters.storage.store import Store
from shared.errors import InvalidDocument, NotFound, PermanentError
from shared.segments.csv.blocks import BOM
from shared.segments.csv.gunzip import MAGIC, InvalidGzip, decompress
from shared.segments.discovery.entity import (
    MAX_ENTITY_NAME,
    Entity,
    parse_entity,
    parse_location,
    parse_time,
)
from shared.segments.discovery.failures import Failure, invalid_model
from shared.text import quoted, shown

# Bytes of a model.json. One of 200 entities with 200 attributes each, with annotations, has half of that.
MAX_BYTES = 16 * 1024**2
MAX_VALUES = 1_000_000
MAX_ENTITIES = 10_000


@dataclass(frozen=True, slots=True)
class Model:
    """The model.json called `name`, in the version with this ETag; entities are parsed when requested.

    `unnamed` are entities without a name; the files that they list still belong to them.
    """

    name: str
    etag: str
    modified_at: datetime
    entities: Mapping[str, Sequence[Mapping[str, Any]]]
    unnamed: Sequence[Mapping[str, Any]] = ()

    @classmethod
    def parse(cls, name: str, etag: str, content: bytes) -> "Model":
        """Raises InvalidSegment."""
        content = _decompressed(name, content).removeprefix(BOM)
        # Each value except the first of an object or a list follows a comma; parsed, it takes 100 bytes.
        if sum(map(content.count, (b",", b"[", b"{"))) > MAX_VALUES:
            raise invalid_model(f"{shown(name)} has more than {MAX_VALUES:,} values.")
        try:
            document = orjson.loads(content)
        except orjson.JSONDecodeError:
            raise invalid_model(f"{shown(name)} is not JSON in UTF-8.") from None
        found = document.get("entities") if isinstance(document, dict) else None
        if not isinstance(found, list):
            raise invalid_model(f"{shown(name)} has no list of entities.")
        if len(found) > MAX_ENTITIES:
            raise invalid_model(f"{shown(name)} has more than {MAX_ENTITIES:,} entities.")
        entities: dict[str, list[Mapping[str, Any]]] = {}
        unnamed: list[Mapping[str, Any]] = []
        for entity in found:
            if isinstance(entity, dict):
                key = _key(entity.get("name"))
                (entities.setdefault(key, []) if key else unnamed).append(entity)
        return cls(name, etag, parse_time(document.get("modifiedTime")), entities, unnamed)

    @property
    def folder(self) -> str:
        return self.name.rpartition("/")[0]

    def where(self, entity: str) -> str:
        """The entity's place, for a message."""
        return f"{shown(self.name)}, entity {quoted(entity)}"

    def locations(self) -> Iterator[tuple[str, str]]:
        """Yields each entity's name with each valid location that it lists, even if the entity is not valid.

        The name is blank for unnamed entities.
        """
        named = [(name, entity) for name, found in self.entities.items() for entity in found]
        for name, entity in [*named, *(("", entity) for entity in self.unnamed)]:
            partitions = entity.get("partitions")
            for partition in partitions if isinstance(partitions, list) else ():
                if isinstance(partition, dict) and (location := parse_location(partition)):
                    yield name, location

    def entity(self, name: str) -> Entity:
        """Raises InvalidSegment, which names the entity and what is wrong; KeyError if there is none."""
        members, *others = self.entities[name]
        if others:
            raise invalid_model(f"{self.where(name)}: several entities have this name.")
        return parse_entity(name, members, self.modified_at, self.where(name))


class ModelReader:
    """Reads each model.json once. `found_missing` becomes True if a listed one no longer exists."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read: dict[str, Model | Failure] = {}
        self.found_missing = False

    def read(self, names: Sequence[str]) -> tuple[list[Model], dict[str, Failure]]:
        """The valid ones, and why the others are not, by their folders."""
        models: dict[str, Model] = {}
        failures: dict[str, Failure] = {}
        for name in names:
            folder = name.rpartition("/")[0]
            if folder in models or folder in failures:
                models.pop(folder, None)
                several = f"{shown(folder) or 'SEGMENTS_URL'} has several model.json files. Keep one."
                failures[folder] = Failure.of(invalid_model(several))
                continue
            match self._one(name):
                case Failure() as failure:
                    failures[folder] = failure
                case model:
                    models[folder] = model
        return list(models.values()), failures

    def _one(self, name: str) -> Model | Failure:
        if name not in self._read:
            try:
                self._read[name] = self._parsed(name)
            except NotFound as error:
                self.found_missing = True
                return Failure.of(error)
            except PermanentError as error:
                self._read[name] = Failure.of(error)
        return self._read[name]

    def _parsed(self, name: str) -> Model:
        try:
            blob = self._store.read(name, most=MAX_BYTES)
        except InvalidDocument as error:
            raise invalid_model(error.message) from None
        return Model.parse(name, blob.etag, blob.content)


def _decompressed(name: str, content: bytes) -> bytes:
    """The content, decompressed if its writer compressed it."""
    if not content.startswith(MAGIC):
        return content
    try:
        return b"".join(decompress([content], MAX_BYTES))
    except InvalidGzip as error:
        raise invalid_model(f"{shown(name)} {error}.") from None


def _key(name: object) -> str:
    """The name of an entity, or its printable form; blank if it has none."""
    text = name if isinstance(name, str) else "" if name is None else str(name)
    if not text.strip():
        return ""
    return text if len(text) <= MAX_ENTITY_NAME and is_name(text) else shown(text, MAX_ENTITY_NAME)
