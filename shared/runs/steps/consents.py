"""The rows of a run once more, for what they say of consent."""

from collections.abc import Iterator
from typing import NamedTuple

from shared.errors import Changed, InvalidSegment, NotFound
from shared.profiles import Digests
from shared.profiles.profile import Filtered, Refusal
from shared.runs.plan import Plan
from shared.segments import read_rows
from shared.services import Services


class ConsentingRow(NamedTuple):
    """A row that passes the condition: the digests of its person and content, the address, and when the
    person consented, in seconds since 1970, where it says so."""

    person: bytes
    content: bytes
    address: str
    consented_at: int | None

    def __repr__(self) -> str:
        return "ConsentingRow()"


def consents_in(services: Services, plan: Plan, digests: Digests) -> Iterator[ConsentingRow]:
    """The rows of the pinned snapshots; without the files that are not there any more, or are others."""
    needed = set(plan.mapping().columns())
    for segment, mapper in zip(plan.segments, plan.mappers(digests), strict=True):
        if mapper is None:
            continue
        snapshot = segment.snapshot()
        columns = [column.name for column in snapshot.columns]
        for number, partition in enumerate(snapshot.partitions):
            rows = read_rows(services.segment_store, partition, number, snapshot.csv_format, columns, needed)
            try:
                for _, _, cells in rows:
                    if isinstance(cells, str):
                        continue
                    try:
                        person, content = mapper.identify(cells)
                    except (Filtered, Refusal):
                        continue
                    yield ConsentingRow(person, content, mapper.address(cells), mapper.consented_at(cells))
            except (Changed, NotFound, InvalidSegment):
                continue
