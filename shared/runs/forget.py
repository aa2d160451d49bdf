"""Erases people for good: they are never sent again, no ledger has them, and Klaviyo deletes them.

The order ensures that nothing brings them back meanwhile: the do-not-send list, which each post checks; the
ledgers, each under its export's lock; deletion jobs, one per account. All of it can be repeated, and is, if
something is left open.
"""

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from shared import state
from shared.adapters.clock import Deadline
from shared.errors import AlreadyRunning, ExportError, NotFound, PermanentError
from shared.klaviyo import Klaviyo, Permit
from shared.ledger import (
    MAKE_KEY,
    DigestKey,
    LedgerLost,
    add_erased,
    ensure_key,
    read_erased,
    read_key,
    read_ledger,
    write_ledger,
)
from shared.profiles import Digests
from shared.runs.heads.head import Head, read_head
from shared.runs.lock.export import ExportLock
from shared.runs.run import OpenRun
from shared.runs.states import State
from shared.runs.steps.confirm import is_before
from shared.runs.steps.erase import delete_person
from shared.runs.steps.ledger import remove_ledgers
from shared.runs.steps.others import posted_by
from shared.services import Services, open_account

NO_KEY = f"Erasing people needs the digest-key secret, which the vault does not have. {MAKE_KEY}"
# Klaviyo says that large imports can take hours.
IMPORTS_TAKE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ForgottenBy:
    """The result for one export. `people` were on its ledger; `run` is an open run that does the rest when it
    closes; `is_held`: another process holds the export, and its ledger was not checked."""

    export: str
    people: int = 0
    run: str | None = None
    is_held: bool = False
    error: ExportError | None = None

    @property
    def is_open(self) -> bool:
        return self.run is not None or self.is_held


@dataclass(frozen=True, slots=True)
class DeletedIn:
    """An account at Klaviyo, or a connection that does not open one. `is_importing`: a job there was still
    open when the people were deleted, and may bring them back."""

    connection: str
    account: str = ""
    is_importing: bool = False
    error: ExportError | None = None


@dataclass(slots=True)
class Forgotten:
    """The result of an erasure. `refused` are the addresses that Klaviyo does not accept."""

    exports: list[ForgottenBy] = field(default_factory=list)
    accounts: list[DeletedIn] = field(default_factory=list)
    refused: set[str] = field(default_factory=set, repr=False)

    @property
    def is_deleted(self) -> bool:
        """Whether at least one account exists, and every account was asked to delete everybody."""
        return bool(self.accounts) and not any(account.error for account in self.accounts)

    def errors(self) -> Iterator[ExportError]:
        yield from filter(None, (export.error for export in self.exports))
        yield from filter(None, (account.error for account in self.accounts))

    @property
    def is_open(self) -> bool:
        """Whether the same call must be repeated later to finish."""
        return any(each.is_open for each in self.exports) or any(a.is_importing for a in self.accounts)


def forget(
    services: Services, addresses: Collection[str], deadline: Deadline, *, dry_run: bool = False
) -> Forgotten:
    """Erases the people with these addresses; a dry run only looks.

    Raises NotFound if there is no digest key, ErasedUnreadable if it is another one, TryLater if the state or
    the vault is unavailable. An error in one export or account does not stop the others.
    """
    erased = read_erased(services.state)
    # If there is a list, a newly created key would hide that the list's own was lost.
    may_make = erased is None and not dry_run
    key = ensure_key(services.vault, services.state) if may_make else read_key(services.vault)
    if erased is not None:
        erased.check(key)
    if key is None:
        raise NotFound(NO_KEY, code="no_digest_key")
    return _Forgetting(services, key, addresses, deadline, dry_run=dry_run).forget()


class _Forgetting:
    def __init__(
        self,
        services: Services,
        key: DigestKey,
        addresses: Collection[str],
        deadline: Deadline,
        *,
        dry_run: bool,
    ) -> None:
        self._services = services
        self._state = services.state
        self._key = key
        self._addresses = addresses
        self._people = frozenset(map(Digests(key.key).person, addresses))
        self._deadline = deadline
        self._dry_run = dry_run
        self._forgotten = Forgotten()

    def forget(self) -> Forgotten:
        forgotten = self._forgotten
        if not self._dry_run:
            add_erased(self._state, self._key, sorted(self._people))
        forgotten.exports += filter(None, map(self._by_export, self._exports()))
        forgotten.accounts += self._in_accounts()
        return forgotten

    def _exports(self) -> list[str]:
        """All exports that ever ran, whether or not their documents still exist."""
        ids = {state.id_of(blob.name) for blob in self._state.list(state.HEADS)}
        ids |= {state.export_of_ledger(blob.name) for blob in self._state.list(state.LEDGERS)}
        return sorted(filter(None, ids))

    def _by_export(self, export_id: str) -> ForgottenBy | None:
        """None if the export had none of them."""
        try:
            if self._dry_run:
                found = self._look(read_head(self._state, export_id)[0])
            else:
                with ExportLock.acquire(self._state, export_id, self._services.clock) as lock:
                    found = self._leave_out(lock)
        except AlreadyRunning:
            found = ForgottenBy(export_id, is_held=True)
        except NotFound:  # its head was removed
            found = self._remove_orphans(export_id)
        except ExportError as problem:
            found = ForgottenBy(export_id, error=problem)
        return found if found.people or found.is_open or found.error else None

    def _look(self, head: Head) -> ForgottenBy:
        people = self._count(head.ledger)
        run = head.open
        is_left = run is not None and (
            (people and head.ledger == head.pinned_ledger()) or self._may_have_posted(run)
        )
        return ForgottenBy(head.export, people, run.record.id if run is not None and is_left else None)

    def _leave_out(self, lock: ExportLock) -> ForgottenBy:
        """Writes a ledger without them. If an open run compares with the ledger, its close does."""
        head = lock.head
        found = self._look(head)
        if found.people and head.ledger is not None and head.ledger != head.pinned_ledger():
            before = read_ledger(self._state, head.ledger)
            name = state.ledger(state.run_of_ledger(head.ledger), head.epoch)
            lock.check()
            write_ledger(self._state, name, before.without(self._people))
            head.ledger = name
            lock.checkpoint()
        lock.check()
        remove_ledgers(lock)
        return found

    def _remove_orphans(self, export_id: str) -> ForgottenBy:
        """Removes ledgers with any of them that no head points to any longer."""
        most = 0
        for blob in self._state.list(state.ledgers(export_id)):
            people = self._count(blob.name)
            most = max(most, people)
            if people and not self._dry_run:
                self._state.delete(blob.name)
        return ForgottenBy(export_id, most)

    def _count(self, ledger: str | None) -> int:
        """How many of them a ledger has. No run uses a ledger any more that is lost or has another key."""
        if ledger is None:
            return 0
        with suppress(LedgerLost):
            found = read_ledger(self._state, ledger)
            if found.header.key == self._key.id:
                both = (found.people, found.former)
                return sum(any(people.find(person) >= 0 for people in both) for person in self._people)
        return 0

    def _may_have_posted(self, run: OpenRun) -> bool:
        """Whether an open run posted one of them, or may have, right before they were erased."""
        if run.plan is None:
            return False
        if run.plan.digest_key is None:  # it does not record the people that it posts
            return run.state is State.SENDING
        try:
            return not self._people.isdisjoint(posted_by(self._state, run.record.id))
        except (PermanentError, ValueError):
            return True

    def _in_accounts(self) -> list[DeletedIn]:
        """Each account that a connection opens, once."""
        done: dict[str, DeletedIn] = {}
        failed: list[DeletedIn] = []
        for connection in self._services.catalog.connections():
            if isinstance(connection, PermanentError):
                failed.append(DeletedIn("", error=connection))
                continue
            account = connection.account.id if connection.account is not None else ""
            if account in done:
                continue
            try:
                klaviyo = open_account(self._services, connection, self._deadline)
                account = klaviyo.account.id
                if account not in done:
                    done[account] = DeletedIn(connection.id, account, is_importing=self._delete(klaviyo))
            except ExportError as problem:
                failed.append(DeletedIn(connection.id, account, error=problem))
        return [*done.values(), *(each for each in failed if each.account not in done)]

    def _delete(self, klaviyo: Klaviyo) -> bool:
        """Returns whether an import job may still bring them back."""
        if self._dry_run:
            return False
        for address in self._addresses:
            if not delete_person(klaviyo, address, self._deadline, Permit()):
                self._forgotten.refused.add(address)
            self._deadline.progress()
        return self._is_importing(klaviyo)

    def _is_importing(self, klaviyo: Klaviyo) -> bool:
        oldest = self._services.clock.now() - IMPORTS_TAKE
        for job in klaviyo.jobs(self._deadline):
            if is_before(job.created_at, oldest):
                return False
            if not job.status.is_final:
                return True
        return False
