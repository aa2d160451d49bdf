"""Subscribes people who consented to email marketing and whose consent was not used before.

Consents are stored as used before they are posted. If a holder dies, the next one repeats the chunk, which
changes nothing: the people are already subscribed, by the same consent.
"""

import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import batched
from typing import override

from shared.errors import BatchRefused, ExportError, KlaviyoUnavailable, PermanentError, TakenElsewhere
from shared.klaviyo import MOST_SUBSCRIBED, Klaviyo, Subscriber
from shared.ledger import People, read_key, updated
from shared.ledger.people import NEVER
from shared.profiles import Digests
from shared.runs.holder import Holder
from shared.runs.lock.account import lock_account
from shared.runs.lock.lease import RenewedLease
from shared.runs.steps.again import ConsentingRow, consents_in
from shared.runs.steps.consent import Consents
from shared.runs.steps.erased import DoNotSend
from shared.runs.steps.known import digests_under, known_people
from shared.runs.steps.ledger import posted_by, posts_of
from shared.runs.steps.parts import Parts
from shared.runs.steps.permit import RunPermit

logger = logging.getLogger(__name__)


class _ErasedMeanwhile(ExportError):
    """A person was erased after they were looked at."""


class _SubscribingPermit(RunPermit):
    """Checks everything that can forbid to subscribe these `people`; `attempts` counts allowed attempts."""

    def __init__(self, holder: Holder, account: RenewedLease, do_not_send: DoNotSend) -> None:
        super().__init__(holder, account)
        self.do_not_send = do_not_send
        self.people: list[bytes] = []
        self.attempts = 0

    @override
    def check(self) -> None:
        """Raises _ErasedMeanwhile and ErasedUnreadable, and as a run's permit does."""
        self.do_not_send.refresh()
        if any(map(self.do_not_send.has, self.people)):
            raise _ErasedMeanwhile("Somebody was erased meanwhile.")
        super().check()
        self.attempts += 1


def subscribe(holder: Holder) -> bool:
    """Subscribes the people who may be, and moves the run on; False if time runs out first."""
    klaviyo, key = holder.klaviyo(), read_key(holder.services.vault)
    digests = digests_under(holder.plan, key)
    with lock_account(holder.services, holder.plan.account_id, holder.run.record.id) as account:
        try:
            before = known_people(holder)
            imported = updated(before, posts_of(holder, posted_by(holder)))
        except (PermanentError, ValueError) as problem:  # then the ledger is lost, too
            logger.warning("run %s: it is unknown who was imported: %s", holder.run.record.id, problem)
        else:
            do_not_send = DoNotSend(holder.lock.store, holder.plan, key)
            permit = _SubscribingPermit(holder, account, do_not_send)
            consents = _consents_of(holder, before, digests)
            if not _Subscribing(holder, klaviyo, permit, digests, consents, imported).run():
                return False
    holder.run.finish_subscribing()
    return True


class _Subscribing:
    """One pass over the rows of the run, after its imports are confirmed."""

    def __init__(
        self,
        holder: Holder,
        klaviyo: Klaviyo,
        permit: _SubscribingPermit,
        digests: Digests,
        consents: Consents,
        imported: People,
    ) -> None:
        self._holder = holder
        self._klaviyo = klaviyo
        self._permit = permit
        self._parts = Parts(holder.lock)
        self._digests = digests
        self._imported = imported
        self._consents = consents
        self._met = bytearray(len(self._imported))
        for chunk in range(holder.run.subscription.chunks):
            for person in self._parts.looked_at(chunk):
                if (number := self._imported.find(person)) >= 0:
                    self._met[number] = 1

    def run(self) -> bool:
        """Processes a thousand people at a time, the first thousand in any case; False if time runs out
        before the last.

        A column without any time is the wrong one: then no consent is used.
        """
        if all(row.consented_at is None for row in self._rows()):
            self._holder.run.note_not_subscribed(sum(map(self._consents.is_due, self._confirmed())))
            return True
        for rows in batched(filter(self._consents.is_due, self._confirmed()), MOST_SUBSCRIBED, strict=False):
            self._carry_out(rows)
            if self._holder.deadline.left() <= 0:
                return False
        return True

    def _rows(self) -> Iterator[ConsentingRow]:
        return consents_in(self._holder.services, self._holder.plan, self._digests)

    def _confirmed(self) -> Iterator[ConsentingRow]:
        """One row per person, which Klaviyo has confirmed in this run or an earlier one."""
        for row in self._rows():
            number = self._imported.find(row.person)
            is_met = number < 0 or self._met[number]
            if not is_met and self._imported.content(number) == row.content:
                self._met[number] = 1
                yield row

    def _carry_out(self, rows: Sequence[ConsentingRow]) -> None:
        """Subscribes people whose time is past; then the consents of all count as used, even future ones."""
        run, number = self._holder.run, self._holder.run.subscription.chunks
        moments = {
            row.person: NEVER
            if row.consented_at is None
            else self._digests.hide(row.person, row.consented_at)
            for row in rows
        }
        past = list(filter(self._consents.is_past, rows))
        was_begun = self._parts.has_looked_at(number)
        self._parts.write_looked_at(number, moments)
        self._permit.attempts = 0
        try:
            subscribed = self._post(past)
        except TakenElsewhere:
            raise
        except ExportError as problem:
            if not was_begun and self._is_untaken(problem):
                self._parts.remove_looked_at(number)
            raise
        erased = sum(self._permit.do_not_send.has(row.person) for row in past)
        run.finish_subscriptions(subscribed=subscribed, not_subscribed=len(rows) - subscribed - erased)
        self._holder.lock.checkpoint()
        self._holder.deadline.progress()

    def _is_untaken(self, problem: ExportError) -> bool:
        """Whether Klaviyo certainly accepted nothing: no request was sent, or the only one was refused."""
        is_refused = isinstance(problem, PermanentError) or (
            isinstance(problem, KlaviyoUnavailable) and not problem.sent
        )
        return self._permit.attempts == 0 or (self._permit.attempts == 1 and is_refused)

    def _post(self, rows: list[ConsentingRow]) -> int:
        """Returns how many Klaviyo accepts: all except those that it refuses and those erased meanwhile."""
        rows = [row for row in rows if not self._permit.do_not_send.has(row.person)]
        if not rows:
            return 0
        list_id, deadline = self._holder.plan.export.list_id, self._holder.deadline
        self._permit.people = [row.person for row in rows]
        try:
            self._klaviyo.subscribe(list_id, list(map(_subscriber, rows)), deadline, self._permit)
        except _ErasedMeanwhile:  # an earlier attempt may have arrived: closing erases them again
            return self._post(rows)
        except BatchRefused as refusal:
            refused = {profile.index for profile in refusal.profiles}
            if refused:
                return self._post([row for place, row in enumerate(rows) if place not in refused])
            half = len(rows) // 2
            return self._post(rows[:half]) + self._post(rows[half:]) if half else 0
        return len(rows)


def _subscriber(row: ConsentingRow) -> Subscriber:
    return Subscriber(row.address, datetime.fromtimestamp(row.consented_at or 0, UTC))


def _consents_of(holder: Holder, before: People, digests: Digests) -> Consents:
    pinned = holder.plan.ledger
    if pinned is None:
        raise LookupError("without a ledger it is unknown who is new")
    ledger = holder.read_ledger(pinned.name) if pinned.name is not None else None
    return Consents(pinned, ledger, before, digests, holder.run.record.started_at or holder.now())
