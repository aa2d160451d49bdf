"""Profiles packed into batches that one import job can take."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

from shared.profiles.profile import Profile, Why

# Unusual profiles travel apart, so that few others have to be sent again if one of them is refused.
MOST_UNUSUAL = 500


@dataclass(frozen=True)
class Batch:
    """The profiles of one import job, in the order in which they are posted."""

    profiles: Sequence[Profile]

    def __len__(self) -> int:
        return len(self.profiles)

    def payloads(self) -> list[bytes]:
        return [profile.payload for profile in self.profiles]

    @cached_property
    def digest(self) -> str:
        """Names what is posted: the same profiles in the same order have the same digest in all of a run."""
        contents = b"".join([profile.content for profile in self.profiles])
        return blake2b(contents, digest_size=16).hexdigest()

    def count(self, why: Why) -> int:
        """How many leave for this reason."""
        return sum(profile.why is why for profile in self.profiles)

    def without(self, indexes: set[int]) -> "Batch":
        """The batch without the profiles at these places."""
        return Batch([profile for place, profile in enumerate(self.profiles) if place not in indexes])

    def halves(self) -> tuple["Batch", "Batch"]:
        middle = len(self.profiles) // 2
        return Batch(self.profiles[:middle]), Batch(self.profiles[middle:])


def pack(profiles: Iterable[Profile], *, most_profiles: int, most_bytes: int) -> Iterator[Batch]:
    """Batches of at most so many profiles and bytes of payloads, including the commas between them.

    Plain and unusual profiles go into batches of their own; every profile into exactly one. A profile that
    is larger than `most_bytes` has a batch to itself.
    """
    plain, unusual = _Packer(most_profiles, most_bytes), _Packer(MOST_UNUSUAL, most_bytes)
    for profile in profiles:
        full = (plain if profile.plain else unusual).add(profile)
        if full is not None:
            yield full
    for packer in (plain, unusual):
        if packer.profiles:
            yield Batch(packer.profiles)


class _Packer:
    def __init__(self, most_profiles: int, most_bytes: int) -> None:
        self._most_profiles = most_profiles
        self._most_bytes = most_bytes
        self.profiles: list[Profile] = []
        self._bytes = 0

    def add(self, profile: Profile) -> Batch | None:
        """Adds the profile; returns the batch that had no room for it, if there was one."""
        size = len(profile.payload) + 1
        full = None
        if self.profiles and (
            len(self.profiles) == self._most_profiles or self._bytes + size > self._most_bytes + 1
        ):
            full, self.profiles, self._bytes = Batch(self.profiles), [], 0
        self.profiles.append(profile)
        self._bytes += size
        return full
