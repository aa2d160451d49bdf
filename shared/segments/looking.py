"""One look at the segments: what is there, and the newest whole snapshot of each."""

from collections.abc import Iterable

from shared.adapters.storage.store import Store
from shared.errors import Changed, InvalidSegment, NotFound
from shared.segments.drafts import Draft, drafts, unfinished
from shared.segments.messages import listing, quoted
from shared.segments.model import Column, CsvFormat
from shared.segments.rows import read_delimiter, read_header
from shared.segments.snapshots import Partition, Snapshot
from shared.segments.tables import Table, Tables


class Look:
    """What the tables and folders of one moment say; files are looked at when they are asked for."""

    def __init__(self, store: Store, tables: Tables) -> None:
        self._store = store
        self._tables = tables

    def names(self) -> list[str]:
        """The names of all segments, in order."""
        return self._tables.names()

    def newest(self, segment: str) -> Snapshot:
        """The newest whole snapshot of the segment, with its partitions pinned by ETag.

        Raises NotFound with the names that exist, or InvalidSegment: `ambiguous_segment`, `invalid_model`,
        `incomplete_snapshot` with what is missing or still being written, or `snapshot_changed`.
        """
        table = self._tables.find(segment)
        if table is None:
            raise NotFound(
                f"There is no segment {quoted(segment)} under SEGMENTS_URL. Segments there: "
                f"{listing(self.names())}.",
                code="unknown_segment",
            )
        newest_reason = ""
        for draft in drafts(self._tables, table):
            reason = unfinished(self._store, draft, table.model)
            if reason is None:
                return self._snapshot(segment, table, draft)
            newest_reason = newest_reason or reason
        raise InvalidSegment(
            f"The segment {quoted(segment)} has no whole snapshot: {newest_reason}.",
            code="incomplete_snapshot",
        )

    def _snapshot(self, segment: str, table: Table, draft: Draft) -> Snapshot:
        partitions = tuple(Partition(file.name, file.etag, file.size) for file in draft.files)
        columns = table.entity.columns if table.entity else ()
        csv_format = table.entity.csv_format if table.entity else CsvFormat(delimiter="")
        has_header = True if draft.needs_header or not columns else csv_format.has_header
        try:
            delimiter = csv_format.delimiter or self._delimiter(partitions, columns)
            names = columns or self._columns(partitions, delimiter)
        except (Changed, NotFound):
            raise InvalidSegment(
                f"The segment {quoted(segment)} changed while its first lines were read: run the export "
                "again.",
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
