"""What becomes of a row: a profile that leaves, or the reason why none does."""

from hashlib import blake2b
from typing import NamedTuple, Protocol

# 120 bits: two of a million people share a digest once in 10**24 runs. With one more byte, Python would need
# a third more memory for each digest (64 bytes instead of 48).
_DIGEST_SIZE = 15


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


class Profile(NamedTuple):
    """One profile, ready to leave, with the row it came from.

    `person` is the same for two profiles of one person (`person_of`); `payload` is the profile as the
    destination wants it; `plain` is False where the address is unusual; `warnings` are the codes of values
    that could not leave as they should.
    """

    partition: int
    row: int
    person: bytes
    payload: bytes
    plain: bool = True
    warnings: tuple[str, ...] = ()


def person_of(email: str) -> bytes:
    """A digest of the address in lower case, so that a long one takes no more memory than a short one."""
    return blake2b(email.lower().encode(), digest_size=_DIGEST_SIZE).digest()


class Filtered(Exception):
    """A row that `only_if` leaves out."""


class Refusal(Exception):
    """A row that can't leave: the column to look at and the code of the reason."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason
