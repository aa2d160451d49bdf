"""People who left the segment: the result of a pass, and whether they may be removed from the list. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic import Field

from shared.profiles import Selection
from shared.runs.record import Count, StateModel, Time

# Confirms any number of removals.
ANY_NUMBER = 2**53 - 1
# This many may always be removed, regardless of their share.
ALWAYS_ALLOWED = 5
# How long a run waits for people who may move to the segment of another export into the list.
WAIT_FOR_OTHERS = timedelta(hours=1)


class Held(NamedTuple):
    """Why removals are held. `confirm` is the number to confirm, or None if confirming does not help;
    `reconcile`: strangers are among them."""

    because: str
    confirm: int | None = None
    reconcile: bool = False

    def advice(self, export: str) -> str:
        """The reason, and the next step."""
        if self.confirm is None:
            return self.because
        options = f"{'--reconcile ' if self.reconcile else ''}--confirm-removals {self.confirm}"
        return f"{self.because} If this is right: segment-export run {export} {options}"


OTHERS_UNKNOWN = Held(
    "The people whom another export wants on the list are unknown: the log names that export."
)


class Members(StateModel):
    """Progress of reading the list's members, and of looking up people who are not among them.

    `count` members are stored in `parts` parts.
    """

    parts: Count = 0
    count: Count = 0
    is_read: bool = False
    absent_parts: Count = 0


class Removal(StateModel):
    """The result of a complete pass over the rows for the people on the ledger, and the progress of removal.

    Of the people `known` before the run, `left` no longer have a row; `present` have one that can be sent.
    `unreadable` counts rows that could be anybody's; `emptied` names segments that no longer have rows.
    `began_at` is the first attempt to remove anybody. `chunks` counts the parts that are done, `settled` the
    people in them, `removed` profiles. `is_first`: the export's first such run, which counts the list's
    strangers. `is_shared` unless it is known that no other export sends to the list; `is_allowed` once
    nothing holds the removals.
    """

    known: Count
    left: Count
    present: Count
    unreadable: Count = 0
    emptied: list[str] = Field(default_factory=list)
    began_at: Time | None = None
    is_first: bool = False
    is_shared: bool = True
    is_allowed: bool = False
    kept_for_another: Count = 0
    chunks: Count = 0
    settled: Count = 0
    removed: Count = 0
    merged_kept: Count = 0
    unmatched: Count = 0

    @property
    def pending(self) -> int:
        """How many have left whose outcome is unknown yet."""
        return max(0, self.left - self.kept_for_another - self.settled)

    def held_strangers(
        self, strangers: int, members: int, unexplained: int, most_share: float, confirmed: int | None
    ) -> Held | None:
        """Why strangers, whom no export has sent, stay on the list; None if they may be removed.

        Sent people who are `unexplained`, neither on the list nor known to Klaviyo by their address, may be
        among them.
        """
        if self.unreadable:
            return self._unreadable()
        if confirmed is not None:
            return _beyond(self.removed + strangers, confirmed, reconcile=True)
        would = self.left - self.kept_for_another + strangers
        if emptied := self._emptied():
            return Held(emptied, would, reconcile=True)
        if strangers and unexplained:
            return Held(
                f"{strangers:,} members of the list are strangers, and {unexplained:,} people who were sent "
                "but whom Klaviyo no longer knows by their address may be among them.",
                would,
                reconcile=True,
            )
        if strangers > ALWAYS_ALLOWED and strangers / members > most_share:
            shares = _shares(strangers, members, most_share)
            because = f"{strangers:,} of {members:,} members of the list are strangers, {shares}."
            return Held(because, would, reconcile=True)
        return None

    def may_wait_for_others(self, now: datetime) -> bool:
        return self.began_at is None or now - self.began_at < WAIT_FOR_OTHERS

    def held(self, most_share: float, confirmed: int | None) -> Held | None:
        """Why nobody may be removed; None if the people who left may be.

        `confirmed` is how many removals were confirmed for this run. Rows that could be anybody's hold
        removals even if they are confirmed.
        """
        would, known = self.left - self.kept_for_another, self.known - self.kept_for_another
        if self.unreadable:
            return self._unreadable()
        if confirmed is not None:
            return _beyond(would, confirmed)
        if emptied := self._emptied():
            return Held(emptied, would)
        if would > ALWAYS_ALLOWED and would / known > most_share:
            return Held(
                f"{would:,} of {known:,} people have left, {_shares(would, known, most_share)}.", would
            )
        return None

    def _unreadable(self) -> Held:
        return Held(f"{self.unreadable:,} of the rows can't be read and could be anybody's: fix them.")

    def _emptied(self) -> str:
        """What is unexpectedly empty, as a sentence; blank if nothing is."""
        if not self.present:
            return "No row of the segment can be sent."
        return f"No rows are left in {', '.join(self.emptied)}." if self.emptied else ""


def found_by(selection: Selection, known: int, left: int, rows_before: Mapping[str, int]) -> Removal:
    """The result of a pass. `rows_before` counts each segment's rows in the previous run."""
    rows = selection.rows_by_segment
    return Removal(
        known=known,
        left=left,
        present=selection.present,
        unreadable=selection.unreadable,
        emptied=[name for name, count in rows.items() if rows_before.get(name) and not count],
    )


def _beyond(would: int, confirmed: int, *, reconcile: bool = False) -> Held | None:
    if would <= confirmed:
        return None
    because = f"{would:,} people would be removed, but at most {confirmed:,} were confirmed."
    return Held(because, would, reconcile)


def _shares(part: int, whole: int, most_share: float) -> str:
    return f"{part / whole:.1%}, and max_removal_share allows {most_share:.1%}"
