"""Takes who has left the segment off the list: off that list only, and nobody of whom there is a doubt."""

import logging
from contextlib import suppress
from itertools import batched
from typing import override

from shared.errors import ExportError, PermanentError, TryLater
from shared.klaviyo import MOST_REMOVED, Klaviyo
from shared.runs.due import is_superseded
from shared.runs.holder import Holder
from shared.runs.lock.account import lock_account
from shared.runs.removal import Removal
from shared.runs.steps.known import digests_of
from shared.runs.steps.leavers import Leavers
from shared.runs.steps.others import Others, read_others
from shared.runs.steps.parts import Chunk, Parts
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
    """Removes those who left, and strangers, and lets the run go on; False where the time is over before."""
    run, parts = holder.run, Parts(holder.lock)
    removal, sync = run.removal, holder.plan.export.sync
    if removal is None:
        raise LookupError("it is not known who has left")
    klaviyo = holder.klaviyo()
    with lock_account(holder.services, holder.plan.account_id) as account:
        others = read_others(holder.services, holder.plan)
        try:
            left, here = parts.read_leavers()
        except PermanentError:
            run.postpone_removals()
            return True
        kept = {person for person in left if others.want(person)}
        run.begin_removing(holder.now(), len(kept), is_shared=others.are_there)
        if others.is_busy and removal.left and removal.may_wait_for_others(holder.now()):
            message = f"Another export into the list {holder.plan.export.list_id} is about to send."
            raise TryLater(message, code="other_export_sends", retry_after=OTHERS_AGAIN)
        permit = RemovalPermit(holder, account)
        leavers = Leavers(holder, removal, klaviyo, permit, digests_of(holder), others, left, here)
        held = 0
        if others.is_unknown or removal.is_held(sync.max_removal_share, run.confirmed):
            held = removal.pending
        elif not leavers.remove(left - kept):
            return False
        if run.reconcile:
            strangers, is_complete = _settle_strangers(holder, removal, leavers, others)
            if not is_complete:
                return False
            held += strangers
        elif removal.is_first:
            _count_others(holder, removal, klaviyo, others)
    if held:
        logger.warning("run %s: removals are held: %s", run.record.id, removal.model_dump_json())
        run.hold_removals(held)
    else:
        run.finish_removing()
    return True


def _count_others(holder: Holder, removal: Removal, klaviyo: Klaviyo, others: Others) -> None:
    """Tells how many are on the list whom no export has sent: a mirror should be of a list of its own."""
    run = holder.run
    with suppress(ExportError):  # nothing depends on it
        members = klaviyo.count_members(holder.plan.export.list_id, holder.deadline)
        sent = removal.known - removal.removed + sum(job.new for job in run.deliveries.jobs)
        run.note_strangers(max(0, members - sent - others.count))


def _settle_strangers(holder: Holder, removal: Removal, leavers: Leavers, others: Others) -> tuple[int, bool]:
    """Removes strangers, where the export says so. Returns how many are held, and whether all is done."""
    run, parts, sync = holder.run, Parts(holder.lock), holder.plan.export.sync
    absent = parts.absent(run.members.absent_parts)
    matched = {profile_id for part in absent for profile_id in part.matched.values()}
    strangers = list(leavers.strangers(matched))
    if sync.strangers == "keep":
        run.note_strangers(len(strangers))
        return 0, True
    unexplained = sum(part.unexplained for part in absent)
    members, share = run.members.count, sync.max_removal_share
    is_held = removal.are_strangers_held(len(strangers), members, unexplained, share, run.confirmed)
    if others.is_unknown or is_held:
        return len(strangers), True
    for profile_ids in batched(strangers, MOST_REMOVED, strict=False):
        leavers.carry_out(Chunk(strangers=list(profile_ids)))
        if holder.deadline.left() <= 0:
            return 0, False
    return 0, True
