"""The other exports into a list: the people that they want on it, and whether one is about to send."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

from shared import state
from shared.adapters.storage.store import Store
from shared.catalog import Export
from shared.errors import ExportError, NotFound, PermanentError, TryLater
from shared.ledger import LedgerHeader, People, Posted, read_ledger
from shared.runs.due import is_due
from shared.runs.heads.head import Head, read_head
from shared.runs.plan import PinnedLedger, Plan
from shared.runs.states import State
from shared.services import Services

logger = logging.getLogger(__name__)

# Seconds until an export whose run has just ended is looked at again.
ENDED_AGAIN = 1.0
_ABOUT_TO_SEND = (State.OPENED, State.PINNING, State.SENDING)


@dataclass(slots=True)
class Others:
    """`are_there`: such exports exist. `is_unknown`: the people that they want are unknown. `is_busy`: one of
    them is about to send."""

    are_there: bool = False
    is_unknown: bool = False
    is_busy: bool = False
    _wanted: list[tuple[People, bool]] = field(default_factory=list)
    _posted: set[bytes] = field(default_factory=set)

    def want(self, person: bytes) -> bool:
        """Whether one of them wants the person on the list."""
        return person in self._posted or any(
            (number := people.find(person)) >= 0 and not (is_mirror and people.is_given_up(number))
            for people, is_mirror in self._wanted
        )

    @property
    def count(self) -> int:
        """How many people they have sent; someone sent by several counts for each."""
        return sum(len(people) for people, _ in self._wanted) + len(self._posted)

    def know(self, person: bytes) -> bool:
        """Whether one of them has sent the person."""
        return person in self._posted or any(people.find(person) >= 0 for people, _ in self._wanted)

    def add(self, people: People, *, is_mirror: bool) -> None:
        """The people on a ledger are wanted, except those who left a mirror and are sent again on return."""
        self._wanted.append((people, is_mirror))

    def add_posted(self, people: Iterator[bytes]) -> None:
        self._posted.update(people)


def read_others(services: Services, plan: Plan) -> Others:
    """The other exports into the list of this one; none of them posts while the account is locked.

    Raises TryLater if they can't be read for now.
    """
    others = Others()
    _add_open_runs(others, services, plan)
    for listed in services.catalog.exports():
        if listed.id == plan.export.id:
            continue
        try:
            if not isinstance(listed.document, Export):
                raise listed.document
            if _is_into_the_list(services, plan, listed.document):
                others.are_there = True
                _add(others, services, plan, listed.document)
        except TryLater:
            raise
        except ExportError as problem:
            logger.warning(
                "export %s: the people whom it wants on the list are unknown: %s", listed.id, problem.message
            )
            others.are_there = others.is_unknown = True
    return others


def _add_open_runs(others: Others, services: Services, plan: Plan) -> None:
    """Adds the people posted by open runs into the list, regardless of the exports' current documents."""
    run_ids = [blob.metadata["open"] for blob in services.state.list(state.HEADS) if "open" in blob.metadata]
    for export_id in filter(None, map(state.export_of, run_ids)):
        if export_id == plan.export.id:
            continue
        try:
            head, _ = read_head(services.state, export_id)
        except PermanentError:  # if its document names the list, it is added below
            continue
        run = head.open
        if (
            run is None
            or run.plan is None
            or not _is_same_list(plan, run.plan.account_id, run.plan.export.list_id)
        ):
            continue
        others.are_there = True
        others.add_posted(posted_by(services.state, run.record.id))
        others.is_unknown |= not _has_key_of(plan, run.plan.ledger)
        if not _is_open(services, export_id, run.record.id):  # its posts are no longer listed
            message = f"A run of the export {export_id} has just ended."
            raise TryLater(message, code="other_export_sends", retry_after=ENDED_AGAIN)


def _is_into_the_list(services: Services, plan: Plan, export: Export) -> bool:
    """Whether the export sends to this list. A connection without a pinned account may open this one."""
    if export.list_id != plan.export.list_id:
        return False
    account = services.catalog.connection(export.connection).account
    return account is None or account.id == plan.account_id


def _add(others: Others, services: Services, plan: Plan, export: Export) -> None:
    try:
        head, _ = read_head(services.state, export.id)
    except NotFound:  # it never ran
        return
    is_sending = head.open is not None and head.open.state in _ABOUT_TO_SEND
    others.is_busy |= is_sending or (head.open is None and _is_due(services, export, head))
    if head.ledger is None:
        others.is_unknown |= head.may_have_sent
        return
    ledger = read_ledger(services.state, head.ledger)
    header = ledger.header
    # An export that was switched to this list and has not run since may have sent to it before.
    others.is_unknown |= not (_is_same_list(plan, header.account, header.list) and _has_key_of(plan, header))
    others.add(ledger.people, is_mirror=export.sync.mode == "mirror")


def _is_same_list(plan: Plan, account_id: str, list_id: str) -> bool:
    return (account_id, list_id) == (plan.account_id, plan.export.list_id)


def _has_key_of(plan: Plan, ledger: PinnedLedger | LedgerHeader | None) -> bool:
    """Whether its digests can be compared with those of the plan."""
    return ledger is not None and plan.ledger is not None and ledger.key == plan.ledger.key


def _is_open(services: Services, export_id: str, run_id: str) -> bool:
    head, _ = read_head(services.state, export_id)
    return head.open is not None and head.open.record.id == run_id


def posted_by(store: Store, run_id: str) -> Iterator[bytes]:
    """The people that an open run has posted."""
    for blob in store.list(state.parts(run_id)):
        if blob.name.endswith(state.PEOPLE):
            yield from Posted(store.read(blob.name).content, confirmed=False).people()


def _is_due(services: Services, export: Export, head: Head) -> bool:
    versions = services.segments.versions(export.segments)
    changed_at = services.state.stat(state.export(export.id)).last_modified
    return is_due(export, head.entry(), versions, services.clock.now(), changed_at)
