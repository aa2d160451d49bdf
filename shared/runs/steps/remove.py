"""Removes people who have left the segment from the list: only from that list, and nobody in doubt."""

import logging
from contextlib import suppress
from itertools import batched
from typing import override

from shared.errors import ExportError, PermanentError, TryLater
from shared.klaviyo import MOST_REMOVED, Klaviyo
from shared.runs.due import is_superseded
from shared.runs.holder import Holder
from shared.runs.lock.account import lock_account
from shared.runs.removal import OTHERS_UNKNOWN, Held, Removal
from shared.runs.steps.known import digests_of
from shared.runs.steps.leavers import Leavers
from shared.runs.steps.others import Others, read_others
from shared.runs.steps.parts import Chunk, Parts
from shared.runs.steps.permit import NewerSnapshot, RunPermit

logger = logging.getLogger(__name__)

# Seconds until another export into the list is looked at again.
OTHERS_AGAIN = 60.0


class RemovalPermit(RunPermit):
    """Checks everything that can forbid a removal."""

    @override
    def check(self) -> None:
        """Raises NewerSnapshot, and as a run's permit does."""
        holder = self._holder
        versions = holder.plan.versions()
        if is_superseded(versions, holder.services.segments.versions(versions)):
            raise NewerSnapshot("A newer snapshot exists.")
        super().check()


def remove(holder: Holder) -> bool:
    """Removes people who left, and strangers, and moves the run on; False if time runs out first."""
    run, parts = holder.run, Parts(holder.lock)
    removal, sync = run.removal, holder.plan.export.sync
    if removal is None:
        raise LookupError("it is unknown who has left")
    klaviyo = holder.klaviyo()
    with lock_account(holder.services, holder.plan.account_id, holder.run.record.id) as account:
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
        held: dict[Held, None] = {}
        count = 0
        why = OTHERS_UNKNOWN if others.is_unknown else removal.held(sync.max_removal_share, run.confirmed)
        if why is not None:
            held[why] = None
            count = removal.pending
        else:
            run.allow_removals()
            if not leavers.remove(left - kept):
                return False
        if run.reconcile:
            strangers = _find_strangers(holder, leavers)
            why = _held_strangers(holder, removal, others, len(strangers))
            if why is not None:
                held[why] = None
                count += len(strangers)
            elif not _remove_strangers(holder, leavers, strangers):
                return False
        elif removal.is_first:
            _count_others(holder, removal, klaviyo, others)
    if count:
        logger.warning("run %s: removals are held: %s", run.record.id, removal.model_dump_json())
        run.hold_removals(count, held)
    else:
        run.finish_removing()
    return True


def _count_others(holder: Holder, removal: Removal, klaviyo: Klaviyo, others: Others) -> None:
    """Warns how many members no export has sent: a mirror should have its own list."""
    run = holder.run
    with suppress(ExportError):  # nothing depends on it
        members = klaviyo.count_members(holder.plan.export.list_id, holder.deadline)
        sent = removal.known - removal.removed + sum(job.new for job in run.deliveries.jobs)
        run.note_strangers(max(0, members - sent - others.count))


def _find_strangers(holder: Holder, leavers: Leavers) -> list[str]:
    """The strangers' profiles if the export removes them; otherwise they are only counted."""
    run = holder.run
    absent = Parts(holder.lock).absent(run.members.absent_parts)
    matched = {profile_id for part in absent for profile_id in part.matched.values()}
    strangers = list(leavers.strangers(matched))
    if holder.plan.export.sync.strangers == "keep":
        run.note_strangers(len(strangers))
        return []
    return strangers


def _held_strangers(holder: Holder, removal: Removal, others: Others, strangers: int) -> Held | None:
    if not strangers:
        return None
    if others.is_unknown:
        return OTHERS_UNKNOWN
    run, share = holder.run, holder.plan.export.sync.max_removal_share
    unexplained = sum(part.unexplained for part in Parts(holder.lock).absent(run.members.absent_parts))
    return removal.held_strangers(strangers, run.members.count, unexplained, share, run.confirmed)


def _remove_strangers(holder: Holder, leavers: Leavers, strangers: list[str]) -> bool:
    """False if time runs out first."""
    for profile_ids in batched(strangers, MOST_REMOVED, strict=False):
        leavers.carry_out(Chunk(strangers=list(profile_ids)))
        if holder.deadline.left() <= 0:
            return False
    return True
