"""Finds a segment's newest complete snapshot: the run folder that model.json points to."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from shared.adapters.storage.store import Store
from shared.errors import InvalidSegment, NotFound
from shared.segments.model import Column, CsvFormat, Entity, read_model

# CustomerInsights_<instance>/<export>/model.json: two folders down.
MODEL_DEPTH = 2
RUN_FOLDER = re.compile(r"(?:^|/)(\d{4})/(\d{2})/(\d{2})/(\d{4})$")


@dataclass(frozen=True, slots=True)
class Partition:
    """One CSV file of a snapshot, pinned: `size` is in bytes."""

    name: str
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A segment as one refresh wrote it.

    `folder` is the run folder's name in the store; `version` orders the snapshots of a segment:
    run folder, refresh time, time of model.json.
    """

    segment: str
    folder: str
    version: str
    refreshed_at: datetime
    columns: tuple[Column, ...]
    csv_format: CsvFormat
    partitions: tuple[Partition, ...]


class Segments:
    """The segments under one store.

    `prefix` is what SEGMENTS_URL has behind its container: a location in model.json counts from the
    container and has to lie below it.
    """

    def __init__(self, store: Store, prefix: str = "") -> None:
        self._store = store
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._models: tuple[str, ...] = ()

    def newest(self, segment: str) -> Snapshot:
        """The newest snapshot of the segment with this table name, with its partitions pinned by ETag.

        A name that stands in several model.json files is told apart by its folder: `<folder>/<table>`.
        Raises NotFound with the names that exist, or InvalidSegment where the snapshot isn't whole.
        """
        self._models = ()  # look for model.json files anew
        named = self._named()
        found = named.get(segment, [])
        if not found:
            names = ", ".join(sorted(name for name in named if "/" not in name)) or "none"
            raise NotFound(
                f"The segment {segment!r} is in no model.json under SEGMENTS_URL. Segments there: {names}.",
                code="unknown_segment",
            )
        if len(found) > 1:
            raise InvalidSegment(
                f"Several model.json files under SEGMENTS_URL have a segment {segment!r}: say which by its "
                f"folder, as in <folder>/{segment}.",
                code="ambiguous_segment",
            )
        return self._snapshot(found[0])

    def versions(self) -> dict[str, str]:
        """The version of every segment's newest snapshot, by table name and by `<folder>/<table>`.

        Reads each model.json and nothing else. A name that several of them have is left out.
        """
        return {name: _version(found[0]) for name, found in self._named().items() if len(found) == 1}

    def _named(self) -> dict[str, list[Entity]]:
        named: dict[str, list[Entity]] = {}
        self._models = self._models or tuple(self._find_models())
        for model in self._models:
            folder = model.rpartition("/")[0]
            for entity in read_model(model, self._store.read(model).content):
                for name in {entity.name, f"{folder}/{entity.name}".lstrip("/")}:
                    named.setdefault(name, []).append(entity)
        return named

    def _find_models(self, folder: str = "", depth: int = MODEL_DEPTH) -> Iterator[str]:
        level = self._store.level(folder)
        model = f"{folder}/model.json".lstrip("/")
        if any(blob.name == model for blob in level.blobs):
            yield model
        elif depth > 0:
            for below in level.folders:
                yield from self._find_models(below, depth - 1)

    def _snapshot(self, entity: Entity) -> Snapshot:
        partitions = tuple(self._partition(entity, location) for location in entity.locations)
        if not partitions:
            raise InvalidSegment(
                f"model.json lists no partitions for the segment {entity.name!r}.", code="incomplete_snapshot"
            )
        return Snapshot(
            segment=entity.name,
            folder=partitions[0].name.rpartition("/")[0],
            version=_version(entity),
            refreshed_at=entity.refreshed_at,
            columns=entity.columns,
            csv_format=entity.csv_format,
            partitions=partitions,
        )

    def _partition(self, entity: Entity, location: str) -> Partition:
        if not location.startswith(self._prefix):
            raise InvalidSegment(
                f"model.json places the segment {entity.name!r} outside of SEGMENTS_URL's prefix.",
                code="invalid_model",
            )
        name = location.removeprefix(self._prefix)
        try:
            blob = self._store.stat(name)
        except NotFound:
            raise InvalidSegment(
                f"The segment {entity.name!r} is not whole: {name} is listed in model.json and not there.",
                code="incomplete_snapshot",
            ) from None
        return Partition(blob.name, blob.etag, blob.size)


def _version(entity: Entity) -> str:
    folder = entity.locations[0].rpartition("/")[0] if entity.locations else ""
    stamp = RUN_FOLDER.search(folder)
    run = "".join(stamp.groups()) if stamp else "0" * 12
    return f"{run} {entity.refreshed_at.isoformat()} {entity.modified_at.isoformat()}"
