"""Which rows leave: checked, each email once, with a place and a reason for every row that doesn't."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from shared.profiles.mapper import Mapper
from shared.profiles.profile import Filtered, Profile, Refusal


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


class Selection:
    """One pass over the rows of a run. Its counts are complete when the pass ends.

    Duplicates are recognized by the profiles' digests: 80 MB for a million. `warnings` counts values of the
    profiles that leave.
    """

    def __init__(self, reject: Callable[[Rejected], None]) -> None:
        self._reject = reject
        self._seen: set[bytes] = set()
        self.rows = 0
        self.filtered = 0
        self.duplicates = 0
        self.rejected_by_reason: Counter[str] = Counter()
        self.warnings: Counter[str] = Counter()

    @property
    def rejected(self) -> int:
        return self.rejected_by_reason.total()

    def profiles(
        self, rows: Iterable[tuple[int, int, Sequence[str] | str]], mapper: Mapper
    ) -> Iterator[Profile]:
        """The profiles that leave, in the order of the rows: (partition, number, cells).

        If a row could not be read, a text takes the place of the cells: the code of the reason.
        """
        for partition, number, cells in rows:
            self.rows += 1
            try:
                if isinstance(cells, str):
                    raise Refusal("", cells)  # noqa: TRY301 - refused like any other
                profile = mapper.profile(partition, number, cells)
            except Filtered:
                self.filtered += 1
                continue
            except Refusal as refusal:
                self.rejected_by_reason[refusal.reason] += 1
                self._reject(Rejected(partition, number, refusal.column, refusal.reason))
                continue
            if profile.person in self._seen:
                self.duplicates += 1
                continue
            self._seen.add(profile.person)
            if profile.warnings:
                self.warnings.update(profile.warnings)
            yield profile
