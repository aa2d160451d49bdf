"""The next ledger, from the one before and from what a run posted."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from shared.ledger.people import ENTRY, LEFT, VOID, WIDTH, People
from shared.profiles.digests import CONTENT, PERSON

_NO_FLAGS = b"\0"


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


def updated(before: People, posts: Iterable[Posted], leavers: Leavers | None = None) -> People:
    """Everybody who may be on the list after these posts.

    What was sent of somebody is certain where a post of it was confirmed, and no post of anything else is
    open. Without `leavers` it is not known who has left since.
    """
    found = sorted(entry for post in posts for entry in _entries(post))
    entries = bytearray(before.entries)
    new: list[bytes] = []
    for person, same in groupby(found, itemgetter(slice(PERSON))):
        content = _content([entry[PERSON:] for entry in same])
        number = before.find(person)
        if number < 0:
            new.append(person + content + _NO_FLAGS)
        else:
            start = number * WIDTH + PERSON
            entries[start : start + CONTENT + 1] = content + _NO_FLAGS
    after = People(_woven(before, bytes(entries), new))
    return after if leavers is None else _without(after, leavers)


def _without(people: People, leavers: Leavers) -> People:
    """Without those who are gone, and with a flag for those who have left and are not."""
    entries = bytearray(people.entries)
    entries[ENTRY::WIDTH] = bytes(len(people))
    for person in leavers.left:
        number = people.find(person)
        if number >= 0:
            entries[number * WIDTH + ENTRY] = LEFT
            if person in leavers.doubtful:
                entries[number * WIDTH + PERSON : number * WIDTH + ENTRY] = VOID
    return People(bytes(entries)).without(leavers.gone)


def _entries(post: Posted) -> Iterable[bytes]:
    """Each with a byte at its end that says whether it was confirmed."""
    end = b"\1" if post.confirmed else b"\0"
    return (post.entries[start : start + ENTRY] + end for start in range(0, len(post.entries), ENTRY))


def _content(contents: list[bytes]) -> bytes:
    """What was sent of a person for certain, from all that was posted of it."""
    certain = {content[:-1] for content in contents if content[-1]}
    posted = {content[:-1] for content in contents}
    return posted.pop() if certain and len(posted) == 1 else VOID


def _woven(before: People, entries: bytes, new: list[bytes]) -> bytes:
    """The entries with the new ones, which are sorted, at their places."""
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
