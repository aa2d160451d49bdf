"""The head of an export: the checkpoint of its open run, and the results of its last runs."""

import json
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field, ValidationError

from shared import state
from shared.adapters.storage.store import BlobInfo, Store
from shared.catalog import Export
from shared.errors import AlreadyExists, InvalidDocument, NewerVersion, Problem
from shared.runs.deliveries import GIVE_UP_AFTER
from shared.runs.heads.index import IndexEntry, Retry
from shared.runs.heads.old import upgraded
from shared.runs.plan import Plan, PostedSnapshots
from shared.runs.record import RunId, RunRecord, StateModel, Status, Time, version_of
from shared.runs.run import OpenRun
from shared.runs.states import State

VERSION = 3
# Azure allows 8 KB of metadata; if there is more to show, the head has to be read.
LONGEST_METADATA = 6000
# Bytes of a head: twice the size for a run of ten million people that is refused batch by batch.
LONGEST_HEAD = 64 * 1024 * 1024
# A segment that is refreshed faster than it can be sent must still arrive at some time.
MOST_SUPERSEDED = 2
# Snapshots whose people may still be on the ledger.
MOST_POSTED = 5
# Minutes until the timer retries a failed attempt, by the number of attempts; then hourly.
BACK_OFF = (5, 15, 60)


class LastRun(StateModel):
    run: RunId
    status: Status
    finished_at: Time


class Head(StateModel):
    """`scheduled_at` is when a recurrence last came due; initially, when the export was first seen.

    `superseded` counts the runs in a row that a newer snapshot ended. `greatest_id` is the greatest of all
    runs' ids, which is not the last one's if a clock was once ahead.

    `ledger` is the name of the current one; `has_sent`: Klaviyo has accepted something at least once;
    `has_mirrored`: a run has removed people who left, or would have. `posted` has the last snapshots by which
    people on the ledger were sent, newest first; `rows` counts each segment's rows in the last complete run;
    `full_at` is when the last run that sent everybody began; `removals_since` is when people were first found
    to have left who are not removed yet; `unconfirmed_at` is when the last run with jobs of unknown outcome
    ended.
    """

    version: Literal[3] = 3
    export: str
    epoch: int = 0
    ledger: str | None = None
    posted: list[PostedSnapshots] = Field(default_factory=list)
    rows: dict[str, int] = Field(default_factory=dict)
    has_sent: bool = False
    has_mirrored: bool = False
    removals_since: Time | None = None
    unconfirmed_at: Time | None = None
    full_at: Time | None = None
    exported: dict[str, str] = Field(default_factory=dict)
    scheduled_at: Time
    open: OpenRun | None = None
    retry: Retry | None = None
    superseded: int = 0
    greatest_id: RunId | None = None
    last_success: LastRun | None = None
    last_attempt: LastRun | None = None

    @property
    def may_have_sent(self) -> bool:
        """Whether a run may have put people on a list; early versions only recorded whether one succeeded."""
        return self.has_sent or self.last_success is not None

    def open_run(self, run: OpenRun) -> None:
        self.open = run
        self.greatest_id = max(self.greatest_id or "", run.record.id)

    def begin_attempt(self, versions: dict[str, str], now: datetime) -> None:
        """The timer is about to open a run for snapshots of these versions."""
        known = self.retry if self.retry and self.retry.versions == versions else None
        attempts = known.attempts + 1 if known else 1
        minutes = BACK_OFF[min(attempts, len(BACK_OFF)) - 1]
        self.retry = Retry(versions=versions, attempts=attempts, not_before=now + timedelta(minutes=minutes))
        self.scheduled_at = now

    def wait_for_change(self, fingerprint: str) -> None:
        """The timer does not retry while the configuration has this fingerprint."""
        if self.retry is not None:
            self.retry.waits_for = fingerprint

    def close_run(self, record: RunRecord, ledger: str | None) -> None:
        """Records the result of the open run: whether its snapshots need another one."""
        run = self.open
        if run is None:
            return
        last = LastRun(
            run=record.id, status=record.status, finished_at=record.finished_at or record.created_at
        )
        self.open = None
        self.ledger = ledger
        self.has_sent |= bool(run.deliveries.jobs)
        if run.plan is not None:
            self._remember(run, run.plan, last.finished_at)
        if any(job.unconfirmed for job in run.deliveries.jobs):
            self.unconfirmed_at = last.finished_at
        self.last_attempt = last
        self.superseded = self.superseded + 1 if run.is_superseded else 0
        if run.limit is not None:
            return  # a trial: the snapshot is still to be exported
        if record.status in ("successful", "completed_with_warnings"):
            self.last_success = last
        if record.status != "failed" and not run.is_superseded:
            tried = self.retry.versions if self.retry else {}
            self.exported |= run.plan.versions() if run.plan else tried
            self.retry = None

    def is_full_due(self, export: Export, now: datetime) -> bool:
        """Whether a run that begins now is to send everybody, because the last one that did is too old."""
        days = export.sync.full_every_days
        if not days or self.ledger is None:
            return False
        return self.full_at is None or now - self.full_at >= timedelta(days=days)

    def may_still_import(self, now: datetime) -> bool:
        """Whether a job of an earlier run may still put people on the list."""
        return self.unconfirmed_at is not None and now - self.unconfirmed_at < GIVE_UP_AFTER

    def waiting_since(self, run: OpenRun) -> datetime | None:
        """Since when people have left whose removal this run leaves to a later one."""
        if run.removal is None or not run.removal.pending:
            return None
        return self.removals_since or run.record.created_at

    def _remember(self, run: OpenRun, plan: Plan, now: datetime) -> None:
        """Records what the next run needs to know about this one to remove people who left."""
        is_complete = run.cut is None and run.limit is None
        removal = run.removal
        others = [each for each in self.posted if each != plan.posted()]
        if run.deliveries.jobs or is_complete:
            is_settled = is_complete and removal is not None and not (removal.pending or removal.unmatched)
            is_settled &= not self.may_still_import(now)
            self.posted = [plan.posted(), *([] if is_settled else others[: MOST_POSTED - 1])]
        if is_complete:
            is_mirror = plan.export.sync.mode == "mirror"
            is_believed = is_mirror and removal is not None and (removal.is_allowed or not removal.left)
            # A segment that has lost its rows counts as emptied until its people may be removed.
            self.rows = {
                name: rows or (0 if is_believed else self.rows.get(name, 0))
                for name, rows in run.rows.items()
            }
            self.has_mirrored |= is_mirror
            if run.full or plan.ledger is None or plan.ledger.name is None:
                self.full_at = run.record.created_at
            self.removals_since = self.waiting_since(run)

    def rows_before(self, run: OpenRun) -> int | None:
        """The rows of the last complete run; None if there is none, or if it had other segments.

        A segment that has lost its rows counts with its former rows.
        """
        return sum(self.rows.values()) if self.rows and self.rows.keys() == run.rows.keys() else None

    def pinned(self) -> dict[str, str]:
        """The versions of the open run's snapshots, while a newer one may end it."""
        run = self.open
        if run is None or run.plan is None:
            return {}
        is_sent = run.state in (State.CONFIRMING, State.SUBSCRIBING, State.REMOVING)
        may_end = self.superseded < MOST_SUPERSEDED or is_sent
        return run.plan.versions() if may_end else {}

    def pinned_ledger(self) -> str | None:
        """The ledger that the open run compares with."""
        plan = self.open.plan if self.open is not None else None
        return plan.ledger.name if plan is not None and plan.ledger is not None else None

    def entry(self) -> IndexEntry:
        run = self.open
        wait = run.wait if run else None
        return IndexEntry(
            open=run.record.id if run else None,
            account=run.plan.account_id if run and run.plan else None,
            pinned=self.pinned(),
            advanced_at=run.advanced_at if run else None,
            not_before=wait.until if wait else None,
            paused=run is not None and run.is_paused,
            exported=self.exported,
            scheduled_at=self.scheduled_at,
            retry=self.retry,
            succeeded_at=self.last_success.finished_at if self.last_success else None,
        )

    def metadata(self) -> dict[str, str]:
        """The metadata for listings, which saves reading the head."""
        shown: dict[str, str] = {"status": "none", "version": f"{VERSION}"}
        if self.last_attempt is not None:
            shown["status"] = self.last_attempt.status
        if self.open is not None:
            shown |= {"status": self.open.record.status, "open": self.open.record.id}
        entry = self.entry().model_dump_json(exclude_defaults=True, ensure_ascii=True)
        entry = entry.replace("\x7f", "\\u007f")  # ASCII, and in no header
        if len(entry) <= LONGEST_METADATA:
            shown["glance"] = entry
        return shown

    def content(self) -> bytes:
        return self.model_dump_json().encode()


def read_head(store: Store, export_id: str) -> tuple[Head, str]:
    """The head and its ETag. Raises NotFound and InvalidDocument; NewerVersion if newer code wrote it."""
    name = state.head(export_id)
    blob = store.read(name, most=LONGEST_HEAD)
    try:
        head: Head | None = Head.model_validate_json(blob.content)
    except ValidationError:
        head = _of_another_version(name, blob.content)
    if (
        head is not None
        and head.export == export_id
        and _is_of(export_id, head.open.record.id if head.open else None)
    ):
        return head, blob.etag
    problem = Problem(
        "", "is not the head of an export: restore it, or remove it to start the export from scratch"
    )
    raise InvalidDocument(name, [problem])


def read_entry(store: Store, blob: BlobInfo, export_id: str) -> IndexEntry:
    """A head's entry from a listing; the head is read only if that is incomplete. Raises as `read_head`."""
    with suppress(KeyError, ValidationError, ValueError):
        if int(blob.metadata.get("version", "1")) > VERSION:
            raise NewerVersion(blob.name)
        entry = IndexEntry.model_validate_json(blob.metadata["glance"])
        if _is_of(export_id, entry.open):
            return entry
    return read_head(store, export_id)[0].entry()


def create_head(store: Store, head: Head) -> None:
    """Writes the first head, if there is none yet."""
    with suppress(AlreadyExists):
        store.write(state.head(head.export), head.content(), metadata=head.metadata(), create_only=True)


def _of_another_version(name: str, content: bytes) -> Head | None:
    """The head, if an earlier version wrote it. Raises NewerVersion."""
    with suppress(ValidationError, KeyError, TypeError, AttributeError):
        version = version_of(content)
        if version > VERSION:
            raise NewerVersion(name)
        if version < VERSION:
            return Head.model_validate_json(json.dumps(upgraded(json.loads(content))))
    return None


def _is_of(export_id: str, run_id: str | None) -> bool:
    return run_id is None or state.export_of(run_id) == export_id
