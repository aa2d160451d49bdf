"""A view of the segments at one moment."""

from collections.abc import Iterable

from shared.adapters.storage.store import Store
from shared.errors import Changed, InvalidSegment, NotFound
from shared.segments.csv.rows import read_delimiter, read_header
from shared.segments.discovery.candidates import SnapshotCandidate, candidates, why_incomplete
from shared.segments.discovery.entries import SegmentEntry
from shared.segments.discovery.index import SegmentIndex
from shared.segments.snapshot import Column, CsvFormat, Partition, Snapshot
from shared.text import listing, quoted


class SegmentsView:
    """The segments of an index; a segment's files are looked at when it is requested."""

    def __init__(self, store: Store, index: SegmentIndex) -> None:
        self._store = store
        self._index = index

    def names(self) -> list[str]:
        """The names of all segments, in order."""
        return self._index.names()

    def newest(self, segment: str) -> Snapshot:
        """The newest complete snapshot of the segment, with its partitions pinned by ETag.

        Raises NotFound with the names that exist, or InvalidSegment: `ambiguous_segment`, `invalid_model`,
        `incomplete_snapshot` with the file that is missing or too new, or `snapshot_changed`.
        """
        entry = self._index.find(segment)
        if entry is None:
            raise NotFound(
                f"The segment {quoted(segment)} does not exist under SEGMENTS_URL. Segments there: "
                f"{listing(self.names())}.",
                code="unknown_segment",
            )
        newest_reason = ""
        for candidate in candidates(self._index, entry):
            reason = why_incomplete(self._store, self._index.store, candidate, entry.model)
            if reason is None:
                return self._snapshot(segment, entry, candidate)
            newest_reason = newest_reason or reason
        raise InvalidSegment(
            f"The segment {quoted(segment)} has no complete snapshot: {newest_reason}.",
            code="incomplete_snapshot",
        )

    def _snapshot(self, segment: str, entry: SegmentEntry, candidate: SnapshotCandidate) -> Snapshot:
        partitions = tuple(Partition(file.name, file.etag, file.size) for file in candidate.files)
        columns = entry.entity.columns if entry.entity else ()
        csv_format = entry.entity.csv_format if entry.entity else CsvFormat(delimiter="")
        has_header = True if candidate.needs_header or not columns else csv_format.has_header
        try:
            delimiter = csv_format.delimiter or self._delimiter(partitions, columns)
            names = columns or self._columns(partitions, delimiter)
        except (Changed, NotFound):
            raise InvalidSegment(
                f"The segment {quoted(segment)} changed while its first lines were being read. Run the "
                "export again.",
                code="snapshot_changed",
            ) from None
        return Snapshot(
            segment=entry.name,
            folder=candidate.folder,
            version=candidate.version,
            refreshed_at=candidate.refreshed_at,
            columns=names,
            csv_format=CsvFormat(has_header, delimiter),
            partitions=partitions,
            names_by_file=not columns,
        )

    def _delimiter(self, partitions: Iterable[Partition], columns: Iterable[Column]) -> str:
        """The delimiter of the first partition that has a record."""
        names = [column.name for column in columns]
        found = (read_delimiter(self._store, partition, names) for partition in partitions)
        return next(filter(None, found), ",")

    def _columns(self, partitions: Iterable[Partition], delimiter: str) -> tuple[Column, ...]:
        """The columns in the header of the first partition that has one, without types."""
        for partition in partitions:
            if names := read_header(self._store, partition, delimiter):
                return tuple(Column(name) for name in names)
        return ()
