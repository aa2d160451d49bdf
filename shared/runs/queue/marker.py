"""The marker of an account: what there is to do for it, and which message in the queue says so."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Literal, Self
from uuid import uuid4

from pydantic import Field, ValidationError

from shared import state
from shared.adapters.storage.store import BlobInfo, Store
from shared.errors import NewerVersion, NotFound
from shared.runs.queue.messages import WorkMessage
from shared.runs.record import Count, StateModel, Time, version_of
from shared.runs.run import is_believed

VERSION = 1
# Bytes of a marker: ten thousand exports with the longest ids.
LONGEST_MARKER = 1024 * 1024
# A message may be lost when it is overdue by so much, and a worker dead when it has had the account for so
# long; each time that a message was sent again, after twice as long.
OVERDUE = timedelta(minutes=2)
SILENT = timedelta(minutes=1)
LONGEST_PATIENCE = timedelta(hours=1)
# Sooner by less than this needs no message of its own.
SOON = timedelta(seconds=2)


class MarkerEntry(StateModel):
    """A marker at a glance: all of it but the exports.

    `message` is the id of the message that holds, which nobody receives before `due`; it was sent so many
    `times`, last at `sent_at`. A worker has the account since `taken_at`.
    """

    version: Literal[1] = 1
    account: str
    message: str
    due: Time
    sent_at: Time
    times: Count = 1
    taken_at: Time | None = None

    def is_silent(self, now: datetime) -> bool:
        """Whether its message may be lost, or its worker dead."""
        if self.taken_at is None:
            since, patience = max(self.due, self.sent_at), OVERDUE
        else:
            since, patience = self.taken_at, SILENT
        patience *= 2 ** (min(self.times, 10) - 1)
        return now - since >= min(patience, LONGEST_PATIENCE) or not is_believed(since, now)

    def waited(self, now: datetime) -> timedelta:
        """How long the account has been waiting for a worker."""
        return max(timedelta(), now - self.due) if self.taken_at is None else timedelta()


class Marker(MarkerEntry):
    """`exports` may have an open run each, which can go on from a time on. What was asked for while a worker
    has the account is in `asked`, likewise."""

    exports: dict[str, Time]
    asked: dict[str, Time] = Field(default_factory=dict)

    @classmethod
    def of(cls, account: str, exports: Mapping[str, datetime], now: datetime) -> Self:
        """A marker whose message is still to be sent."""
        return cls(
            account=account,
            message=uuid4().hex,
            due=max(now, min(exports.values())),
            sent_at=now,
            exports=dict(sorted(exports.items())),
        )

    def asked_for(self, exports: Mapping[str, datetime], now: datetime) -> Self | None:
        """The marker with these exports, too; None where nothing changes by them.

        It has a message of its own where that has to come sooner.
        """
        if self.taken_at is not None:
            return self.model_copy(update={"asked": _sooner(self.asked, exports)})
        wanted = _sooner(self.exports, exports)
        if min(exports.values()) < self.due - SOON:
            return self.of(self.account, wanted, now)
        return self.model_copy(update={"exports": wanted}) if wanted != self.exports else None

    def taken(self, now: datetime) -> Self:
        return self.model_copy(update={"taken_at": now})

    def again(self, now: datetime) -> Self:
        """The marker whose message, or worker, is taken as lost."""
        if self.taken_at is None:
            return self.model_copy(update={"sent_at": now, "times": self.times + 1})
        everything = dict.fromkeys(_sooner(self.exports, self.asked), now)
        return self.of(self.account, everything, now).model_copy(update={"times": self.times + 1})

    def text(self) -> str:
        """The message."""
        return WorkMessage(id=self.message, account=self.account, sent_at=self.sent_at).model_dump_json()

    def metadata(self) -> dict[str, str]:
        """What a listing shows."""
        glance = self.model_dump_json(include=set(MarkerEntry.model_fields), ensure_ascii=True)
        return {"version": f"{VERSION}", "glance": glance}


def read_marker(store: Store, account: str) -> tuple[Marker | None, str | None]:
    """The marker and its ETag. One that can't be read counts as none, since all of it can be found again.

    Raises NewerVersion where newer code wrote it.
    """
    try:
        blob = store.read(state.work(account), most=LONGEST_MARKER)
    except NotFound:
        return None, None
    with suppress(ValidationError):
        if version_of(blob.content) > VERSION:
            raise NewerVersion(state.work(account))
        marker = Marker.model_validate_json(blob.content)
        if marker.account == account:
            return marker, blob.etag
    return None, blob.etag


def write_marker(store: Store, marker: Marker, etag: str | None) -> str:
    """Writes it over what was read, or creates it; the new ETag. Raises AlreadyExists, Changed."""
    content = marker.model_dump_json().encode()
    name, metadata = state.work(marker.account), marker.metadata()
    if etag is None:
        return store.write(name, content, metadata=metadata, create_only=True)
    return store.write(name, content, metadata=metadata, if_match=etag)


def read_marker_entry(blob: BlobInfo) -> MarkerEntry | None:
    """What a listing shows of a marker; None where it is newer code's, or can't be read."""
    with suppress(KeyError, ValidationError):
        return MarkerEntry.model_validate_json(blob.metadata["glance"])
    return None


def _sooner(known: Mapping[str, datetime], others: Mapping[str, datetime]) -> dict[str, datetime]:
    """Each export at the earlier of its times."""
    merged = {**others, **known}
    merged |= {name: min(time, merged[name]) for name, time in others.items()}
    return dict(sorted(merged.items()))
