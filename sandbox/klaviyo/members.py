"""The members of a list and when they joined: 16 bytes per member; a page costs only its own members."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

GONE = -1


class Members:
    """Members by the number of their profile. Each new member takes the next place; a member who leaves and
    joins again gets a new one.
    """

    def __init__(self) -> None:
        self._places = array("i")  # by number; GONE if not a member
        self._numbers = array("i")  # by place; GONE if the member has left
        self._times = array("d")  # by place, epoch s, ascending
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, number: int) -> bool:
        return number < len(self._places) and self._places[number] != GONE

    def __iter__(self) -> Iterator[int]:
        """Numbers in joining order."""
        return (number for number in self._numbers if number != GONE)

    def place(self, number: int) -> int:
        """The place of a member."""
        return self._places[number]

    def joined(self, number: int) -> float:
        """When a member joined, epoch s."""
        return self._times[self._places[number]]

    def add(self, numbers: Iterable[int], now: float) -> None:
        """Adds members; existing members do not change."""
        now = max(now, self._times[-1]) if self._times else now
        for number in numbers:
            self._make_room(number)
            if self._places[number] == GONE:
                self._places[number] = len(self._numbers)
                self._numbers.append(number)
                self._times.append(now)
                self._count += 1

    def discard(self, number: int) -> None:
        if number in self:
            self._numbers[self._places[number]] = GONE
            self._places[number] = GONE
            self._count -= 1

    def replace(self, source: int, destination: int) -> None:
        """Two profiles were merged: if only the source is a member, the destination takes its place."""
        if source in self and destination not in self:
            self._make_room(destination)
            place = self._places[source]
            self._numbers[place] = destination
            self._places[source], self._places[destination] = GONE, place
        self.discard(source)

    def after(self, place: int | None, *, descending: bool = False) -> Iterator[tuple[int, int]]:
        """Places and numbers after this place; from the first (or last) one if it is None."""
        last = len(self._numbers)
        ascending = range(0 if place is None else place + 1, last)
        places = range(last if place is None else min(place, last))[::-1] if descending else ascending
        return ((at, number) for at in places if (number := self._numbers[at]) != GONE)

    def since(self, time: float, *, included: bool) -> int:
        """The first place of the members who joined after this time, or, if `included`, at it."""
        return (bisect_left if included else bisect_right)(self._times, time)

    def _make_room(self, number: int) -> None:
        missing = number + 1 - len(self._places)
        if missing > 0:
            self._places.extend([GONE] * missing)
