"""The file of a ledger: a header as a line of JSON, the people, and a checksum."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.adapters.storage.store import Store
from shared.errors import InvalidDocument, NotFound, PermanentError
from shared.ledger.people import WIDTH, People
from shared.ledger.sealed import sealed, unsealed

# Bytes: ten million people.
LONGEST = 512 * 1024 * 1024


class LedgerLost(PermanentError):
    """A ledger is missing or broken, or needs another key."""

    code = "ledger_lost"


class LedgerHeader(BaseModel):
    """`key` is the id of the digest key; `mapping` is the fingerprint of the last complete run's mapping.

    `since` is when the first run of those that subscribed people began; `former` counts the former people,
    whose entries follow the people's.
    """

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    version: Literal[1] = 1
    export: str
    account: str
    list: str
    key: str
    mapping: str
    since: AwareDatetime | None = None
    former: Annotated[int, Field(ge=0)] = 0


@dataclass(frozen=True, slots=True)
class Ledger:
    """`former` are people who are off the list again; their consents are kept."""

    header: LedgerHeader
    people: People
    former: People = field(default_factory=People)

    def without(self, persons: Collection[bytes]) -> "Ledger":
        """The same ledger without anything about these people."""
        return Ledger(self.header, self.people.without(persons), self.former.without(persons))


def read_ledger(store: Store, name: str) -> Ledger:
    """Raises LedgerLost if the ledger does not exist or is incomplete; NewerVersion."""
    try:
        return _parse(name, store.read(name, most=LONGEST).content)
    except (NotFound, InvalidDocument, ValueError):
        raise LedgerLost(f"The ledger {name} does not exist or is incomplete.") from None


def write_ledger(store: Store, name: str, ledger: Ledger) -> None:
    """Writes a new file, or the same one again."""
    header = ledger.header.model_copy(update={"former": len(ledger.former)})
    store.write(name, sealed(header, ledger.people.entries + ledger.former.entries))


def _parse(name: str, content: bytes) -> Ledger:
    header, entries = unsealed(name, content, LedgerHeader)
    middle = len(entries) - header.former * WIDTH
    if middle < 0:
        raise ValueError("fewer people than the header counts")
    return Ledger(header, People(entries[:middle]), People(entries[middle:]))
