"""The next ledger, from the one before and from what a run posted."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from shared.ledger.people import ENTRY, LEFT, NEVER, NOT_LEFT, VOID, WAITING, WIDTH, People
from shared.profiles.digests import PERSON

# Of an entry, behind what was sent: no flags, or that of somebody who waits; and nobody was subscribed.
_REST, _WAITING = b"\0" + NEVER, bytes((WAITING,)) + NEVER


@dataclass(frozen=True, slots=True)
class Posted:
    """The people of a post with what was sent of each, ENTRY bytes a person, in the post's order.

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
        """Without those at these places of the post."""
        entries = bytearray(self.entries)
        for place in sorted(places, reverse=True):
            del entries[place * ENTRY : (place + 1) * ENTRY]
        return Posted(bytes(entries), self.confirmed)

    def only(self, places: Iterable[int]) -> "Posted":
        """Those at these places, unconfirmed."""
        entries = b"".join(self.entries[place * ENTRY : (place + 1) * ENTRY] for place in sorted(places))
        return Posted(entries, confirmed=False)


@dataclass(frozen=True, slots=True)
class Leavers:
    """Who has left: all of them, and of these who is `gone` from the list, and who may be (`doubtful`)."""

    left: frozenset[bytes]
    gone: frozenset[bytes] = frozenset()
    doubtful: frozenset[bytes] = frozenset()


def updated(
    before: People, posts: Iterable[Posted], leavers: Leavers | None = None, *, subscribes: bool = False
) -> People:
    """Everybody who may be on the list after these posts.

    What was sent of somebody is certain where a post of it was confirmed, and no post of anything else is
    open. Without `leavers` it is not known who has left since. Where the export `subscribes`, who is new
    waits for that.
    """
    entries = bytearray(before.entries)
    new: list[bytes] = []
    for entry in _merged(sorted(chain.from_iterable(map(_entries, posts)))):
        number = before.find(entry[:PERSON]) if before else -1
        if number < 0:
            new.append(entry[:ENTRY] + _WAITING if subscribes else entry)
        else:
            start = number * WIDTH
            entries[start : start + ENTRY] = entry[:ENTRY]
            entries[start + ENTRY] &= WAITING
    after = People(_woven(before, bytes(entries), new))
    return after if leavers is None else _without(after, leavers)


def _without(people: People, leavers: Leavers) -> People:
    """Without those who are gone, and with a flag for those who have left and are not."""
    entries = bytearray(people.entries)
    entries[ENTRY::WIDTH] = people.entries[ENTRY::WIDTH].translate(NOT_LEFT)
    for person in leavers.left:
        number = people.find(person)
        if number >= 0:
            entries[number * WIDTH + ENTRY] |= LEFT
            if person in leavers.doubtful:
                entries[number * WIDTH + PERSON : number * WIDTH + ENTRY] = VOID
    return People(bytes(entries)).without(leavers.gone)


def _entries(post: Posted) -> list[bytes]:
    """Entries of the ledger, but for the byte of flags, which says that a person was not confirmed."""
    people = len(post.entries) // ENTRY
    entries = bytearray(people * WIDTH)
    for byte in range(ENTRY):
        entries[byte::WIDTH] = post.entries[byte::ENTRY]
    entries[ENTRY::WIDTH] = (b"\0" if post.confirmed else b"\1") * people
    return [bytes(entries[start : start + WIDTH]) for start in range(0, len(entries), WIDTH)]


def _merged(found: Iterable[bytes]) -> list[bytes]:
    """Each person once, from sorted entries, in which a confirmed one comes before the same one unconfirmed.

    What was sent is certain where the first is confirmed, and no other carries anything else.
    """
    merged: list[bytes] = []
    last = before = b""
    for entry in found:
        person = entry[:PERSON]
        if person != last:
            merged.append(person + VOID + _REST if entry[ENTRY] else entry)
            last, before = person, entry
        elif entry[PERSON:ENTRY] != before[PERSON:ENTRY]:
            merged[-1] = person + VOID + _REST
    return merged


def _woven(before: People, entries: bytes, new: list[bytes]) -> bytes:
    """The entries with the new ones, which are sorted, at their places."""
    if not before:
        return b"".join(new)
    pieces: list[bytes] = []
    start = 0
    for entry in new:
        place = before.place(entry) * WIDTH
        if place > start:
            pieces.append(entries[start:place])
            start = place
        pieces.append(entry)
    pieces.append(entries[start:])
    return b"".join(pieces)
