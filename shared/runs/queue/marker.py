"""The marker of an account: its pending work, and the current message in the queue for it."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Literal, Self
from uuid import uuid4

from pydantic import Field, ValidationError

from shared import state
from shared.adapters.storage.store import Store
from shared.errors import NewerVersion
from shared.runs.queue.messages import WorkMessage
from shared.runs.queue.versioned import read_versioned
from shared.runs.record import Count, StateModel, Time
from shared.runs.run import is_believed

VERSION = 1
# Bytes of a marker: ten thousand exports with the longest ids.
LONGEST_MARKER = 1024 * 1024
# Azure allows 8 KB of metadata; if there is more to show, the marker has to be read.
LONGEST_METADATA = 6000
# A message may be lost if it is overdue by this much, or by two and four times as much after it has been sent
# again: the queue may just be long. A worker may be dead if it has had the account for SILENT.
OVERDUE = timedelta(minutes=2)
MOST_DOUBLINGS = 2
SILENT = timedelta(minutes=1)
# If work comes sooner by less than this, it needs no new message.
SOON = timedelta(seconds=2)


class Marker(StateModel):
    """The pending work of an account.

    `exports` may have an open run each, with the time from which it can continue. `message` is the id of the
    current message, which is not received before `due`; it is known to have been sent `times` times, last at
    `sent_at`. A worker has had the account since `taken_at`; `asked` has exports that were requested since
    then, in the same way.
    """

    version: Literal[1] = 1
    account: str
    message: str
    due: Time
    sent_at: Time
    times: Count = 1
    taken_at: Time | None = None
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

    def covers(self, export: str, run: str, due: datetime) -> bool:
        """Whether a worker has this open run, or gets a message in time."""
        if export in self.asked:
            return True
        if self.taken_at is None:
            return export in self.exports and self.due - SOON <= due
        # A run that was opened since may follow one that the worker has finished.
        return export in self.exports and state.opened_at(run) < self.taken_at.replace(microsecond=0)

    def asked_for(self, exports: Mapping[str, datetime], now: datetime) -> Self | None:
        """The marker with these exports added; None if they change nothing.

        It has a new message if that must arrive sooner, and its message once more if that may be lost.
        """
        if self.taken_at is not None:
            return self.model_copy(update={"asked": _sooner(self.asked, exports)})
        wanted = _sooner(self.exports, exports)
        if min(exports.values()) < self.due - SOON:
            return self.of(self.account, wanted, now)
        if self.is_silent(now):
            again = self.again(now)
            return again.model_copy(update={"exports": _sooner(again.exports, exports)})
        return self.model_copy(update={"exports": wanted}) if wanted != self.exports else None

    def taken(self, now: datetime) -> Self:
        """The marker of a worker that has the account from now on."""
        return self.model_copy(update={"taken_at": now, "times": 1})

    def is_silent(self, now: datetime) -> bool:
        """Whether the marker's message may be lost, or its worker dead."""
        if self.taken_at is not None:
            return abs(now - self.taken_at) >= SILENT  # a clock may be ahead; the worker's lock decides
        if self.times == 0:
            return True
        # A future time of sending is from a clock that is ahead.
        since = max(self.due, self.sent_at) if self.sent_at <= now else self.due
        patience = OVERDUE * 2 ** min(self.times - 1, MOST_DOUBLINGS)
        return now - since >= patience or not is_believed(since, now)

    def again(self, now: datetime) -> Self:
        """The marker after its message, or its worker, was found lost."""
        if self.taken_at is None and is_believed(self.due, now):
            return self.model_copy(update={"sent_at": now, "times": self.times + 1})
        return self.of(self.account, dict.fromkeys({**self.exports, **self.asked}, now), now)

    def unsent(self) -> Self:
        """The marker whose message the queue has not accepted yet."""
        return self.model_copy(update={"times": 0})

    def has_more_to_send_than(self, before: Self) -> bool:
        """Whether the marker's message must be sent, or sent once more."""
        return (self.message, self.times) != (before.message, before.times)

    def waited(self, now: datetime) -> timedelta:
        """How long the account has been waiting for a worker."""
        return max(timedelta(), now - self.due) if self.taken_at is None else timedelta()

    def text(self) -> str:
        """The message."""
        return WorkMessage(id=self.message, account=self.account, sent_at=self.sent_at).model_dump_json()

    def metadata(self) -> dict[str, str]:
        """The metadata for listings: the whole marker, if it fits."""
        glance = self.model_dump_json(ensure_ascii=True)
        return {"glance": glance} if len(glance) <= LONGEST_METADATA else {}


def read_marker(store: Store, account: str, now: datetime) -> tuple[Marker | None, str | None]:
    """The marker and its ETag. An unreadable one counts as none, since its content can be found again.

    Raises NewerVersion if newer code wrote it and may still be running.
    """
    marker, etag = read_versioned(store, state.work(account), Marker, now, most=LONGEST_MARKER)
    return (marker if marker is not None and marker.account == account else None), etag


def write_marker(store: Store, marker: Marker, etag: str | None) -> str:
    """Replaces the marker that was read, or creates it; returns the ETag. Raises AlreadyExists, Changed."""
    return store.write(
        state.work(marker.account),
        marker.model_dump_json().encode(),
        metadata=marker.metadata(),
        create_only=etag is None,
        if_match=etag,
    )


def read_markers(store: Store, now: datetime) -> Iterator[Marker]:
    """All readable markers, from one listing if they are short."""
    for blob in store.list(state.WORK):
        marker = None
        with suppress(NewerVersion):
            if "glance" in blob.metadata:
                with suppress(ValidationError):
                    marker = Marker.model_validate_json(blob.metadata["glance"])
            else:
                marker, _ = read_marker(store, blob.name.removeprefix(state.WORK), now)
        if marker is not None and blob.name == state.work(marker.account):
            yield marker


def _sooner(known: Mapping[str, datetime], others: Mapping[str, datetime]) -> dict[str, datetime]:
    """Each export at the earlier of its times."""
    merged = {**others, **known}
    merged |= {name: min(time, merged[name]) for name, time in others.items()}
    return dict(sorted(merged.items()))
