"""The next ledger, from the previous one and a run's posts."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise

from shared.ledger.people import ENTRY, IMPORTED, LEFT, NEVER, NOT_LEFT, VOID, WAITING, WIDTH, People
from shared.profiles.digests import PERSON

# The end of an entry, after the content: no flags, or the flag WAITING; and never subscribed.
_REST, _WAITING = b"\0" + NEVER, bytes((WAITING,)) + NEVER
_CONFIRMED, _UNCONFIRMED = b"\0", b"\1"
# Bytes of an entry of a post with one of these.
_MARKED = ENTRY + 1
# The beginnings of ranges of digests, which are sorted one after another: as single objects, all entries
# together would need much memory.
_LIMITS = [bytes((first,)) for first in range(0, 256, 4)]


@dataclass(frozen=True, slots=True)
class Posted:
    """The people and contents of a post, ENTRY bytes a person, in the post's order.

    `confirmed`: Klaviyo has imported them all. Raises ValueError for other bytes.
    """

    entries: bytes
    confirmed: bool

    def __post_init__(self) -> None:
        if len(self.entries) % ENTRY:
            raise ValueError("not a whole number of people")

    def __len__(self) -> int:
        return len(self.entries) // ENTRY

    def people(self) -> Iterator[bytes]:
        """Their digests."""
        return (self.entries[start : start + PERSON] for start in range(0, len(self.entries), ENTRY))

    def without(self, places: Iterable[int]) -> "Posted":
        """All except those at these places of the post."""
        entries = bytearray(self.entries)
        for place in sorted(places, reverse=True):
            del entries[place * ENTRY : (place + 1) * ENTRY]
        return Posted(bytes(entries), self.confirmed)

    def only(self, places: Iterable[int]) -> "Posted":
        """Only those at these places, as unconfirmed."""
        entries = b"".join(self.entries[place * ENTRY : (place + 1) * ENTRY] for place in sorted(places))
        return Posted(entries, confirmed=False)


@dataclass(frozen=True, slots=True)
class Leavers:
    """People who have `left` the segment; of these, those `gone` from the list, and those who may be."""

    left: frozenset[bytes]
    gone: frozenset[bytes] = frozenset()
    doubtful: frozenset[bytes] = frozenset()


def updated(
    before: People, posts: Iterable[Posted], leavers: Leavers | None = None, *, subscribes: bool = False
) -> People:
    """All people who may be on the list after these posts.

    A person's content is certain if a post of it was confirmed and no post of another content is open.
    Without `leavers`, it is unknown who has left since. If the export `subscribes`, new people wait to be
    subscribed.
    """
    entries, new = bytearray(before.entries), BytesIO()
    rest = _WAITING if subscribes else _REST
    for found in _in_order(posts):
        for entry in _merged(found):
            number = before.find(entry[:PERSON]) if before else -1
            if number < 0:
                new.write(entry + rest)
            else:
                start = number * WIDTH
                was_imported = entry.endswith(VOID) and before.is_imported(number)
                entries[start : start + ENTRY] = entry
                entries[start + ENTRY] &= WAITING
                entries[start + ENTRY] |= IMPORTED * was_imported
    if leavers is not None:
        _mark(before, entries, leavers)
    staying = People(bytes(entries))
    del entries  # the copies are large
    return _woven(staying.without(leavers.gone) if leavers is not None else staying, new.getvalue())


def _mark(people: People, entries: bytearray, leavers: Leavers) -> None:
    """Marks exactly the people who have left."""
    entries[ENTRY::WIDTH] = entries[ENTRY::WIDTH].translate(NOT_LEFT)
    for person in leavers.left:
        number = people.find(person)
        if number >= 0:
            entries[number * WIDTH + ENTRY] |= LEFT
            if person in leavers.doubtful:
                entries[number * WIDTH + PERSON : number * WIDTH + ENTRY] = VOID
                entries[number * WIDTH + ENTRY] &= ~IMPORTED


def _in_order(posts: Iterable[Posted]) -> Iterator[list[bytes]]:
    """Sorted entries of all posts, range by range, each with a byte that shows whether it is confirmed.

    A range is freed as soon as it is sorted. Each is one large object, so the system gets its memory back.
    """
    ranges = [bytearray() for _ in _LIMITS]
    for post in posts:
        mark = _CONFIRMED if post.confirmed else _UNCONFIRMED
        starts = range(0, len(post.entries), ENTRY)
        entries = sorted(post.entries[start : start + ENTRY] + mark for start in starts)
        limits = [*(bisect_left(entries, limit) for limit in _LIMITS), len(entries)]
        for content, (first, end) in zip(ranges, pairwise(limits), strict=True):
            content += b"".join(entries[first:end])
    ranges.reverse()
    while ranges:
        joined = bytes(ranges.pop())
        yield sorted(joined[start : start + _MARKED] for start in range(0, len(joined), _MARKED))


def _merged(found: Iterable[bytes]) -> list[bytes]:
    """Each person once with their content, from sorted entries, in which a confirmed entry precedes the same
    entry unconfirmed.

    The content is certain if the first entry is confirmed, and no other has another content.
    """
    merged: list[bytes] = []
    last = before = b""
    for marked in found:
        entry = marked[:ENTRY]
        person = entry[:PERSON]
        if person != last:
            merged.append(entry if marked.endswith(_CONFIRMED) else person + VOID)
            last, before = person, entry
        elif entry != before:
            merged[-1] = person + VOID
    return merged


def _woven(people: People, new: bytes) -> People:
    """The people together with the new ones, whose entries are sorted, too."""
    if not new:
        return people
    if not people:
        return People(new)
    pieces: list[memoryview] = []
    old, others, start = memoryview(people.entries), memoryview(new), 0
    for number in range(0, len(new), WIDTH):
        place = people.place(new[number : number + PERSON]) * WIDTH
        pieces += (old[start:place], others[number : number + WIDTH])
        start = place
    return People(b"".join((*pieces, old[start:])))
