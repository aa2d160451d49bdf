"""What becomes of a row: a profile that leaves, or the reason why none does."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol


class ProfileFormat(Protocol):
    """How the destination wants a profile written, and how much of one it takes."""

    @property
    def head(self) -> bytes:
        """What comes before the attributes."""

    @property
    def tail(self) -> bytes:
        """What comes after the attributes."""

    @property
    def most_bytes(self) -> int:
        """The largest profile, head and tail included."""

    @property
    def longest_email(self) -> int:
        """In characters."""

    @property
    def longest_external_id(self) -> int:
        """In characters."""

    def tail_unsetting(self, names: Sequence[str]) -> bytes:
        """The tail of a profile that loses the custom properties of these names, which must be some."""


class Why(StrEnum):
    """Why a profile leaves."""

    NEW = "new"  # nobody was sent under this address
    CHANGED = "changed"  # something else was sent
    AGAIN = "again"  # all are to be sent, or it is not certain that this was


class Profile(NamedTuple):
    """One profile, ready to leave, with the row it came from.

    `person` and `content` are digests; `payload` is the profile as the destination wants it; `plain` is
    False where the address is unusual; `warnings` are the codes of values that could not leave as they
    should.
    """

    partition: int
    row: int
    person: bytes
    content: bytes
    payload: bytes
    plain: bool = True
    warnings: tuple[str, ...] = ()
    why: Why = Why.NEW


class Filtered(Exception):
    """A row that `only_if` leaves out."""


class Refusal(Exception):
    """A row that can't leave: the column to look at and the code of the reason."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason
