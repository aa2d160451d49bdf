"""Whose consent is still to be used: people who are new, or consented later than known."""

from datetime import datetime

from shared.ledger import Ledger, People
from shared.ledger.people import NEVER
from shared.profiles import Digests
from shared.runs.plan import PinnedLedger
from shared.runs.steps.again import ConsentingRow


class Consents:
    """The known consents when a run begins, from the ledger that it compares with, if there is one.

    `before` are the people of that ledger, as the run marked them.
    """

    def __init__(
        self, pinned: PinnedLedger, ledger: Ledger | None, before: People, digests: Digests, began: datetime
    ) -> None:
        self._digests = digests
        self._before = before
        self._former = ledger.former if ledger is not None else People()
        since = ledger.header.since if ledger is not None else None
        self._since = int((since or began).timestamp())
        self._began = int(began.timestamp())
        self._only_new = pinned.everybody or pinned.is_remapped

    def is_due(self, row: ConsentingRow) -> bool:
        """Whether the person is new, or consented later than known."""
        people, number = self._before, self._before.find(row.person)
        if number >= 0:
            is_certain = any(people.content(number)) and not self._only_new
            if not is_certain or people.is_off(number):
                return False
        else:
            people, number = self._former, self._former.find(row.person)
        if number < 0 or people.is_waiting(number):
            return True
        moment = people.moment(number)
        known = self._since if moment == NEVER else self._digests.reveal(row.person, moment)
        return row.consented_at is not None and row.consented_at > known

    def is_past(self, row: ConsentingRow) -> bool:
        """Whether the row has a time of consent before the run began."""
        return row.consented_at is not None and row.consented_at < self._began
