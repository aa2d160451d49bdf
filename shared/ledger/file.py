"""The file of a ledger: a line of JSON that says what it is of, the people, and a checksum."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared.adapters.storage.store import Store
from shared.errors import InvalidDocument, NotFound, PermanentError
from shared.ledger.people import People
from shared.ledger.sealed import sealed, unsealed

# Bytes: ten million people.
LONGEST = 512 * 1024 * 1024


class LedgerLost(PermanentError):
    """A ledger is missing or broken, or needs another key."""

    code = "ledger_lost"


class LedgerHeader(BaseModel):
    """What a ledger is of. `key` is the id of the digest key, `mapping` that of the last complete run."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    version: Literal[1] = 1
    export: str
    account: str
    list: str
    key: str
    mapping: str


@dataclass(frozen=True, slots=True)
class Ledger:
    header: LedgerHeader
    people: People


def read_ledger(store: Store, name: str) -> Ledger:
    """Raises LedgerLost where it is not there, or not whole, and NewerVersion."""
    try:
        header, entries = unsealed(name, store.read(name, most=LONGEST).content, LedgerHeader)
        return Ledger(header, People(entries))
    except (NotFound, InvalidDocument, ValueError):
        raise LedgerLost(f"There is no whole ledger {name}.") from None


def write_ledger(store: Store, name: str, ledger: Ledger) -> None:
    """Writes a new file, or the same one again."""
    store.write(name, sealed(ledger.header, ledger.people.entries))
