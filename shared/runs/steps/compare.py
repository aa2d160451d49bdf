"""Which ledger a run compares with, and what it takes from it."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.ledger import DigestKey, Ledger, LedgerLost
from shared.profiles import NOBODY, UNKEYED, Digests, Known, Rejected, Selection
from shared.runs.heads.head import Head
from shared.runs.plan import PinnedLedger, Plan

type Read = Callable[[str], Ledger]
type Warn = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a pass over the rows compares with: by default nothing, and everybody goes."""

    digests: Digests
    known: Known = NOBODY
    everybody: bool = False
    is_remapped: bool = False
    erased: frozenset[bytes] = frozenset()

    def select(self, reject: Callable[[Rejected], None]) -> Selection:
        return Selection(
            reject,
            self.known,
            everybody=self.everybody,
            is_remapped=self.is_remapped,
            erased=self.erased,
        )


def choose_ledger(
    plan: Plan, head: Head, key: DigestKey | None, read: Read, warn: Warn, *, full: bool
) -> PinnedLedger | None:
    """The ledger that a run of this plan compares with; `warn` is told codes and counts of warnings.

    Raises what `read` raises, save LedgerLost.
    """
    export = plan.export
    if key is None:
        warn("no_ledger", 1)
        return None
    everybody = full or not export.sync.changed_only
    begun = PinnedLedger(key=key.id, everybody=everybody)
    if head.ledger is None:
        if head.last_success is not None:
            warn("ledger_lost", 1)
        return begun
    try:
        ledger = read(head.ledger)
    except LedgerLost:
        warn("ledger_lost", 1)
        return begun
    header = ledger.header
    if header.export != export.id or header.key != key.id:
        warn("ledger_lost", 1)
        return begun
    if (header.account, header.list) != (plan.account_id, export.list_id):
        warn("old_list_kept", len(ledger.people))
        return begun
    is_remapped = header.mapping != plan.mapping().fingerprint()
    return PinnedLedger(key=key.id, name=head.ledger, everybody=everybody, is_remapped=is_remapped)


def comparison_of(
    plan: Plan, key: DigestKey | None, read: Read, erased: frozenset[bytes] = frozenset()
) -> Comparison:
    """What a run of this plan compares with, and who was `erased` before it began.

    Raises LedgerLost where the key or the ledger is not any more what it was when the run began.
    """
    pinned = plan.ledger
    if plan.digest_key is None:
        return Comparison(UNKEYED)
    if key is None or key.id != plan.digest_key:
        raise LedgerLost("The digest key is not the one that it was when the run began.")
    if pinned is None:
        return Comparison(Digests(key.key), erased=erased)
    known = NOBODY if pinned.name is None else read(pinned.name).people
    return Comparison(Digests(key.key), known, pinned.everybody, pinned.is_remapped, erased)
