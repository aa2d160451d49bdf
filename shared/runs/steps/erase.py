"""Before a run closes: people whom it posted and who were erased meanwhile are deleted at Klaviyo again.

The jobs are settled by now, so none of them can bring a deleted person back. The state has no addresses: they
are read from the run's own snapshots.
"""

import logging
from contextlib import suppress
from typing import override

from shared.adapters.clock import Deadline
from shared.errors import Denied, NotFound, PermanentError
from shared.klaviyo import Klaviyo, Permit
from shared.ledger import Erased, LedgerLost, Posted, read_erased, read_key
from shared.profiles import Digests
from shared.runs.holder import Holder
from shared.runs.steps.addresses import addresses_in
from shared.runs.steps.parts import Parts

logger = logging.getLogger(__name__)


class _Held(Permit):
    """Ignores pauses of exports: an erasure continues while the run is locked."""

    def __init__(self, holder: Holder) -> None:
        self._holder = holder

    @override
    def check(self) -> None:
        self._holder.lock.check()


def erase_again(holder: Holder) -> bool:
    """Deletes them, in the order of the do-not-send list; False if time runs out first.

    The run stays open only if the storage, the vault or Klaviyo is unavailable (TryLater). People who could
    not be deleted, or whose job may still be open, are counted.
    """
    run, plan = holder.run, holder.run.plan
    if plan is None or plan.digest_key is None:
        return True
    try:
        erased = read_erased(holder.lock.store)
    except PermanentError as problem:
        logger.warning("run %s: %s", run.record.id, problem.message)
        return True
    if erased is None or erased.key != plan.digest_key:
        return True
    sought = _posted_since(holder, erased)
    if not sought:
        return True
    try:
        return _erase(holder, sought)
    except PermanentError as problem:
        logger.warning("run %s: erased people can't be erased again: %s", run.record.id, problem.message)
        missed = sum(number >= run.erased for number in sought.values())
        run.finish_erasing(len(erased.people), missed=missed)
        return True


def delete_person(klaviyo: Klaviyo, address: str, deadline: Deadline, permit: Permit) -> bool:
    """Asks Klaviyo to delete everybody with this address; False if Klaviyo does not accept it.

    Whether Klaviyo's addresses are case-sensitive is undocumented, so it is asked for both forms. Raises as
    `Klaviyo.erase` does, except NotFound.
    """
    for written in dict.fromkeys((address, address.lower())):
        try:
            with suppress(NotFound):
                klaviyo.erase(written, deadline, permit)
        except Denied as refusal:
            if refusal.code != "request_refused":
                raise
            return False
    return True


def _posted_since(holder: Holder, erased: Erased) -> dict[bytes, int]:
    """People whom the run may have posted and who were erased since it began, with their list places."""
    run, pinned, parts = holder.run, holder.plan.erased, Parts(holder.lock)
    first = max(run.erased, pinned.count if pinned is not None else 0)
    since = {person: number for number, person in enumerate(erased.people) if number >= first}
    if not since:
        return {}
    posted: set[bytes] = set()
    try:
        for digest in parts.posted():
            posted.update(Posted(parts.read_people(digest), confirmed=False).people())
        posted.update(parts.subscribed(run.subscription.chunks))
    except (PermanentError, ValueError):  # a part is missing or garbled
        return since
    return {person: number for person, number in since.items() if person in posted}


def _erase(holder: Holder, sought: dict[bytes, int]) -> bool:
    run = holder.run
    addresses = _addresses(holder, sought)
    # Klaviyo may still work on a job that counts as lost.
    is_uncertain = any(job.status == "lost" for job in run.deliveries.jobs)
    klaviyo, held = holder.klaviyo(), _Held(holder)
    for person, number in sought.items():
        address = addresses.get(person)
        is_erased = address is not None and delete_person(klaviyo, address, holder.deadline, held)
        run.finish_erasing(number + 1, missed=is_uncertain or not is_erased)
        holder.lock.checkpoint()
        holder.deadline.progress()
        if holder.deadline.left() <= 0:
            return False
    return True


def _addresses(holder: Holder, sought: dict[bytes, int]) -> dict[bytes, str]:
    """The people's addresses. Raises LedgerLost if the digest key has changed."""
    key = read_key(holder.services.vault)
    if key is None or key.id != holder.plan.digest_key:
        raise LedgerLost("The digest key has changed since the run began.")
    found: dict[bytes, str] = {}
    for person, address in addresses_in(holder.services, holder.plan.posted(), Digests(key.key).person):
        if person in sought:
            found.setdefault(person, address)
    return found
