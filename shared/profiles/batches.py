"""Profiles packed into batches that fit into one import job."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from hashlib import blake2b
from operator import add

from shared.profiles.digests import CONTENT, PERSON
from shared.profiles.profile import Profile, Why

# Unusual profiles are sent separately: if one is refused, few others have to be sent again.
MOST_UNUSUAL = 500
# Profiles converted to columns at a time: fewer take longer, more keep the garbage collector busy.
_FEW = 256


class Batch:
    """The profiles of one import job, in the order in which they are posted.

    They are stored in columns: as objects, 90,000 of them would keep the garbage collector busy, and take 200
    bytes more each.
    """

    def __init__(self, profiles: Iterable[Profile] = ()) -> None:
        self.payloads: list[bytes] = []
        self.whys: list[Why] = []
        self._partitions = array("q")
        self._rows = array("q")
        self._people = bytearray()
        self._contents = bytearray()
        self.extend(list(profiles))

    def extend(self, profiles: Sequence[Profile]) -> None:
        """Appends profiles; not allowed after `digest` was read."""
        if profiles:
            partitions, rows, people, contents, payloads, _, _, whys = zip(*profiles, strict=True)
            self._partitions.extend(partitions)
            self._rows.extend(rows)
            self._people += b"".join(people)
            self._contents += b"".join(contents)
            self.payloads += payloads
            self.whys += whys

    def __len__(self) -> int:
        return len(self.payloads)

    @cached_property
    def digest(self) -> str:
        """Identifies the content: within a run, the same profiles in the same order have the same digest."""
        return blake2b(self._contents, digest_size=16).hexdigest()

    def places(self) -> Iterator[tuple[int, int]]:
        """The partition and the row of each profile."""
        return zip(self._partitions, self._rows, strict=True)

    def people(self) -> list[bytes]:
        """The digest of each person."""
        return _parts(self._people, PERSON)

    def entries(self) -> bytes:
        """The digests of each person and content, joined."""
        return b"".join(map(add, self.people(), _parts(self._contents, CONTENT)))

    def count(self, why: Why) -> int:
        """How many profiles are sent for this reason."""
        return self.whys.count(why)

    def without(self, indexes: set[int]) -> "Batch":
        """The batch without the profiles at these places."""
        return self._only([index for index in range(len(self)) if index not in indexes])

    def halves(self) -> tuple["Batch", "Batch"]:
        middle = len(self) // 2
        return self._only(range(middle)), self._only(range(middle, len(self)))

    def _only(self, indexes: Iterable[int]) -> "Batch":
        places, people = list(self.places()), self.people()
        contents = _parts(self._contents, CONTENT)
        return Batch(
            Profile(
                *places[index], people[index], contents[index], self.payloads[index], why=self.whys[index]
            )
            for index in indexes
        )


def _parts(joined: bytearray, size: int) -> list[bytes]:
    content = bytes(joined)
    return [content[start : start + size] for start in range(0, len(content), size)]


def pack(profiles: Iterable[Profile], *, most_profiles: int, most_bytes: int) -> Iterator[Batch]:
    """Batches of at most `most_profiles` and `most_bytes` of payloads, including the commas between them.

    Plain and unusual profiles go into separate batches; every profile into exactly one. A profile larger than
    `most_bytes` has its own batch.
    """
    plain, unusual = _Packer(most_profiles, most_bytes), _Packer(MOST_UNUSUAL, most_bytes)
    for profile in profiles:
        full = (plain if profile.plain else unusual).add(profile)
        if full is not None:
            yield full
    for packer in (plain, unusual):
        if (rest := packer.take()) is not None:
            yield rest


class _Packer:
    def __init__(self, most_profiles: int, most_bytes: int) -> None:
        self._most_profiles = most_profiles
        self._most_bytes = most_bytes
        self._batch = Batch()
        self._waiting: list[Profile] = []
        self._count = self._bytes = 0

    def add(self, profile: Profile) -> Batch | None:
        """Adds the profile; returns the previous batch if it had no room for the profile."""
        size = len(profile.payload) + 1
        full = None
        if self._count == self._most_profiles or self._bytes + size > self._most_bytes + 1:
            full = self.take()
        self._waiting.append(profile)
        self._count += 1
        self._bytes += size
        if len(self._waiting) == _FEW:
            self._batch.extend(self._waiting)
            self._waiting.clear()
        return full

    def take(self) -> Batch | None:
        """The profiles added since the last batch, if any."""
        batch = self._batch
        batch.extend(self._waiting)
        self._batch, self._waiting, self._count, self._bytes = Batch(), [], 0, 0
        return batch if batch else None
