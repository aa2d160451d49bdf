"""Which rows leave: checked, each email once, and a place and a reason for every row that doesn't."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b

from shared.profiles.mapping import Filtered, Mapper, Profile, Refusal


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was refused; `column` may be blank, `stage` is check, import or job.

    Partition -1 stands for a row that nobody can name.
    """

    partition: int
    row: int
    column: str
    reason: str
    stage: str = "check"


class Selection:
    """One pass over the rows of a run. Its counts are right when the pass is at its end.

    Duplicates are told by a 128-bit digest of the lower-cased email, so that a million people take
    no more memory than a million digests.
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

    def profiles(self, rows: Iterable[tuple[int, int, list[str]]], mapper: Mapper) -> Iterator[Profile]:
        """The profiles that leave, from rows of (partition, number, cells), in the rows' order."""
        for partition, number, cells in rows:
            self.rows += 1
            try:
                profile = mapper.profile(partition, number, cells, self._warn)
            except Filtered:
                self.filtered += 1
                continue
            except Refusal as refusal:
                self.rejected_by_reason[refusal.reason] += 1
                self._reject(Rejected(partition, number, refusal.column, refusal.reason))
                continue
            digest = blake2b(profile.email.encode(), digest_size=16).digest()
            if digest in self._seen:
                self.duplicates += 1
                continue
            self._seen.add(digest)
            yield profile

    def _warn(self, code: str) -> None:
        self.warnings[code] += 1
