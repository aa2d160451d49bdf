"""Takes who has left the segment off the list: off that list only, and nobody of whom there is a doubt."""

import logging
from typing import override

from shared.errors import ExportError, PermanentError, TryLater
from shared.ledger import LedgerLost, read_key
from shared.profiles import Digests
from shared.runs.due import is_superseded
from shared.runs.holder import Holder
from shared.runs.lock.account import lock_account
from shared.runs.steps.leavers import Leavers
from shared.runs.steps.others import read_others
from shared.runs.steps.parts import Parts
from shared.runs.steps.permit import RunPermit

logger = logging.getLogger(__name__)

# Seconds until another export into the list is looked at again.
OTHERS_AGAIN = 60.0


class NewerSnapshot(ExportError):
    """A newer snapshot decides who has left."""


class RemovalPermit(RunPermit):
    """Everything that can forbid to remove somebody."""

    @override
    def check(self) -> None:
        """Raises NewerSnapshot, and what a run's permit raises."""
        holder = self._holder
        versions = holder.plan.versions()
        if is_superseded(versions, holder.services.segments.versions(versions)):
            raise NewerSnapshot("A newer snapshot is there.")
        super().check()


def remove(holder: Holder) -> bool:
    """Removes those who left, and lets the run go on; False where the time is over before."""
    run, parts = holder.run, Parts(holder.lock)
    removal, export = run.removal, holder.plan.export
    if removal is None:
        raise LookupError("nobody has left")
    klaviyo = holder.klaviyo()
    with lock_account(holder.services, holder.plan.account_id) as account:
        others = read_others(holder)
        try:
            left, here = parts.read_leavers()
        except PermanentError:
            run.postpone_removals()
            return True
        kept = {person for person in left if others.want(person)}
        run.begin_removing(holder.now(), len(kept))
        if others.is_busy and removal.may_wait_for_others(holder.now()):
            message = f"Another export into the list {export.list_id} is about to send."
            raise TryLater(message, code="other_export_sends", retry_after=OTHERS_AGAIN)
        if others.is_unknown or removal.is_held(export.sync.max_removal_share, run.confirmed):
            run.hold_removals()
            logger.warning("run %s: removals are held: %s", run.record.id, removal.model_dump_json())
            return True
        permit = RemovalPermit(holder, account)
        leavers = Leavers(holder, removal, klaviyo, permit, _digests(holder), others, left, here)
        is_complete = leavers.remove(left - kept)
    if is_complete:
        run.finish_removing()
    return is_complete


def _digests(holder: Holder) -> Digests:
    key, pinned = read_key(holder.services.vault), holder.plan.ledger
    if key is None or pinned is None or key.id != pinned.key:
        raise LedgerLost("The digest key is not the one that it was when the run began.")
    return Digests(key.key)
