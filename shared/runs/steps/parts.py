"""What a run writes beside its head while it goes: places of posted rows, and refused rows, in parts.

A part is named by what it tells of, so that writing it again, after a crash, replaces it: no row is
listed twice. A close joins the parts into the rejected file. Nothing of a row's content is in any.

What our own checks refuse may be every row of a segment, so it lies in numbered parts, each written when
it is full. A later pass over the rows meets them in the same order and replaces the same parts. Where it
ends earlier, parts of the pass before are left behind its own: the run counts how many rows are its own.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice

from shared import state
from shared.adapters.storage.store import Store
from shared.errors import AlreadyExists, NotFound
from shared.profiles import Batch, Rejected
from shared.runs.lock.export import ExportLock
from shared.runs.steps.rejected import CHUNK, MOST_LISTED, RejectedFile


def request_cancel(store: Store, run_id: str) -> None:
    """Asks whoever goes on with the run to end it."""
    with suppress(AlreadyExists):
        store.write(state.cancel(run_id), b"", create_only=True)


def is_cancel_requested(store: Store, run_id: str) -> bool:
    try:
        store.stat(state.cancel(run_id))
    except NotFound:
        return False
    return True


class RejectedLines:
    """Refused rows as lines of CSV."""

    def __init__(self, rejected: Iterable[Rejected] = ()) -> None:
        self._lines = io.StringIO()
        self._writer = csv.writer(self._lines, lineterminator="\n")
        for item in rejected:
            self.add(item)

    def add(self, item: Rejected) -> None:
        self._writer.writerow((item.partition, item.row, item.column, item.reason, item.stage))

    @property
    def length(self) -> int:
        """In characters."""
        return self._lines.tell()

    def content(self) -> bytes:
        return self._lines.getvalue().encode()


class Parts:
    """The parts of the open run, for its holder: one that holds it no more writes none."""

    def __init__(self, hold: ExportLock) -> None:
        self._hold = hold
        self._store = hold.store
        self._run = hold.run.record.id
        self._folder = state.parts(self._run)

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
        self._write(state.places(self._run, digest), "\n".join(lines).encode())

    def read_places(self, digest: str) -> list[tuple[int, int]]:
        """Partition and row of each profile of a post, in the post's order; empty where nobody kept them."""
        try:
            content = self._store.read(state.places(self._run, digest)).content
        except NotFound:
            return []
        places: list[tuple[int, int]] = []
        for line in content.decode().splitlines():
            partition, first, count = map(int, line.split(","))
            places.extend((partition, row) for row in range(first, first + count))
        return places

    def write_rejected(self, part: str, lines: "RejectedLines") -> None:
        """Keeps the rows that were refused at one place: `part` names it."""
        self._write(state.rejected_part(self._run, part), lines.content())

    def join_rejected(self, partitions: Sequence[str], parts: set[str], checked: int = 0) -> int:
        """Makes the rejected file from these parts and the first `checked` rows that our own checks refused.

        It lists a million rows at most, those that Klaviyo refused first. Returns how many it lists.
        """
        lines = chain(self._read_rejected(parts), islice(self._read_checked(), checked))
        file = RejectedFile(partitions, islice(lines, MOST_LISTED))
        self._write(state.rejected(self._run), file.chunks())
        return file.listed

    def remove(self) -> None:
        """Takes all parts away, once the run is closed."""
        for blob in self._store.list(self._folder):
            self._store.delete(blob.name)

    def _write(self, name: str, content: bytes | Iterable[bytes]) -> None:
        self._hold.check()
        self._store.write(name, content)

    def _read_rejected(self, parts: set[str]) -> Iterator[list[str]]:
        for blob in self._store.list(self._folder):
            part = blob.name.removeprefix(self._folder)
            if part.endswith(".rejected") and part.removesuffix(".rejected") in parts:
                yield from self._read_lines(blob.name)

    def _read_checked(self) -> Iterator[list[str]]:
        """In the order of the rows, each once: other code may have ended the part before elsewhere."""
        last = (-1, 0)
        for blob in self._store.list(state.checked_parts(self._run)):
            for line in self._read_lines(blob.name):
                place = (int(line[0]), int(line[1]))
                if place > last:
                    last = place
                    yield line

    def _read_lines(self, name: str) -> Iterator[list[str]]:
        self._hold.check()
        yield from csv.reader(io.StringIO(self._store.read(name).content.decode()))


class CheckedRows:
    """The rows that our own checks refuse in a pass, on file as they come; the first million of them."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lines = RejectedLines()
        self._count = 0
        self._written = 0

    def add(self, item: Rejected) -> None:
        if self._count == MOST_LISTED:
            return
        self._count += 1
        self._lines.add(item)
        if self._lines.length >= CHUNK:
            self.flush()

    def flush(self) -> None:
        """Writes what is not on file yet."""
        if self._lines.length:
            self._parts.write_rejected(state.checked_part(self._written), self._lines)
            self._written += 1
            self._lines = RejectedLines()
