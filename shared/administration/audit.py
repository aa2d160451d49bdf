"""The audit of who changed what: an entry before each change, and its outcome after it.

It is a record, not proof against tampering: anyone who can write the state can change it.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Literal
from uuid import uuid4

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from shared import state
from shared.administration.rights import Action, Person
from shared.errors import BlobFull, ExportError
from shared.services import Services

logger = logging.getLogger(__name__)

# Names of changed members in an entry.
MOST_MEMBERS = 50
# Of one day, each with 50,000 lines in Azure.
MOST_PARTS = 100


class Who(BaseModel):
    """The person who did something: name, role, and object id in Microsoft Entra."""

    model_config = ConfigDict(frozen=True)

    name: str
    role: str
    object_id: str = ""


class Entry(BaseModel):
    """One action of a person.

    `on` is the object, such as connections/klaviyo-eu; `etag_before` is the version that a document had
    before, if any; `changed` names its changed members. An entry without an outcome is *attempted*: its
    process died before the outcome was known. It never contains a value of a member, a key or a row.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    at: AwareDatetime
    who: Who
    action: str
    on: str
    etag_before: str = ""
    changed: tuple[str, ...] = ()
    outcome: Literal["attempted", "done", "failed"] = "attempted"
    code: str = ""


class _Outcome(BaseModel):
    of: str
    outcome: Literal["done", "failed"]
    code: str = ""


@contextmanager
def audited(
    services: Services, who: Person, action: Action, on: str, *, etag: str = "", changed: Iterable[str] = ()
) -> Iterator[None]:
    """Writes an entry, runs the block, which makes the change, and writes the outcome.

    Raises StorageUnavailable or Denied if the entry can't be written: then the block does not run.
    """
    entry = Entry(
        id=uuid4().hex,
        at=services.clock.now(),
        who=Who(name=who.name, role=who.role.value, object_id=who.object_id),
        action=action.value,
        on=on,
        etag_before=etag,
        changed=tuple(changed)[:MOST_MEMBERS],
    )
    _append(services, entry.at, entry.model_dump_json(exclude_defaults=True))
    try:
        yield
    except BaseException as error:
        code = "interrupted" if isinstance(error, KeyboardInterrupt) else "internal_error"
        code = error.code if isinstance(error, ExportError) else code
        _conclude(services, entry, _Outcome(of=entry.id, outcome="failed", code=code))
        raise
    _conclude(services, entry, _Outcome(of=entry.id, outcome="done"))


def _conclude(services: Services, entry: Entry, outcome: _Outcome) -> None:
    """Writes the outcome. An error is only logged: it does not affect the change itself."""
    try:
        _append(services, entry.at, outcome.model_dump_json(exclude_defaults=True))
    except ExportError as error:
        logger.warning(
            "audit: the outcome of %s was not recorded: %s: %s", entry.id, error.code, error.message
        )


def _append(services: Services, at: datetime, line: str) -> None:
    """Each line begins with its own line break, so a partial line of a process that died stays separate."""
    day = at.astimezone(UTC).date()
    for part in range(MOST_PARTS):
        with suppress(BlobFull):
            services.state.append(state.audit(day, part), b"\n" + line.encode())
            return
    raise BlobFull(f"The audit of {day} has {MOST_PARTS} full parts: nothing more can be recorded today.")


@dataclass(frozen=True, slots=True)
class Filter:
    """Selects entries: of a document or a folder of them, of a person (name or object id), and from `since`
    (inclusive) to `until` (exclusive)."""

    on: str = ""
    who: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def fits(self, entry: Entry) -> bool:
        return (
            (not self.on or entry.on == self.on or entry.on.startswith(f"{self.on.rstrip('/')}/"))
            and self.who in ("", entry.who.name, entry.who.object_id)
            and (self.since is None or entry.at >= self.since)
            and (self.until is None or entry.at < self.until)
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, newest first, and the id of the last one if there are more."""

    entries: Sequence[Entry] = field(default=())
    following: str | None = None


def read_audit(services: Services, wanted: Filter, limit: int, before: str = "") -> Page:
    """The newest wanted entries, at most `limit`; only those before the entry `before`, if given."""
    found: list[Entry] = []
    is_before = not before
    for entry in _newest_first(services, wanted):
        if is_before and wanted.fits(entry):
            found.append(entry)
            if len(found) > limit:
                return Page(found[:limit], found[limit - 1].id)
        is_before = is_before or entry.id == before
    return Page(found)


def _newest_first(services: Services, wanted: Filter) -> Iterator[Entry]:
    parts: dict[date, list[str]] = {}
    for blob in services.state.list(state.AUDIT):
        if (found := state.audit_of(blob.name)) is not None:
            parts.setdefault(found[0], []).append(blob.name)
    for day in sorted(parts, reverse=True):
        if wanted.since is not None and day < wanted.since.astimezone(UTC).date():
            return
        if wanted.until is None or day <= wanted.until.astimezone(UTC).date():
            content = b"".join(services.state.read(name).content for name in parts[day])
            yield from reversed(_entries(content))


def _entries(content: bytes) -> list[Entry]:
    """The entries of a day with their outcomes, in order of time."""
    entries: dict[str, Entry] = {}
    for line in content.splitlines():
        try:
            if b'"of"' in line[:6]:
                outcome = _Outcome.model_validate_json(line)
                if outcome.of in entries:
                    entry = entries[outcome.of]
                    entries[entry.id] = entry.model_copy(
                        update={"outcome": outcome.outcome, "code": outcome.code}
                    )
            elif line:
                entry = Entry.model_validate_json(line)
                entries.setdefault(entry.id, entry)  # twice, if the answer to its write was lost
        except ValidationError:
            logger.warning("audit: a line can't be read")
    return sorted(entries.values(), key=lambda entry: entry.at)
