"""What a run writes beside its head while it goes: places of posted rows, and refused rows, in parts.

A part is named by what it tells of, so that writing it again, after a crash, replaces it: no row is
listed twice. A close joins the parts into the rejected file. Nothing of a row's content is in any.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from shared.adapters.storage.store import Store
from shared.errors import AlreadyExists, NotFound
from shared.profiles import Batch, Rejected
from shared.runs.hold import Hold

HEADER = ("partition", "row", "column", "reason", "stage")


def record_name(export_id: str, run_id: str) -> str:
    return f"runs/{export_id}/{run_id}.json"


def rejected_name(export_id: str, run_id: str) -> str:
    return f"runs/{export_id}/{run_id}.rejected.csv"


def cancel_name(run_id: str) -> str:
    """The blob that asks for the end of a run."""
    return f"runs/{run_id.partition('.')[0]}/{run_id}.cancel"


def request_cancel(store: Store, run_id: str) -> None:
    """Asks whoever goes on with the run to end it."""
    with suppress(AlreadyExists):
        store.write(cancel_name(run_id), b"", create_only=True)


def is_cancel_requested(store: Store, run_id: str) -> bool:
    try:
        store.stat(cancel_name(run_id))
    except NotFound:
        return False
    return True


class RejectedLines:
    """Refused rows as lines of CSV, since there may be very many of them."""

    def __init__(self, rejected: Iterable[Rejected] = ()) -> None:
        self._lines = io.StringIO()
        self._writer = csv.writer(self._lines, lineterminator="\n")
        for item in rejected:
            self.add(item)

    def add(self, item: Rejected) -> None:
        self._writer.writerow((item.partition, item.row, item.column, item.reason, item.stage))

    def content(self) -> bytes:
        return self._lines.getvalue().encode()


class Parts:
    """The parts of the open run, for its holder: one that holds it no more writes none."""

    def __init__(self, hold: Hold) -> None:
        self._hold = hold
        self._store = hold.store
        export_id, run_id = hold.head.export, hold.run.record.id
        self._rejected = rejected_name(export_id, run_id)
        self._folder = f"runs/{export_id}/{run_id}.parts/"

    def write_places(self, digest: str, batch: Batch) -> None:
        """Keeps which rows a post carries, as runs of `partition,first row,rows`, in the post's order."""
        lines: list[str] = []
        partition = first = count = -1
        for profile in batch.profiles:
            if profile.partition == partition and profile.row == first + count:
                count += 1
                continue
            if count > 0:
                lines.append(f"{partition},{first},{count}")
            partition, first, count = profile.partition, profile.row, 1
        lines.append(f"{partition},{first},{count}")
        self._write(f"{self._folder}{digest}.places", "\n".join(lines).encode())

    def read_places(self, digest: str) -> list[tuple[int, int]]:
        """Partition and row of each profile of a post, in the post's order; empty where nobody kept them."""
        try:
            content = self._store.read(f"{self._folder}{digest}.places").content
        except NotFound:
            return []
        places: list[tuple[int, int]] = []
        for line in content.decode().splitlines():
            partition, first, count = map(int, line.split(","))
            places.extend((partition, row) for row in range(first, first + count))
        return places

    def write_rejected(self, part: str, lines: "RejectedLines") -> None:
        """Keeps the rows that were refused at one place: `part` names it."""
        self._write(f"{self._folder}{part}.rejected", lines.content())

    def join_rejected(self, partitions: Sequence[str], parts: set[str]) -> Counter[str]:
        """Makes the rejected file from these parts, with the partitions' names instead of their numbers.

        Returns how many of its rows no job took, by reason.
        """
        reasons: Counter[str] = Counter()
        lines = io.StringIO()
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(HEADER)
        for number, row, column, reason, stage in self._read_rejected(parts):
            place = (partitions[int(number)], row) if int(number) >= 0 else ("", "")
            writer.writerow([*place, column, reason, stage])
            reasons[reason] += stage != "job"
        self._write(self._rejected, lines.getvalue().encode())
        return +reasons

    def remove(self) -> None:
        """Takes all parts away, once the run is closed."""
        for blob in self._store.list(self._folder):
            self._store.delete(blob.name)

    def _write(self, name: str, content: bytes) -> None:
        self._hold.check()
        self._store.write(name, content)

    def _read_rejected(self, parts: set[str]) -> Iterator[list[str]]:
        for blob in self._store.list(self._folder):
            part = blob.name.removeprefix(self._folder)
            if part.endswith(".rejected") and part.removesuffix(".rejected") in parts:
                yield from csv.reader(io.StringIO(self._store.read(blob.name).content.decode()))
