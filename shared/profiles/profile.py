"""The result of a row: a profile that is sent, or the reason why none is."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol


class ProfileFormat(Protocol):
    """The destination's format of a profile, and its size limits."""

    @property
    def head(self) -> bytes:
        """The bytes before the attributes."""

    @property
    def tail(self) -> bytes:
        """The bytes after the attributes."""

    @property
    def most_bytes(self) -> int:
        """The size of the largest profile, including head and tail."""

    @property
    def longest_email(self) -> int:
        """In characters."""

    @property
    def longest_external_id(self) -> int:
        """In characters."""

    def tail_unsetting(self, names: Sequence[str]) -> bytes:
        """The tail of a profile that clears the custom properties `names`, which must not be empty."""


class Why(StrEnum):
    """Why a profile is sent."""

    NEW = "new"  # this address was never sent
    CHANGED = "changed"  # another content was sent
    AGAIN = "again"  # all are to be sent, or it is uncertain whether this was sent


class Profile(NamedTuple):
    """One profile, ready to be sent, with the row that it is from.

    `person` and `content` are digests; `payload` is the profile in the destination's format; `plain` is False
    if the address is unusual; `warnings` are the codes of values that could not be sent as they should.
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
    """A row that can't be sent: the column to look at and the code of the reason."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason
