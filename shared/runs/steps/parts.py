"""The parts that an open run writes in addition to its head: posted rows and people, and refused rows.

A part is named after its content, so writing it again, after a crash, replaces it: no row is listed twice.
Closing joins the parts into the refused rows' file. No part contains anything of a row's cells.

Our own checks may refuse every row of a segment, so these rows are in numbered parts, each written when it is
full. A later pass over the rows meets them in the same order and replaces the same parts. If it ends earlier,
parts of the previous pass remain after its own: the run counts how many rows are its own.

Counts never depend on parts. A missing or garbled part loses only the places of its rows; a part of people
loses the ledger, and the next run sends everybody.
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

# The place of a row whose place is unknown.
NO_PLACE = (-1, 0)
# Bytes of a part: a million rows, or ten thousand separate places, are far smaller.
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
    """The outcome for some of the people who left, by their digests in hexadecimal digits.

    `gone` are removed from the list, with their profiles' ids; `absent` were not on it; `merged` share a
    profile with someone who stays; `unmatched` have an unknown profile. `strangers` are profiles.
    """

    gone: dict[str, str] = Field(default_factory=dict)
    absent: list[str] = Field(default_factory=list)
    merged: list[str] = Field(default_factory=list)
    unmatched: list[str] = Field(default_factory=list)
    strangers: list[str] = Field(default_factory=list)

    def profiles(self) -> list[str]:
        """The profiles to remove, each once."""
        return list(dict.fromkeys((*self.gone.values(), *self.strangers)))

    def only(self, people: set[bytes]) -> "Chunk":
        """Only these people, and no strangers: whether they still are is decided again."""
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
    """People who were sent but are not members under that address, by digests in hexadecimal digits.

    `absent` are not on the list; `matched` are, with their profiles' ids; `back` had left it and are on it
    again. `unexplained` counts those among the absent for whose address Klaviyo has no profile.
    """

    absent: list[str] = Field(default_factory=list)
    matched: dict[str, str] = Field(default_factory=dict)
    back: list[str] = Field(default_factory=list)
    unexplained: Count = 0


class Parts:
    """The parts of the open run, for its holder: only this process writes them."""

    def __init__(self, lock: ExportLock) -> None:
        self._lock = lock
        self._store = lock.store
        self._run = lock.run.record.id
        self._folder = state.parts(self._run)

    def write_places(self, digest: str, batch: Batch) -> None:
        """Stores the rows of a post, as runs of `partition,first row,rows`, in the post's order."""
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
        """Partition and row of each profile of a post, in its order; NO_PLACE if they can't be read."""
        places: list[tuple[int, int]] = []
        try:
            for line in self._read(state.places(self._run, digest)).decode().splitlines():
                partition, first, count = map(int, line.split(","))
                # More places than the post has are wrong anyway: one too many is enough.
                count = min(count, profiles - len(places) + 1)
                places.extend((partition, row) for row in range(first, first + count))
        except (PermanentError, ValueError):
            places = []
        return places if len(places) == profiles else [NO_PLACE] * profiles

    def write_people(self, digest: str, batch: Batch) -> None:
        """Stores the people of a post, with their contents: from now on they may be on the list."""
        self._write(state.people(self._run, digest), batch.entries())

    def remove_people(self, digest: str) -> None:
        """Removes the people of a post of which Klaviyo accepted nothing."""
        self._lock.check()
        self._store.delete(state.people(self._run, digest))

    def posted(self) -> list[str]:
        """The digests of the posts that Klaviyo accepted, or may have accepted."""
        names = (blob.name.removeprefix(self._folder) for blob in self._store.list(self._folder))
        return [name.removesuffix(state.PEOPLE) for name in names if name.endswith(state.PEOPLE)]

    def read_people(self, digest: str) -> bytes:
        """Raises PermanentError if they can't be read, StorageUnavailable if waiting may help."""
        return self._read(state.people(self._run, digest))

    def write_failed(self, digest: str, places: Collection[int]) -> None:
        """Stores which of a post's profiles a job could not import."""
        self._write(state.failed(self._run, digest), ",".join(map(str, sorted(places))).encode())

    def read_failed(self, digest: str) -> frozenset[int]:
        """The places of these profiles; empty if they can't be read."""
        try:
            text = self._read(state.failed(self._run, digest)).decode()
            return frozenset(map(int, text.split(",")))
        except (PermanentError, ValueError):
            return frozenset()

    def write_leavers(self, left: bytes, here: bytes) -> None:
        """Stores who has left, and who has not although the row was refused, as digests of PERSON bytes."""
        self._write(state.here(self._run), here)
        self._write(state.left(self._run), left)

    def read_leavers(self) -> tuple[set[bytes], set[bytes]]:
        """Raises PermanentError if they can't be read, StorageUnavailable if waiting may help."""
        left, here = (self._read(name) for name in (state.left(self._run), state.here(self._run)))
        return _people(left), _people(here)

    def write_chunk(self, number: int, chunk: Chunk) -> None:
        """Stores the outcome for some of the people who left, before and after it is carried out."""
        self._write(state.removal(self._run, number), chunk.model_dump_json().encode())

    def read_chunk(self, number: int) -> Chunk | None:
        """The chunk; None if it does not exist yet. Raises PermanentError if it can't be read."""
        name = state.removal(self._run, number)
        try:
            return Chunk.model_validate_json(self._read(name))
        except NotFound:
            return None
        except ValidationError:
            raise InvalidDocument(name, [Problem("", "is not what was removed")]) from None

    def write_looked_at(self, number: int, moments: Mapping[bytes, bytes]) -> None:
        """Stores people whose consents are used, with the hidden times of these."""
        content = b"".join(person + moment for person, moment in moments.items())
        self._write(state.subscribed(self._run, number), content)

    def looked_at(self, number: int) -> dict[bytes, bytes]:
        """Raises PermanentError if they can't be read, StorageUnavailable if waiting may help."""
        content = self._read(state.subscribed(self._run, number))
        starts = range(0, len(content), PERSON + MOMENT)
        return {content[at : at + PERSON]: content[at + PERSON : at + PERSON + MOMENT] for at in starts}

    def subscribed(self, chunks: int) -> dict[bytes, bytes]:
        """The people of all `chunks`, and of one that a holder may have begun. Raises as `looked_at` does."""
        found: dict[bytes, bytes] = {}
        for number in range(chunks + self.has_looked_at(chunks)):
            found |= self.looked_at(number)
        return found

    def has_looked_at(self, number: int) -> bool:
        """Whether a holder has begun this part."""
        try:
            self._store.stat(state.subscribed(self._run, number))
        except NotFound:
            return False
        return True

    def remove_looked_at(self, number: int) -> None:
        """Removes a part of which nobody was subscribed."""
        self._lock.check()
        self._store.delete(state.subscribed(self._run, number))

    def write_members(self, number: int, members: Iterable[tuple[bytes, str]]) -> None:
        """Stores some of the list's members: the digest of the address, and the profile's id."""
        lines = (f"{person.hex()} {profile_id}" for person, profile_id in members)
        self._write(state.members(self._run, number), "\n".join(lines).encode())

    def members(self, parts: int) -> Iterator[tuple[bytes, str]]:
        """All stored members. Raises PermanentError or ValueError if they can't be read."""
        for number in range(parts):
            for line in self._read(state.members(self._run, number)).decode().splitlines():
                person, _, profile_id = line.partition(" ")
                yield bytes.fromhex(person), profile_id

    def write_absent(self, number: int, part: Absent) -> None:
        """Stores people who were sent but are not among the members."""
        self._write(state.absent(self._run, number), part.model_dump_json().encode())

    def absent(self, parts: int) -> list[Absent]:
        """Raises PermanentError or ValueError if they can't be read."""
        names = (state.absent(self._run, number) for number in range(parts))
        return [Absent.model_validate_json(self._read(name)) for name in names]

    def write_cursor(self, cursor: str) -> None:
        """Stores where to continue reading the list's members."""
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
        """Stores refused rows in the part with this name."""
        self._write(state.rejected_part(self._run, part), lines.content())

    def join_rejected(
        self, partitions: Sequence[str], parts: Collection[str], checked: int, most: int
    ) -> int:
        """Writes the refused rows' file from these parts, and from the first `checked` rows of our checks.

        It lists at most `most` rows, first those that Klaviyo refused. Returns how many of these have their
        place, or have none because Klaviyo did not name them. Parts that can't be read are left out; raises
        StorageUnavailable if one may be readable later.
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
        """The lines of these parts that can be read."""
        for name in names:
            self._lock.check()
            try:
                yield from map(checked_line, csv.reader(io.StringIO(self._read(name).decode())))
            except (PermanentError, ValueError, csv.Error):
                logger.warning("%s can't be read: places of refused rows are missing", name)

    def _read(self, name: str) -> bytes:
        """Raises NotFound and InvalidDocument; StorageUnavailable if waiting may help."""
        try:
            return self._store.read(name, most=LONGEST_PART).content
        except StorageUnavailable as problem:
            if self._lock.run.may_wait_for_part():
                raise
            raise NotFound(problem.message) from None


def _people(content: bytes) -> set[bytes]:
    return {content[start : start + PERSON] for start in range(0, len(content), PERSON)}


def _in_order(lines: Iterable[list[str]]) -> Iterator[list[str]]:
    """The lines in the order of the rows, each once: older code may have split the parts elsewhere."""
    last = NO_PLACE
    for line in lines:
        place = (int(line[0]), int(line[1]))
        if place > last:
            last = place
            yield line


def remove_parts(store: Store, run_id: str) -> None:
    """Removes all parts of a closed run. One that can't be removed does no harm."""
    for blob in store.list(state.parts(run_id)):
        with suppress(PermanentError):
            store.delete(blob.name)


class CheckedRows:
    """Stores the first million rows that our own checks refuse in a pass, as they occur."""

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
        """Writes the rows that are not stored yet."""
        if self._lines.length:
            self._parts.write_rejected(state.checked_part(self._written), self._lines)
            self._written += 1
            self._lines = RejectedLines()
