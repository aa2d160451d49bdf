"""Reads the rows of a run once more, for their consents and external ids."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from shared.errors import Changed, InvalidSegment, NotFound
from shared.profiles import Digests, Mapper
from shared.profiles.digest_set import DigestSet
from shared.profiles.profile import Filtered, Refusal
from shared.runs.plan import Plan
from shared.segments import Row, read_rows
from shared.services import Services


class ConsentingRow(NamedTuple):
    """A row that passes the condition: the digests of its person and content, the address, and the time of
    consent, if any, in seconds since 1970."""

    person: bytes
    content: bytes
    address: str
    consented_at: int | None

    def __repr__(self) -> str:
        return "ConsentingRow()"


def consents_in(services: Services, plan: Plan, digests: Digests) -> Iterator[ConsentingRow]:
    """The rows of the pinned snapshots; skips files that no longer exist or have changed."""
    for rows in _files(services, plan, digests):
        with suppress(Changed, NotFound, InvalidSegment):
            for mapper, cells, person, content in rows:
                yield ConsentingRow(person, content, mapper.address(cells), mapper.consented_at(cells))


def external_ids_in(services: Services, plan: Plan, digests: Digests) -> DigestSet:
    """Digests of the external ids of the rows of the pinned snapshots.

    Raises Changed, NotFound and InvalidSegment if a file no longer exists or has changed.
    """
    found = DigestSet()
    for rows in _files(services, plan, digests):
        for mapper, cells, _, _ in rows:
            with suppress(UnicodeEncodeError):  # the row is refused
                found.add(digests.person(mapper.external_id(cells)))
    return found


type _Identified = tuple[Mapper, Sequence[str], bytes, bytes]


def _files(services: Services, plan: Plan, digests: Digests) -> Iterator[Iterator[_Identified]]:
    """The rows of each file that pass the condition, with the digests of their people and contents."""
    needed = set(plan.mapping().columns())
    for segment, mapper in zip(plan.segments, plan.mappers(digests), strict=True):
        if mapper is None:
            continue
        snapshot = segment.snapshot()
        columns = [column.name for column in snapshot.columns]
        for number, partition in enumerate(snapshot.partitions):
            rows = read_rows(services.segment_store, partition, number, snapshot.csv_format, columns, needed)
            yield _identified(rows, mapper)


def _identified(rows: Iterable[Row], mapper: Mapper) -> Iterator[_Identified]:
    for _, _, cells in rows:
        if not isinstance(cells, str):
            with suppress(Filtered, Refusal):
                yield mapper, cells, *mapper.identify(cells)
