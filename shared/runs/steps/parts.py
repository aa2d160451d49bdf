"""What a run writes beside its head while it is open: posted rows and people, and refused rows, in parts.

A part is named after what it holds, so that writing it again, after a crash, replaces it: no row is listed
twice. Closing joins the parts into the refused rows' file. No part holds anything of a row's content.

Our own checks may refuse every row of a segment, so these rows lie in numbered parts, each written when it
is full. A later pass over the rows meets them in the same order and replaces the same parts. Where it ends
earlier, parts of the pass before remain behind its own: the run counts how many rows are its own.

Counts never come from parts. A part that is missing or garbled costs the places of its rows, and nothing
else; one of people costs the ledger, and the next run sends everybody.
"""

import csv
import io
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain, islice

from pydantic import Field, ValidationError

from shared import state
from shared.adapters.storage.store import Store
from shared.errors import InvalidDocument, NotFound, PermanentError, Problem, StorageUnavailable
from shared.profiles import Batch, Rejected
from shared.profiles.digests import MOMENT, PERSON
from shared.runs.lock.export import ExportLock
from shared.runs.record import Count, StateModel
from shared.runs.steps.rejected import CHUNK, MOST_LISTED, RejectedFile, checked_line

logger = logging.getLogger(__name__)

# Stands for a row whose place is not known.
NO_PLACE = (-1, 0)
# Bytes of a part: a million rows, or ten thousand places that each stand alone, are far smaller.
LONGEST_PART = 64 * 1024 * 1024


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


class Chunk(StateModel):
    """What becomes of some of those who left, by the digests of the people in hexadecimal digits.

    `gone` are taken off the list, by their profiles' ids; `absent` were not on it; of `merged` the profile is
    also somebody's who stays; of `unmatched` it is not known which it is. `strangers` are profiles.
    """

    gone: dict[str, str] = Field(default_factory=dict)
    absent: list[str] = Field(default_factory=list)
    merged: list[str] = Field(default_factory=list)
    unmatched: list[str] = Field(default_factory=list)
    strangers: list[str] = Field(default_factory=list)

    def profiles(self) -> list[str]:
        """Those that are taken off, each once."""
        return list(dict.fromkeys((*self.gone.values(), *self.strangers)))

    def only(self, people: set[bytes]) -> "Chunk":
        """Without the others, and without strangers: whether they still are is decided anew."""
        names = {person.hex() for person in people}
        return Chunk(
            gone={name: profile_id for name, profile_id in self.gone.items() if name in names},
            absent=[name for name in self.absent if name in names],
            merged=[name for name in self.merged if name in names],
            unmatched=[name for name in self.unmatched if name in names],
        )

    def people(self) -> set[bytes]:
        return set(map(bytes.fromhex, (*self.gone, *self.absent, *self.merged, *self.unmatched)))


class Absent(StateModel):
    """Who was sent and is not among the list's members under that address, by digests in hexadecimal digits.

    `absent` are not on the list; `matched` are, by their profiles' ids; `back` had left it and are on it
    again. Klaviyo has no profile under the address of the `unexplained`, which are among the absent.
    """

    absent: list[str] = Field(default_factory=list)
    matched: dict[str, str] = Field(default_factory=dict)
    back: list[str] = Field(default_factory=list)
    unexplained: Count = 0


class Parts:
    """The parts of the open run, for its holder: no other process writes any."""

    def __init__(self, lock: ExportLock) -> None:
        self._lock = lock
        self._store = lock.store
        self._run = lock.run.record.id
        self._folder = state.parts(self._run)

    def write_places(self, digest: str, batch: Batch) -> None:
        """Keeps which rows a post carries, as runs of `partition,first row,rows`, in the post's order."""
        lines: list[str] = []
        partition = first = count = -1
        for number, row in batch.places():
            if number == partition and row == first + count:
                count += 1
                continue
            if count > 0:
                lines.append(f"{partition},{first},{count}")
            partition, first, count = number, row, 1
        lines.append(f"{partition},{first},{count}")
        self._write(state.places(self._run, digest), "\n".join(lines).encode())

    def read_places(self, digest: str, profiles: int) -> list[tuple[int, int]]:
        """Partition and row of each profile of a post, in its order; NO_PLACE where they can't be read."""
        places: list[tuple[int, int]] = []
        try:
            for line in self._read(state.places(self._run, digest)).decode().splitlines():
                partition, first, count = map(int, line.split(","))
                # More than the post has is wrong, however many that are.
                count = min(count, profiles - len(places) + 1)
                places.extend((partition, row) for row in range(first, first + count))
        except (PermanentError, ValueError):
            places = []
        return places if len(places) == profiles else [NO_PLACE] * profiles

    def write_people(self, digest: str, batch: Batch) -> None:
        """Keeps whom a post carries, and what of each: from now on they may be on the list."""
        self._write(state.people(self._run, digest), batch.entries())

    def remove_people(self, digest: str) -> None:
        """Klaviyo took nothing of a post."""
        self._lock.check()
        self._store.delete(state.people(self._run, digest))

    def posted(self) -> list[str]:
        """The digests of the posts that Klaviyo took, or may have taken."""
        names = (blob.name.removeprefix(self._folder) for blob in self._store.list(self._folder))
        return [name.removesuffix(state.PEOPLE) for name in names if name.endswith(state.PEOPLE)]

    def read_people(self, digest: str) -> bytes:
        """Raises PermanentError where they can't be read, StorageUnavailable where waiting may help."""
        return self._read(state.people(self._run, digest))

    def write_failed(self, digest: str, places: Collection[int]) -> None:
        """Keeps which of a post's profiles a job could not import."""
        self._write(state.failed(self._run, digest), ",".join(map(str, sorted(places))).encode())

    def read_failed(self, digest: str) -> frozenset[int]:
        """None of them where they can't be read."""
        try:
            text = self._read(state.failed(self._run, digest)).decode()
            return frozenset(map(int, text.split(",")))
        except (PermanentError, ValueError):
            return frozenset()

    def write_leavers(self, left: bytes, here: bytes) -> None:
        """Keeps who has left, and who has not though the row was refused, as digests of PERSON bytes."""
        self._write(state.here(self._run), here)
        self._write(state.left(self._run), left)

    def read_leavers(self) -> tuple[set[bytes], set[bytes]]:
        """Raises PermanentError where they can't be read, StorageUnavailable where waiting may help."""
        left, here = (self._read(name) for name in (state.left(self._run), state.here(self._run)))
        return _people(left), _people(here)

    def write_chunk(self, number: int, chunk: Chunk) -> None:
        """Keeps what becomes of some of those who left, before and after it does."""
        self._write(state.removal(self._run, number), chunk.model_dump_json().encode())

    def read_chunk(self, number: int) -> Chunk | None:
        """None where there is none yet. Raises PermanentError where it can't be read."""
        name = state.removal(self._run, number)
        try:
            return Chunk.model_validate_json(self._read(name))
        except NotFound:
            return None
        except ValidationError:
            raise InvalidDocument(name, [Problem("", "is not what was removed")]) from None

    def write_looked_at(self, number: int, moments: Mapping[bytes, bytes]) -> None:
        """Keeps people whose consents are used, with the hidden times of these."""
        content = b"".join(person + moment for person, moment in moments.items())
        self._write(state.subscribed(self._run, number), content)

    def looked_at(self, number: int) -> dict[bytes, bytes]:
        """Raises PermanentError where they can't be read, StorageUnavailable where waiting may help."""
        content = self._read(state.subscribed(self._run, number))
        starts = range(0, len(content), PERSON + MOMENT)
        return {content[at : at + PERSON]: content[at + PERSON : at + PERSON + MOMENT] for at in starts}

    def subscribed(self, chunks: int) -> dict[bytes, bytes]:
        """All of them, of so many parts and of one that a holder may have begun. Raises as `looked_at`."""
        found: dict[bytes, bytes] = {}
        for number in range(chunks + self.has_looked_at(chunks)):
            found |= self.looked_at(number)
        return found

    def has_looked_at(self, number: int) -> bool:
        """Whether a holder has begun with these people."""
        try:
            self._store.stat(state.subscribed(self._run, number))
        except NotFound:
            return False
        return True

    def remove_looked_at(self, number: int) -> None:
        """Nobody of them was subscribed."""
        self._lock.check()
        self._store.delete(state.subscribed(self._run, number))

    def write_members(self, number: int, members: Iterable[tuple[bytes, str]]) -> None:
        """Keeps some of the list's members: the digest of the address, and the profile's id."""
        lines = (f"{person.hex()} {profile_id}" for person, profile_id in members)
        self._write(state.members(self._run, number), "\n".join(lines).encode())

    def members(self, parts: int) -> Iterator[tuple[bytes, str]]:
        """All of them. Raises PermanentError, ValueError where they can't be read."""
        for number in range(parts):
            for line in self._read(state.members(self._run, number)).decode().splitlines():
                person, _, profile_id = line.partition(" ")
                yield bytes.fromhex(person), profile_id

    def write_absent(self, number: int, part: Absent) -> None:
        """Keeps who of those that were sent is not among the members."""
        self._write(state.absent(self._run, number), part.model_dump_json().encode())

    def absent(self, parts: int) -> list[Absent]:
        """Raises PermanentError, ValueError where they can't be read."""
        names = (state.absent(self._run, number) for number in range(parts))
        return [Absent.model_validate_json(self._read(name)) for name in names]

    def write_cursor(self, cursor: str) -> None:
        """Keeps where to go on reading the list's members."""
        self._write(state.cursor(self._run), cursor.encode())

    def remove_cursor(self) -> None:
        self._lock.check()
        self._store.delete(state.cursor(self._run))

    def read_cursor(self) -> str | None:
        try:
            return self._read(state.cursor(self._run)).decode("ascii")
        except (PermanentError, ValueError):
            return None

    def write_rejected(self, part: str, lines: RejectedLines) -> None:
        """Keeps the rows that were refused at one place: `part` names it."""
        self._write(state.rejected_part(self._run, part), lines.content())

    def join_rejected(
        self, partitions: Sequence[str], parts: Collection[str], checked: int, most: int
    ) -> int:
        """Makes the refused rows' file: from these parts, and the first `checked` rows of our own checks.

        It lists `most` rows, those that Klaviyo refused first. Returns how many of these have their place
        there, or no place because Klaviyo did not name them. A part that can't be read is left out; raises
        StorageUnavailable for one that may be read later.
        """
        wanted = {state.rejected_part(self._run, part) for part in parts}
        written = [blob.name for blob in self._store.list(self._folder)]
        named = (name for name in written if name in wanted)
        numbered = (name for name in written if name.startswith(state.checked_parts(self._run)))
        lines = chain(self._lines_of(named), islice(_in_order(self._lines_of(numbered)), checked))
        file = RejectedFile(partitions, islice(lines, most))
        self._write(state.rejected(self._run), file.chunks())
        return file.placed

    def _write(self, name: str, content: bytes | Iterable[bytes]) -> None:
        self._lock.check()
        self._store.write(name, content)

    def _lines_of(self, names: Iterable[str]) -> Iterator[list[str]]:
        """The lines of these parts, as far as they can be read."""
        for name in names:
            self._lock.check()
            try:
                yield from map(checked_line, csv.reader(io.StringIO(self._read(name).decode())))
            except (PermanentError, ValueError, csv.Error):
                logger.warning("%s can't be read: places of refused rows are missing", name)

    def _read(self, name: str) -> bytes:
        """Raises NotFound, InvalidDocument, and StorageUnavailable where waiting may help."""
        try:
            return self._store.read(name, most=LONGEST_PART).content
        except StorageUnavailable as problem:
            if self._lock.run.may_wait_for_part():
                raise
            raise NotFound(problem.message) from None


def _people(content: bytes) -> set[bytes]:
    return {content[start : start + PERSON] for start in range(0, len(content), PERSON)}


def _in_order(lines: Iterable[list[str]]) -> Iterator[list[str]]:
    """In the order of the rows, each once: other code may have ended the part before elsewhere."""
    last = NO_PLACE
    for line in lines:
        place = (int(line[0]), int(line[1]))
        if place > last:
            last = place
            yield line


def remove_parts(store: Store, run_id: str) -> None:
    """Removes all parts of a run that is closed. One that can't be removed stays: it does no harm."""
    for blob in store.list(state.parts(run_id)):
        with suppress(PermanentError):
            store.delete(blob.name)


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
