"""People as packed, sorted entries, found by the beginning of their digest.

A million take 31 MB. An entry has the digest of the person, the digest of what was sent, a byte of flags, and
the time of the consent by which the person was last subscribed, hidden under the digest key.
"""

import sys
from array import array
from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from itertools import accumulate

from shared.profiles.digests import CONTENT, MOMENT, PERSON

# Bytes of a person and a content, as stored in a part of a run; and of a whole entry.
ENTRY = PERSON + CONTENT
WIDTH = ENTRY + 1 + MOMENT
# A content that was sent, but not certainly.
VOID = bytes(CONTENT)
# The time of a person who was never subscribed.
NEVER = bytes(MOMENT)
# Flags: the person has left the segment but is still on the list; has left the list, but not through this
# app; is new and still to be subscribed; was certainly imported, no matter what was sent since.
LEFT, OFF, WAITING, IMPORTED = 1, 2, 4, 8
OFF_ONLY = bytes(flags & OFF for flags in range(256))
NOT_LEFT = bytes(flags & ~LEFT for flags in range(256))
_IS_LITTLE = sys.byteorder == "little"


class People:
    """Sorted entries, each person once, numbered from 0. Raises ValueError for other bytes."""

    def __init__(self, entries: bytes = b"") -> None:
        if len(entries) % WIDTH:
            raise ValueError("not a whole number of entries")
        self.entries = entries
        # About 16 people share a beginning, of two bytes at most.
        self._shift = max(0, 20 - max(4, len(self).bit_length()))

    def __len__(self) -> int:
        return len(self.entries) // WIDTH

    def find(self, person: bytes) -> int:
        """The person's number; -1 if not found."""
        prefix = (person[0] << 8 | person[1]) >> self._shift
        end = self._ends[prefix + 1]
        place = self.entries.find(person, self._ends[prefix], end)
        while place % WIDTH and place >= 0:  # by chance, the end of one entry and the beginning of another
            place = self.entries.find(person, place + 1, end)
        return place // WIDTH if place >= 0 else -1

    def place(self, person: bytes) -> int:
        """The number that the person has, or would have."""
        prefix = (person[0] << 8 | person[1]) >> self._shift
        low, high = self._ends[prefix] // WIDTH, self._ends[prefix + 1] // WIDTH
        while low < high:
            middle = (low + high) // 2
            if self.entries[middle * WIDTH : middle * WIDTH + PERSON] < person:
                low = middle + 1
            else:
                high = middle
        return low

    def person(self, number: int) -> bytes:
        return self.entries[number * WIDTH : number * WIDTH + PERSON]

    def entry(self, number: int) -> bytes:
        """The whole entry."""
        return self.entries[number * WIDTH : (number + 1) * WIDTH]

    def content(self, number: int) -> bytes:
        """The digest of what was sent; zeros if that is uncertain."""
        start = number * WIDTH + PERSON
        return self.entries[start : start + CONTENT]

    def moment(self, number: int) -> bytes:
        """The time of the consent by which the person was last subscribed, hidden; zeros for never."""
        return self.entries[number * WIDTH + ENTRY + 1 : (number + 1) * WIDTH]

    def is_waiting(self, number: int) -> bool:
        """Whether the person was new and is still to be subscribed."""
        return bool(self.entries[number * WIDTH + ENTRY] & WAITING)

    def is_left(self, number: int) -> bool:
        """Whether the person has left the segment."""
        return bool(self.entries[number * WIDTH + ENTRY] & LEFT)

    def is_given_up(self, number: int) -> bool:
        """Whether the person has left, and is sent again on return: then other exports may remove them."""
        return self.is_left(number) and self.content(number) == VOID

    def is_off(self, number: int) -> bool:
        """Whether the person has left the list by themselves."""
        return bool(self.entries[number * WIDTH + ENTRY] & OFF)

    def is_imported(self, number: int) -> bool:
        """Whether the person was certainly put on the list, and not removed from it by this app since."""
        return self.content(number) != VOID or bool(self.entries[number * WIDTH + ENTRY] & IMPORTED)

    @property
    def any_off(self) -> bool:
        return any(self.entries[ENTRY::WIDTH].translate(OFF_ONLY))

    def marked(self, off: Iterable[bytes], back: Iterable[bytes], *, readd: bool) -> "People":
        """A copy with people marked as `off` the list or `back` on it. With `readd`, those who are off count
        as on the list with uncertain content, so they are sent again."""
        entries = bytearray(self.entries)
        for person in back:
            entries[self.find(person) * WIDTH + ENTRY] &= ~OFF
        for person in off:
            entries[self.find(person) * WIDTH + ENTRY] |= OFF
        people = People(bytes(entries))
        return people._readded() if readd else people

    def _readded(self) -> "People":
        entries = bytearray(self.entries)
        for number in range(len(self)):
            if self.is_off(number):
                start = number * WIDTH
                entries[start + PERSON : start + ENTRY] = VOID
                entries[start + ENTRY] &= ~(OFF | IMPORTED)
        return People(bytes(entries))

    def voided(self) -> "People":
        """The same people, all with uncertain content."""
        entries, nothing = bytearray(self.entries), bytes(len(self))
        for number in range(len(self)):
            entries[number * WIDTH + ENTRY] |= IMPORTED * self.is_imported(number)
        for byte in range(PERSON, ENTRY):
            entries[byte::WIDTH] = nothing
        return People(bytes(entries))

    def without(self, persons: Iterable[bytes]) -> "People":
        """The same people except for these."""
        numbers = sorted({number for person in persons if (number := self.find(person)) >= 0})
        if not numbers:
            return self
        entries, pieces, start = memoryview(self.entries), list[memoryview](), 0
        for number in numbers:
            pieces.append(entries[start : number * WIDTH])
            start = (number + 1) * WIDTH
        pieces.append(entries[start:])
        return People(b"".join(pieces))

    @cached_property
    def _ends(self) -> array[int]:
        """The byte where the entries of each beginning start; the last is the end of all entries."""
        prefixes = array("H", bytes(2 * len(self)))
        with memoryview(prefixes).cast("B") as beginnings:
            first, second = (1, 0) if _IS_LITTLE else (0, 1)
            beginnings[first::2] = self.entries[0::WIDTH]
            beginnings[second::2] = self.entries[1::WIDTH]
        lengths = array("Q", bytes(8 * ((1 << 16) >> self._shift)))
        for prefix, count in Counter(prefixes).items():
            lengths[prefix >> self._shift] += count * WIDTH
        return array("Q", accumulate(lengths, initial=0))
