"""The second step: rows become profiles, profiles become batches, and batches import jobs, all lazily."""

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from itertools import islice

from shared.adapters import telemetry
from shared.adapters.clock import Branch
from shared.adapters.memory import give_large_blocks_back
from shared.errors import ExportError, PermanentError, TakenElsewhere, TryLater
from shared.klaviyo import MOST_PROFILES, least_seconds, room_for_profiles
from shared.ledger import read_key
from shared.profiles import UNKEYED, Batch, Digests, pack
from shared.profiles.digests import PERSON
from shared.runs.holder import Holder
from shared.runs.lock.account import lock_account
from shared.runs.removal import found_by
from shared.runs.steps.batch import BatchSender
from shared.runs.steps.erased import DoNotSend
from shared.runs.steps.known import digests_under, known_people
from shared.runs.steps.parts import CheckedRows, Parts
from shared.runs.steps.permit import Canceled, RunPermit
from shared.runs.steps.rows import profiles_of

IN_FLIGHT = 8


def send(holder: Holder) -> bool:
    """Posts everything that is not accepted yet; False if time runs out first.

    At least one job is accepted before the time counts, so reading again what was sent before can't use up
    all of it. Counts are those of this pass over the rows, no matter how far it gets, and are never added to
    earlier ones.
    """
    give_large_blocks_back()
    klaviyo = holder.klaviyo()
    with lock_account(holder.services, holder.plan.account_id, holder.run.record.id) as account:
        branch = Branch(holder.deadline)
        key = read_key(holder.services.vault) if holder.plan.digest_key is not None else None
        do_not_send = DoNotSend(holder.lock.store, holder.plan, key)
        digests = UNKEYED if holder.plan.digest_key is None else digests_under(holder.plan, key)
        sender = BatchSender(holder, klaviyo, branch, RunPermit(holder, account), do_not_send)
        began = holder.services.clock.monotonic()
        is_complete = _Pass(holder, sender, branch, digests, do_not_send.before()).run()
        _report_share(holder, sender.accepted_now, holder.services.clock.monotonic() - began)
    if is_complete:
        holder.run.finish_sending()
    return is_complete


def _report_share(holder: Holder, posts: int, seconds: float) -> None:
    """Reports how much of Klaviyo's limits a pass has used: 1 if only they determined its duration."""
    least = least_seconds("import", posts)
    if least:
        share = least / max(seconds, least)
        telemetry.limit_share.record(share, {"account": holder.plan.account_id})


class _Pass:
    """One pass over the rows of the run."""

    def __init__(
        self,
        holder: Holder,
        sender: BatchSender,
        branch: Branch,
        digests: Digests,
        erased: frozenset[bytes],
    ) -> None:
        self._holder = holder
        self._sender = sender
        self._branch = branch
        self._rejected = CheckedRows(Parts(holder.lock))
        self._digests = digests
        self._known = known_people(holder)
        self._selection = holder.plan.selection(self._rejected.add, self._known, erased)

    def run(self) -> bool:
        holder, run, lock = self._holder, self._holder.run, self._holder.lock
        planned: set[str] = set()
        is_complete = True
        with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="post") as pool:
            flying: set[Future[None]] = set()
            try:
                for batch in self._batches():
                    digest = batch.digest
                    planned.add(digest)
                    if self._sender.is_finished(digest):
                        continue
                    if len(flying) == IN_FLIGHT:  # only now, so a batch is ready when a place is free
                        flying = _collect(flying)
                    if self._sender.accepted_now and holder.deadline.left() <= 0:
                        is_complete = False
                        break
                    flying.add(pool.submit(copy_context().run, self._sender.send, batch, digest))
                    with lock.threads:
                        run.count(self._selection)
                while flying:
                    flying = _collect(flying)
            except BaseException as error:
                self._branch.cut()
                wait(flying)
                gravest = _gravest(error, flying)
                if isinstance(gravest, ExportError) and not isinstance(gravest, TakenElsewhere):
                    self._rejected.flush()
                    run.count(self._selection)
                raise gravest from None
        self._rejected.flush()
        with lock.threads:
            if is_complete:
                run.deliveries.keep_batches(planned)
                self._note_leavers()
            run.count(self._selection)
            lock.checkpoint()
        return is_complete

    def _note_leavers(self) -> None:
        """Stores who has left, if they are to be removed."""
        holder, plan, selection = self._holder, self._holder.plan, self._selection
        is_mirror = plan.export.sync.mode == "mirror"
        if holder.run.limit is not None or not (is_mirror or holder.run.reconcile):
            return
        left = b"".join(selection.leavers()) if is_mirror else b""
        Parts(holder.lock).write_leavers(left, selection.refused())
        head = holder.lock.head
        removal = found_by(selection, len(self._known), len(left) // PERSON, head.rows)
        removal.is_first = is_mirror and not head.has_mirrored
        holder.run.note_leavers(removal)

    def _batches(self) -> Iterator[Batch]:
        holder = self._holder
        found = profiles_of(holder.services, holder.plan, self._selection, self._digests)
        profiles = islice(found, holder.run.limit)
        room = room_for_profiles(holder.plan.export.list_id)
        return pack(profiles, most_profiles=MOST_PROFILES, most_bytes=room)


def _collect(flying: set[Future[None]]) -> set[Future[None]]:
    """Waits for one; returns those still flying. Raises its error, if any."""
    done, rest = wait(flying, return_when=FIRST_COMPLETED)
    for future in done:
        future.result()
    return rest


def _gravest(error: BaseException, flying: set[Future[None]]) -> BaseException:
    """Of all concurrent errors, the one that determines how the run continues."""
    errors = [error, *(e for future in flying if future.done() and (e := future.exception()) is not None)]
    for kind in (TakenElsewhere, Canceled, PermanentError):
        for candidate in errors:
            if isinstance(candidate, kind):
                return candidate
    waits = [e for e in errors if isinstance(e, TryLater)]
    return max(waits, key=lambda e: e.retry_after or 0) if waits and isinstance(error, TryLater) else error
