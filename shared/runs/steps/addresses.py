"""Finds the addresses of people of whom the ledger has only a digest."""

from collections.abc import Callable, Iterator

from shared.errors import Changed, InvalidSegment, NotFound
from shared.profiles.columns import find_columns
from shared.profiles.visible import value_of
from shared.runs.plan import PinnedSegment, PostedSnapshots
from shared.segments import read_rows
from shared.services import Services

type PersonOf = Callable[[str], bytes]


def addresses_in(
    services: Services, posted: PostedSnapshots, person_of: PersonOf
) -> Iterator[tuple[bytes, str]]:
    """Everybody in these snapshots, with the address; skips files that no longer exist."""
    for segment in posted.segments:
        yield from _addresses(services, segment, posted.email, person_of)


def _addresses(
    services: Services, segment: PinnedSegment, email: str, person_of: PersonOf
) -> Iterator[tuple[bytes, str]]:
    snapshot = segment.snapshot()
    columns = [column.name for column in snapshot.columns]
    try:
        place = find_columns([email], columns)[email]
    except (NotFound, InvalidSegment):
        return
    for number, partition in enumerate(snapshot.partitions):
        rows = read_rows(services.segment_store, partition, number, snapshot.csv_format, columns, {email})
        try:
            for _, _, cells in rows:
                if isinstance(cells, str) or len(cells) != len(columns):
                    continue
                address = value_of(cells[place])
                try:
                    yield person_of(address), address
                except UnicodeEncodeError:
                    continue
        except (Changed, NotFound, InvalidSegment):
            continue
