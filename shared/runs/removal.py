"""Who has left the segment: what a pass found of them, and whether they may be taken off the list. Pure."""

from datetime import datetime, timedelta

from pydantic import Field

from shared.runs.record import Count, StateModel, Time

# Removals that are confirmed, however many they are.
ANY_NUMBER = 2**53 - 1
# So few may always be removed, whatever their share is.
ALWAYS_ALLOWED = 5
# How long a run waits for somebody who may move to the segment of another export into the list.
WAIT_FOR_OTHERS = timedelta(hours=1)


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
    `is_shared` unless it is known that no other export sends to the list.
    """

    known: Count
    left: Count
    present: Count
    unreadable: Count = 0
    emptied: list[str] = Field(default_factory=list)
    began_at: Time | None = None
    is_first: bool = False
    is_shared: bool = True
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

    def are_strangers_held(
        self, strangers: int, members: int, unexplained: int, most_share: float, confirmed: int | None
    ) -> bool:
        """Whether strangers stay on the list, whom no export has sent.

        Those who were sent and are `unexplained`, neither on the list nor known to Klaviyo by their address,
        may be among them.
        """
        if confirmed is not None:
            return self.removed + strangers > confirmed
        return strangers > 0 and (
            bool(unexplained) or (strangers > ALWAYS_ALLOWED and strangers > most_share * members)
        )

    def may_wait_for_others(self, now: datetime) -> bool:
        return self.began_at is None or now - self.began_at < WAIT_FOR_OTHERS

    def is_held(self, most_share: float, confirmed: int | None) -> bool:
        """Whether nobody may be removed.

        `confirmed` is how many may be, by somebody's word for this run. Rows that may be anybody's are
        beyond anybody's word.
        """
        would = self.left - self.kept_for_another
        if self.unreadable:
            return True
        if confirmed is not None:
            return would > confirmed
        if not self.present or self.emptied:
            return True
        return would > ALWAYS_ALLOWED and would > most_share * (self.known - self.kept_for_another)
