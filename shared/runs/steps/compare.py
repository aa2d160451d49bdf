"""Chooses the ledger that a run compares with."""

from collections.abc import Callable

from shared.ledger import DigestKey, Ledger, LedgerLost
from shared.runs.heads.head import Head
from shared.runs.plan import PinnedLedger, Plan

type Read = Callable[[str], Ledger]
type Warn = Callable[[str, int], None]


def choose_ledger(
    plan: Plan, head: Head, key: DigestKey | None, read: Read, warn: Warn, *, full: bool
) -> PinnedLedger | None:
    """The ledger that a run of this plan compares with; `warn` receives codes and counts of warnings.

    Raises as `read` does, except LedgerLost.
    """
    export = plan.export
    if key is None:
        warn("no_ledger", 1)
        return None
    everybody = full or not export.sync.changed_only
    begun = PinnedLedger(key=key.id, everybody=everybody)
    if head.ledger is None:
        if head.may_have_sent:
            warn("ledger_lost", 1)
            return begun
        return begun.model_copy(update={"is_whole": True})
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
    return PinnedLedger(
        key=key.id, name=head.ledger, everybody=everybody, is_remapped=is_remapped, is_whole=True
    )
