"""Who has left the segment: what a pass found of them, and whether they may be taken off the list. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic import Field

from shared.profiles import Selection
from shared.runs.record import Count, StateModel, Time

# Removals that are confirmed, however many they are.
ANY_NUMBER = 2**53 - 1
# So few may always be removed, whatever their share is.
ALWAYS_ALLOWED = 5
# How long a run waits for somebody who may move to the segment of another export into the list.
WAIT_FOR_OTHERS = timedelta(hours=1)


class Held(NamedTuple):
    """Why removals are held; `confirm` is how many somebody may confirm, None where no word helps, and
    `reconcile` whether strangers are among them."""

    because: str
    confirm: int | None = None
    reconcile: bool = False

    def advice(self, export: str) -> str:
        """What has happened, and the next step."""
        if self.confirm is None:
            return self.because
        options = f"{'--reconcile ' if self.reconcile else ''}--confirm-removals {self.confirm}"
        return f"{self.because} If this is right: segment-export run {export} {options}"


OTHERS_UNKNOWN = Held(
    "The people whom another export wants on the list are unknown: the log names that export."
)


class Members(StateModel):
    """How far the members of the list were read, and how far those were looked up who are not among them.

    `count` members lie in so many `parts`.
    """

    parts: Count = 0
    count: Count = 0
    is_read: bool = False
    absent_parts: Count = 0


class Removal(StateModel):
    """What a complete pass over the rows found of the people on the ledger, and what became of it.

    `left` have no row any more, of `known` before the run; `present` have one that may leave. `unreadable`
    counts rows that may be anybody's; `emptied` names segments that have no rows any more. `began_at` is the
    first attempt to remove anybody. `chunks` counts the parts that are done, and `settled` the people in
    them; `removed` counts profiles. The `is_first` of an export tells how many others the list has.
    `is_shared` unless it is known that no other export sends to the list; `is_allowed` once nothing holds the
    removals.
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
        """How many have left of whom it is not known yet what became of them."""
        return max(0, self.left - self.kept_for_another - self.settled)

    def held_strangers(
        self, strangers: int, members: int, unexplained: int, most_share: float, confirmed: int | None
    ) -> Held | None:
        """Why strangers stay on the list, whom no export has sent; None where they may go.

        Those who were sent and are `unexplained`, neither on the list nor known to Klaviyo by their address,
        may be among them.
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
        """Why nobody may be removed; None where who left may go.

        `confirmed` is how many may be, by somebody's word for this run. Rows that may be anybody's are
        beyond anybody's word.
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
        """What is empty that should not be."""
        if not self.present:
            return "No row of the segment can be sent."
        return f"No rows are left in {', '.join(self.emptied)}." if self.emptied else ""


def found_by(selection: Selection, known: int, left: int, rows_before: Mapping[str, int]) -> Removal:
    """What a pass found. `rows_before` are those of each segment in the run before."""
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
