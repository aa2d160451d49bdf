"""A run's plan, pinned before anything is sent, so each holder does the same."""

from collections.abc import Callable, Collection
from datetime import datetime

from shared.catalog import Export, PhoneColumn
from shared.catalog.export import Condition as OnlyIf
from shared.klaviyo import PROFILE_FORMAT
from shared.profiles import (
    UNKEYED,
    Condition,
    Digests,
    Known,
    Mapper,
    Mapping,
    Rejected,
    Selection,
    Source,
)
from shared.runs.record import Count, SegmentRecord, StateModel
from shared.segments import Column, CsvFormat, Partition, Snapshot


class PinnedPartition(StateModel):
    name: str
    etag: str
    size: int


class PinnedSegment(StateModel):
    """A snapshot with its partitions' ETags; columns are pairs of name and model.json's type."""

    name: str
    folder: str
    version: str
    refreshed_at: datetime
    columns: list[tuple[str, str]]
    has_header: bool | None
    delimiter: str
    partitions: list[PinnedPartition]
    names_by_file: bool = False

    @classmethod
    def of(cls, name: str, snapshot: Snapshot) -> "PinnedSegment":
        return cls(
            name=name,
            folder=snapshot.folder,
            version=snapshot.version,
            refreshed_at=snapshot.refreshed_at,
            columns=[(column.name, column.data_type) for column in snapshot.columns],
            has_header=snapshot.csv_format.has_header,
            delimiter=snapshot.csv_format.delimiter,
            partitions=[PinnedPartition(name=p.name, etag=p.etag, size=p.size) for p in snapshot.partitions],
            names_by_file=snapshot.names_by_file,
        )

    def snapshot(self) -> Snapshot:
        return Snapshot(
            segment=self.name,
            folder=self.folder,
            version=self.version,
            refreshed_at=self.refreshed_at,
            columns=tuple(Column(name, data_type) for name, data_type in self.columns),
            csv_format=CsvFormat(self.has_header, self.delimiter),
            partitions=tuple(Partition(p.name, p.etag, p.size) for p in self.partitions),
            names_by_file=self.names_by_file,
        )

    def record(self) -> SegmentRecord:
        return SegmentRecord(
            name=self.name,
            snapshot=self.folder,
            refreshed_at=self.refreshed_at,
            partitions=len(self.partitions),
        )


class PostedSnapshots(StateModel):
    """Where to find the addresses of the people that a run sent: snapshots, and the address column."""

    email: str
    segments: list[PinnedSegment]


class PinnedLedger(StateModel):
    """The ledger that a run compares with, and how.

    `key` is the id of the digest key. `name` is the ledger's file, or None if the run begins a new one.
    `everybody`: all are sent, no matter what was sent before. `is_remapped`: earlier runs used another
    mapping. `is_whole`: the ledger has everybody who was ever sent to the list.
    """

    key: str
    name: str | None = None
    everybody: bool = False
    is_remapped: bool = False
    is_whole: bool = False


class PinnedErased(StateModel):
    """The do-not-send list when a run began: the id of its digest key, and the number of its people."""

    key: str
    count: Count


class Plan(StateModel):
    """The export, its account and its segments' snapshots as they were when the run began.

    `lines` is about how many rows the run takes from them, for estimates only. Without a `ledger`, all rows
    are sent, and no ledger is kept.
    """

    export: Export
    account_id: str
    segments: list[PinnedSegment]
    lines: int = 0
    ledger: PinnedLedger | None = None
    erased: PinnedErased | None = None

    @property
    def digest_key(self) -> str | None:
        """The id of the key of people's digests; None if these are for this run only."""
        pinned = self.ledger or self.erased
        return pinned.key if pinned is not None else None

    def mapping(self) -> Mapping:
        return mapping_of(self.export)

    def mappers(self, digests: Digests = UNKEYED) -> list[Mapper | None]:
        """One mapper per segment, since columns differ; None for a segment without columns, whose files are
        empty. Raises NotFound if a column is missing."""
        mapping = self.mapping()
        return [
            Mapper(mapping, segment.columns, PROFILE_FORMAT, digests, names_by_file=segment.names_by_file)
            if segment.columns
            else None
            for segment in self.segments
        ]

    def selection(
        self, reject: Callable[[Rejected], None], known: Known, erased: Collection[bytes]
    ) -> Selection:
        """A pass over the rows that compares them with the people of the plan's ledger."""
        everybody, is_remapped = False, False
        if self.ledger is not None:
            everybody, is_remapped = self.ledger.everybody, self.ledger.is_remapped
        return Selection(reject, known, everybody=everybody, is_remapped=is_remapped, erased=erased)

    def partitions(self) -> list[str]:
        """The blobs' names, by the number of a row's partition."""
        return [partition.name for segment in self.segments for partition in segment.partitions]

    def posted(self) -> PostedSnapshots:
        return PostedSnapshots(email=self.export.match.email, segments=self.segments)

    def versions(self) -> dict[str, str]:
        return {segment.name: segment.version for segment in self.segments}

    def column_of(self, attribute: str) -> str:
        """The column that is mapped to Klaviyo's attribute; blank if none is."""
        if attribute == "email":
            return self.export.match.email
        sources = dict(self.mapping().attributes)
        return sources[attribute].column if attribute in sources else ""


def mapping_of(export: Export) -> Mapping:
    """The mapping in an export's document."""
    attributes = export.attributes
    return Mapping(
        email=export.match.email,
        attributes=tuple(
            (name, Source(source.column, source.region if isinstance(source, PhoneColumn) else None))
            for name, source in attributes.sources.items()
        ),
        properties=tuple(
            (source.name or source.column, Source(source.column)) for source in attributes.properties
        ),
        only_if=condition_of(export.only_if) if export.only_if is not None else None,
        clear_blanks=export.sync.clear_blanks,
        consented_at=export.consent.consented_at if export.consent is not None else None,
    )


def condition_of(only_if: OnlyIf) -> Condition:
    """The test of a document's condition."""
    if only_if.is_blank is not None:
        return Condition(only_if.column, frozenset({""}), negated=not only_if.is_blank)
    if only_if.in_ is not None:
        return Condition(only_if.column, frozenset(only_if.in_))
    if only_if.not_equals is not None:
        return Condition(only_if.column, frozenset({only_if.not_equals}), negated=True)
    return Condition(only_if.column, frozenset({only_if.equals or ""}))
