"""Selects the rows to send: checked, each email once, with place and reason for every refused row."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.profiles.digest_set import DigestSet
from shared.profiles.mapper import Mapper
from shared.profiles.profile import Filtered, Profile, Refusal, Why


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was refused; `column` may be blank, `stage` is check, import or job.

    Partition -1 stands for an unknown row.
    """

    partition: int
    row: int
    column: str
    reason: str
    stage: str = "check"


class Known(Protocol):
    """The people who were sent before, numbered from 0, and what was sent."""

    def __len__(self) -> int: ...

    def find(self, person: bytes) -> int:
        """The person's number; -1 if never sent."""

    def person(self, number: int) -> bytes:
        """The person's digest."""

    def content(self, number: int) -> bytes:
        """The digest of what was sent; zeros if that is uncertain."""

    @property
    def any_off(self) -> bool:
        """Whether anybody has left the list by themselves."""

    def is_off(self, number: int) -> bool:
        """Whether the person has left the list by themselves."""


class _Nobody:
    def __len__(self) -> int:
        return 0

    def find(self, _: bytes) -> int:
        return -1

    def person(self, _: int) -> bytes:
        return b""

    def content(self, _: int) -> bytes:
        return b""

    any_off = False

    def is_off(self, _: int) -> bool:
        return False


NOBODY: Known = _Nobody()


class Selection:
    """One pass over the rows of a run. Its counts are complete when the pass ends.

    People whose content is unchanged are not sent, unless `everybody` is to be sent, nor are those who have
    left by themselves (`off`). If they were last sent by another mapping (`is_remapped`), nobody counts as
    changed. Those in `erased` are refused. Duplicates are recognized by the digests of new people, 23 MB for
    a million, and by a mark for each of the others. `warnings` counts values of the profiles that are sent,
    `unreadable` counts refused rows whose person is unknown.
    """

    def __init__(
        self,
        reject: Callable[[Rejected], None],
        known: Known = NOBODY,
        *,
        everybody: bool = False,
        is_remapped: bool = False,
        erased: Collection[bytes] = frozenset(),
    ) -> None:
        self._reject = reject
        self._known = known
        self._everybody = everybody
        self._is_remapped = is_remapped
        self._erased = erased
        self._new = DigestSet()
        self._met = bytearray(len(known))
        # Their rows are not sent, but they have not left the segment.
        self._refused = DigestSet()
        self.unreadable = 0
        self.rows_by_segment: dict[str, int] = {}
        self.rows = 0
        self.filtered = 0
        self.duplicates = 0
        self.unchanged = 0
        self.off = 0
        self.rejected_by_reason: Counter[str] = Counter()
        self.warnings: Counter[str] = Counter()

    @property
    def rejected(self) -> int:
        return self.rejected_by_reason.total()

    def profiles(
        self, rows: Iterable[tuple[int, int, Sequence[str] | str]], mapper: Mapper
    ) -> Iterator[Profile]:
        """The profiles to send, in the order of the rows: (partition, number, cells).

        For a row that could not be read, a text replaces the cells: the code of the reason.
        """
        known, met, everybody, any_off = self._known, self._met, self._everybody, self._known.any_off
        erased, knows_anybody = self._erased, len(known) > 0
        for partition, row, cells in rows:
            self.rows += 1
            person = b""
            try:
                if isinstance(cells, str):
                    raise Refusal("", cells)  # noqa: TRY301 - refused like any other
                person, content = mapper.identify(cells)
                if person in erased:
                    raise Refusal("", "erased")  # noqa: TRY301 - refused like any other
                number = known.find(person) if knows_anybody else -1
                if number >= 0 and not met[number]:
                    is_off = any_off and known.is_off(number)
                    if is_off or (not everybody and known.content(number) == content):
                        met[number] = 1
                        self.unchanged += 1
                        self.off += is_off
                        continue
                profile = mapper.profile(partition, row, cells, person, content)
            except Filtered:
                self.filtered += 1
                continue
            except Refusal as refusal:
                self.rejected_by_reason[refusal.reason] += 1
                self._reject(Rejected(partition, row, refusal.column, refusal.reason))
                if person:
                    self._refused.add(person)
                else:
                    self.unreadable += 1
                continue
            if met[number] if number >= 0 else not self._new.add(person):
                self.duplicates += 1
                continue
            if number >= 0:
                met[number] = 1
                profile = profile._replace(why=self._why(number))
            if profile.warnings:
                self.warnings.update(profile.warnings)
            yield profile

    def has(self, person: bytes) -> bool:
        """Whether a row of the person can be sent."""
        number = self._known.find(person)
        return bool(self._met[number]) if number >= 0 else person in self._new

    @property
    def present(self) -> int:
        """How many people have a row that can be sent."""
        return len(self._new) + len(self._met) - self._met.count(0)

    def leavers(self) -> Iterator[bytes]:
        """People who were sent before and no longer have a row, neither one to send nor a refused one.

        Excludes people who have left the list by themselves: that is remembered."""
        known, any_off = self._known, self._known.any_off
        number = self._met.find(0)
        while number >= 0:
            person = known.person(number)
            if person not in self._refused and not (any_off and known.is_off(number)):
                yield person
            number = self._met.find(0, number + 1)

    def refused(self) -> bytes:
        """The digests of people whose rows were refused, joined; without rows whose person is unknown."""
        return self._refused.joined()

    def _why(self, number: int) -> Why:
        """For a person who was sent before."""
        is_comparable = any(self._known.content(number)) and not self._is_remapped
        return Why.CHANGED if is_comparable and not self._everybody else Why.AGAIN
