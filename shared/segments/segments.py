"""The segments under SEGMENTS_URL, and the newest whole snapshot of each."""

from collections.abc import Iterable
from posixpath import dirname
from urllib.parse import unquote

from shared.adapters.storage.store import Store
from shared.errors import Changed, InvalidSegment, NotFound
from shared.segments.drafts import Draft, drafts, listed_version, unfinished
from shared.segments.layout import Layout, look
from shared.segments.model import Column, CsvFormat, Model
from shared.segments.rows import read_delimiter, read_header
from shared.segments.snapshots import Partition, Snapshot
from shared.segments.tables import Table, Tables


class Segments:
    """The segments under one store, for several threads.

    `prefix` is what SEGMENTS_URL has behind its container, as it stands there: a location in model.json
    counts from the container and has to lie below it.
    """

    def __init__(self, store: Store, prefix: str = "") -> None:
        self._store = store
        self._prefix = f"{unquote(prefix)}/" if prefix else ""
        self._layout: Layout | None = None
        # By a segment's folder: the version and the files of the last one that was seen to be whole.
        self._whole: dict[str, tuple[str, tuple[str, ...]]] = {}

    def names(self) -> list[str]:
        """The names of all segments, in order."""
        return self._tables(look(self._store)).names()

    def newest(self, segment: str) -> Snapshot:
        """The newest whole snapshot of the segment, with its partitions pinned by ETag.

        Raises NotFound with the names that exist, or InvalidSegment: `ambiguous_segment`, `invalid_model`,
        `incomplete_snapshot` with what is missing or still being written, or `snapshot_changed`.
        """
        tables = self._tables(look(self._store))
        table = tables.find(segment)
        if table is None:
            names = ", ".join(tables.names()) or "none"
            raise NotFound(
                f"There is no segment {segment!r} under SEGMENTS_URL. Segments there: {names}.",
                code="unknown_segment",
            )
        newest_reason = ""
        for draft in drafts(self._store, table):
            reason = unfinished(self._store, draft, table.model)
            if reason is None:
                return self._snapshot(segment, table, draft)
            newest_reason = newest_reason or reason
        raise InvalidSegment(
            f"The segment {segment!r} has no whole snapshot: {newest_reason}.", code="incomplete_snapshot"
        )

    def versions(self, segments: Iterable[str]) -> dict[str, str]:
        """The versions of these segments' newest whole snapshots; what `newest` would refuse is left out.

        While nothing changes, this reads each model.json once and lists the run folders of those segments
        only whose files it does not list. For a name that is in none, the folders are looked through anew.
        """
        wanted = set(segments)
        found = self._find(wanted, self._layout) if self._layout else {}
        if {name for name, table in found.items() if table is None or table.model} != wanted:
            self._layout = look(self._store)
            found = self._find(wanted, self._layout)
        versions = {name: self._version(table) for name, table in found.items() if table}
        return {name: version for name, version in versions.items() if version}

    def _tables(self, layout: Layout) -> Tables:
        models, broken = [], {}
        for name in layout.models:
            try:
                blob = self._store.read(name)
                models.append(Model.read(name, blob.etag, blob.content))
            except InvalidSegment as error:
                broken[dirname(name)] = error
            except NotFound:
                continue  # it was there when we looked
        return Tables(self._store, self._prefix, layout, models, broken)

    def _find(self, segments: set[str], layout: Layout) -> dict[str, Table | None]:
        """By name, what is known; None where the name or its model.json needs mending."""
        tables = self._tables(layout)
        found: dict[str, Table | None] = {}
        for segment in segments:
            try:
                if table := tables.find(segment):
                    found[segment] = table
            except InvalidSegment:
                found[segment] = None
        return found

    def _version(self, table: Table) -> str | None:
        entity = table.entity
        listed = (listed_version(entity), entity.locations) if entity and entity.locations else None
        if listed and self._whole.get(table.folder) == listed:
            return listed[0]
        for draft in drafts(self._store, table):
            if unfinished(self._store, draft, table.model) is None:
                if listed and draft.is_listed:
                    self._whole[table.folder] = listed
                return draft.version
        return None

    def _snapshot(self, segment: str, table: Table, draft: Draft) -> Snapshot:
        partitions = tuple(Partition(file.name, file.etag, file.size) for file in draft.files)
        entity = table.entity
        columns = entity.columns if entity else ()
        csv_format = entity.csv_format if entity else CsvFormat(delimiter="")
        has_header = csv_format.has_header if columns else True
        try:
            delimiter = csv_format.delimiter or self._delimiter(partitions, columns)
            names = columns or self._columns(partitions, delimiter)
        except (Changed, NotFound):
            raise InvalidSegment(
                f"The segment {segment!r} changed while its first lines were read: run the export again.",
                code="snapshot_changed",
            ) from None
        return Snapshot(
            segment=table.name,
            folder=draft.folder,
            version=draft.version,
            refreshed_at=draft.refreshed_at,
            columns=names,
            csv_format=CsvFormat(has_header, delimiter),
            partitions=partitions,
            names_by_file=not columns,
        )

    def _delimiter(self, partitions: Iterable[Partition], columns: Iterable[Column]) -> str:
        """As the first partition has it that has a record."""
        names = [column.name for column in columns]
        found = (read_delimiter(self._store, partition, names) for partition in partitions)
        return next(filter(None, found), ",")

    def _columns(self, partitions: Iterable[Partition], delimiter: str) -> tuple[Column, ...]:
        """The columns in the header of the first partition that has one, without types."""
        for partition in partitions:
            if names := read_header(self._store, partition, delimiter):
                return tuple(Column(name) for name in names)
        return ()
