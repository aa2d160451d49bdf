"""The file of a ledger: a line of JSON that says what it is of, the people, and a checksum."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.adapters.storage.store import Store
from shared.errors import InvalidDocument, NewerVersion, NotFound, PermanentError
from shared.ledger.people import People

VERSION = 1
_CHECKSUM = 16
# Bytes: ten million people.
LONGEST = 512 * 1024 * 1024
_CHUNK = 4 * 1024 * 1024


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


class _Versioned(BaseModel):
    version: int


@dataclass(frozen=True, slots=True)
class Ledger:
    header: LedgerHeader
    people: People


def read_ledger(store: Store, name: str) -> Ledger:
    """Raises LedgerLost where it is not there, or not whole, and NewerVersion."""
    try:
        content = store.read(name, most=LONGEST).content
        return _parse(name, content)
    except (NotFound, InvalidDocument, ValidationError, ValueError):
        raise LedgerLost(f"There is no whole ledger {name}.") from None


def _parse(name: str, content: bytes) -> Ledger:
    checksum = blake2b(memoryview(content)[:-_CHECKSUM], digest_size=_CHECKSUM).digest()
    if checksum != content[-_CHECKSUM:]:
        raise ValueError("the checksum is another one")
    end = content.index(b"\n")
    if _Versioned.model_validate_json(content[:end]).version > VERSION:
        raise NewerVersion(name)
    header = LedgerHeader.model_validate_json(content[:end])
    return Ledger(header, People(content[end + 1 : -_CHECKSUM]))


def write_ledger(store: Store, name: str, ledger: Ledger) -> None:
    """Writes a new file, or the same one again."""
    store.write(name, _content(ledger))


def _content(ledger: Ledger) -> Iterator[bytes]:
    checksum = blake2b(digest_size=_CHECKSUM)
    entries = ledger.people.entries
    header = ledger.header.model_dump_json().encode() + b"\n"
    chunks = (entries[start : start + _CHUNK] for start in range(0, len(entries), _CHUNK))
    for piece in (header, *chunks):
        checksum.update(piece)
        yield piece
    yield checksum.digest()
