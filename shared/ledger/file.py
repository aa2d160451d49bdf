"""The file of a ledger: a line of JSON that says what it is of, the people, and a checksum."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from shared.adapters.storage.store import Store
from shared.errors import InvalidDocument, NewerVersion, NotFound, PermanentError
from shared.ledger.people import WIDTH, People

VERSION = 1
_CHECKSUM = 16
# Bytes: ten million people.
LONGEST = 512 * 1024 * 1024
_CHUNK = 4 * 1024 * 1024


class LedgerLost(PermanentError):
    """A ledger is missing or broken, or needs another key."""

    code = "ledger_lost"


class LedgerHeader(BaseModel):
    """What a ledger is of. `key` is the id of the digest key, `mapping` that of the last complete run.

    `since` is when the first of the runs began, up to the last one, that subscribed people; `former` counts
    those whose entries follow those of the people.
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


class _Versioned(BaseModel):
    version: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """`former` are people who are off the list again, and whose consents are not forgotten."""

    header: LedgerHeader
    people: People
    former: People = field(default_factory=People)


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
    entries = content[end + 1 : -_CHECKSUM]
    middle = len(entries) - header.former * WIDTH
    if middle < 0:
        raise ValueError("fewer people than the header counts")
    return Ledger(header, People(entries[:middle]), People(entries[middle:]))


def write_ledger(store: Store, name: str, ledger: Ledger) -> None:
    """Writes a new file, or the same one again."""
    store.write(name, _content(ledger))


def _content(ledger: Ledger) -> Iterator[bytes]:
    checksum = blake2b(digest_size=_CHECKSUM)
    entries = ledger.people.entries + ledger.former.entries
    header = (
        ledger.header.model_copy(update={"former": len(ledger.former)}).model_dump_json().encode() + b"\n"
    )
    chunks = (entries[start : start + _CHUNK] for start in range(0, len(entries), _CHUNK))
    for piece in (header, *chunks):
        checksum.update(piece)
        yield piece
    yield checksum.digest()
