"""The next ledger: everybody who may be on the list when a run closes, with their certain contents."""

import logging
from collections.abc import Iterator

from shared import state
from shared.adapters.storage.store import Store
from shared.errors import NotFound, PermanentError
from shared.klaviyo import JobStatus
from shared.ledger import (
    Leavers,
    Ledger,
    LedgerHeader,
    People,
    Posted,
    read_erased,
    still_former,
    updated,
    with_consents,
    write_ledger,
)
from shared.runs.holder import Holder
from shared.runs.lock.export import ExportLock
from shared.runs.plan import PinnedLedger
from shared.runs.record import RunRecord
from shared.runs.removal import Removal
from shared.runs.steps.known import known_people
from shared.runs.steps.parts import Parts

logger = logging.getLogger(__name__)


def leave_ledger(holder: Holder, record: RunRecord) -> str | None:
    """Writes the ledger that is valid once the run is closed; returns its name, or the previous one's.

    None if there is none, or if it is no longer known who is on the list, which is a warning of the record:
    then the next run sends everybody.
    """
    run, head = holder.run, holder.lock.head
    if run.plan is None or state.is_of_one_file(head.export):
        return head.ledger
    if _is_removed(holder.lock.store, head.export):
        return None
    pinned = run.plan.ledger
    if pinned is None:  # no ledger was kept
        return None if run.deliveries.jobs else head.ledger
    try:
        return _write(holder, pinned)
    except (PermanentError, ValueError) as problem:  # the latter: a garbled part
        logger.warning("run %s: its ledger is lost: %s", run.record.id, problem)
        record.warn("ledger_lost")
        return None


def _is_removed(store: Store, export_id: str) -> bool:
    """Whether the export's document was removed: then nothing about its people is kept."""
    try:
        store.stat(state.export(export_id))
    except NotFound:
        return True
    return False


def remove_ledgers(lock: ExportLock) -> None:
    """Removes the export's ledgers that no run needs any longer."""
    store, needed = lock.store, (lock.head.ledger, lock.head.pinned_ledger())
    others = [blob.name for blob in store.list(state.ledgers(lock.head.export)) if blob.name not in needed]
    lock.check()  # otherwise one of them could be the next holder's
    for name in others:
        store.delete(name)


def _write(holder: Holder, pinned: PinnedLedger) -> str | None:
    run, plan, lock = holder.run, holder.plan, holder.lock
    parts = Parts(lock)
    posted = posted_by(holder)
    # A full run that ends early continues as a full one; a trial leaves people alone whom it does not send.
    is_void = run.full and run.limit is None and pinned.name is not None
    subscribes = plan.export.consent is not None
    has_looked = run.removal is not None or run.reconcile or (subscribes and run.cut is None)
    erased = _erased(lock.store, pinned) if posted or pinned.name is not None else ()
    has_news = posted or is_void or has_looked or erased or run.subscription.chunks
    if not has_news and (pinned.name is not None or run.cut is not None):
        return lock.head.ledger
    before = holder.read_ledger(pinned.name) if pinned.name is not None else None
    people = known_people(holder)
    is_complete = run.cut is None and run.limit is None
    mapping = plan.mapping().fingerprint() if is_complete or before is None else before.header.mapping
    since = (before.header.since if before is not None else None) or run.record.started_at
    header = LedgerHeader(
        export=plan.export.id,
        account=plan.account_id,
        list=plan.export.list_id,
        key=pinned.key,
        mapping=mapping,
        since=since if subscribes else None,
    )
    posts = posts_of(holder, posted)
    is_certain = not lock.head.may_still_import(holder.now())
    leavers = None
    if run.removal is not None:
        leavers = _leavers(parts, run.removal, people, is_certain=is_certain)
    after = updated(
        people.voided() if is_void else people, posts, leavers, subscribes=subscribes and pinned.is_whole
    ).without(erased)
    former = before.former if before is not None else People()
    looked_at = parts.subscribed(run.subscription.chunks)
    gone = leavers.gone if leavers is not None else frozenset[bytes]()
    next_ledger = Ledger(
        header,
        with_consents(people, former, after, looked_at),
        still_former(people, former, after, gone, subscribes=subscribes).without(erased),
    )
    if before is not None and _is_same(before, next_ledger):
        return lock.head.ledger
    name = state.ledger(run.record.id, lock.head.epoch)
    lock.check()
    write_ledger(lock.store, name, next_ledger)
    return name


def _is_same(before: Ledger, after: Ledger) -> bool:
    both = [
        (ledger.header.model_copy(update={"former": 0}), ledger.people.entries, ledger.former.entries)
        for ledger in (before, after)
    ]
    return both[0] == both[1]


def _erased(store: Store, pinned: PinnedLedger) -> tuple[bytes, ...]:
    """The people to leave out of ledgers with this key, erased before the run began or meanwhile."""
    erased = read_erased(store)
    return erased.people if erased is not None and erased.key == pinned.key else ()


def _leavers(parts: Parts, removal: Removal, people: People, *, is_certain: bool) -> Leavers:
    """The people who have left; of these, those who are off the list or merged, and those who may be off it.

    The latter are people whom a holder was removing when it died; those whose profile Klaviyo does not show;
    those who are absent and may still be imported, unless it `is_certain` that they are not; and all if
    another export may remove them. If removals are not allowed, they don't count as having left, unless they
    did before.
    """
    left, _ = parts.read_leavers()
    gone, doubtful = set[bytes](), set[bytes]()
    for number in range(removal.chunks + 1):
        try:
            chunk = parts.read_chunk(number)
        except PermanentError:
            doubtful |= left
            continue
        if chunk is None:
            continue
        off, absent = set(map(bytes.fromhex, chunk.gone)), set(map(bytes.fromhex, chunk.absent))
        if number < removal.chunks:
            gone |= off | set(map(bytes.fromhex, chunk.merged))
            gone |= absent if is_certain else set()
        doubtful |= off | absent | set(map(bytes.fromhex, chunk.unmatched))
    if not removal.is_allowed:
        left = {person for person in left if person in doubtful or people.is_left(people.find(person))}
    elif removal.is_shared:
        doubtful = left
    return Leavers(frozenset(left), frozenset(gone), frozenset(doubtful))


def posted_by(holder: Holder) -> set[str]:
    """The digests of the posts that Klaviyo accepted, or may have accepted."""
    return {*Parts(holder.lock).posted(), *(job.digest for job in holder.run.deliveries.jobs)}


def posts_of(holder: Holder, posted: set[str]) -> Iterator[Posted]:
    """The posts with these digests; confirmed for the people that Klaviyo reports as imported.

    Raises PermanentError and ValueError if a part is missing or incomplete.
    """
    parts, by_digest = Parts(holder.lock), {job.digest: job for job in holder.run.deliveries.jobs}
    for digest in sorted(posted):
        post = Posted(parts.read_people(digest), confirmed=False)
        job = by_digest.get(digest)
        if job is not None and len(post) != job.profiles:
            raise ValueError("not the people of the post")
        if job is None or job.status is not JobStatus.COMPLETE or job.unconfirmed:
            yield post
            continue
        failed = parts.read_failed(digest) if job.failed else frozenset[int]()
        if len(failed) != job.failed:
            yield post
            continue
        yield post.only(failed)
        yield Posted(post.without(failed).entries, confirmed=True)
