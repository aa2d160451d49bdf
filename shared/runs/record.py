"""The record of a run, as its file, the HTTP API and `--json` show it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)

from shared import state

type Status = Literal["queued", "running", "successful", "completed_with_warnings", "failed", "canceled"]
type Phase = Literal["sending", "confirming", "subscribing", "removing", "closed"]
type Trigger = Literal["schedule", "on_demand", "command"]

RECORD_VERSION = 1
# The largest number that every JSON parser reads exactly.
MOST = 2**53 - 1
# Other years are not plausible: arithmetic with such times could overflow.
YEARS = range(2000, 2200)


def _bounded(number: int) -> int:
    return min(max(number, 0), MOST)


def _plausible(time: datetime) -> datetime:
    if time.year not in YEARS:
        raise ValueError("is not a time of a run")
    return time.astimezone(UTC)


def _run_id(text: str) -> str:
    if state.export_of(text) is None:
        raise ValueError("is not the id of a run")
    return text


type Count = Annotated[int, Field(ge=0, le=MOST), PlainSerializer(_bounded)]
"""A count, bounded when it is written, so it can always be read back."""

type Time = Annotated[AwareDatetime, AfterValidator(_plausible)]
"""A moment, in UTC."""

type RunId = Annotated[str, AfterValidator(_run_id)]


class StateModel(BaseModel):
    """A document that this project writes and reads back, or a part of one."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class _Versioned(StateModel):
    version: int


def version_of(content: bytes) -> int:
    """The version of a head or a record. Raises ValidationError if it has none."""
    return _Versioned.model_validate_json(content).version


class Counts(StateModel):
    """Counts of rows and profiles. In a run that sent everything, rows = rejected + filtered + duplicates +
    unchanged + sent, and sent = imported + failed + unconfirmed.

    `new` and `changed` are parts of `sent`; the others were sent again."""

    rows: Count = 0
    rejected: Count = 0
    filtered: Count = 0
    duplicates: Count = 0
    unchanged: Count = 0
    sent: Count = 0
    new: Count = 0
    changed: Count = 0
    imported: Count = 0
    failed: Count = 0
    unconfirmed: Count = 0
    subscribed: Count = 0
    removed: Count = 0


class SegmentRecord(StateModel):
    name: str
    snapshot: str
    refreshed_at: Time
    partitions: Count


class JobRecord(StateModel):
    """An import job: `status` is Klaviyo's, or `lost` if Klaviyo no longer knows the job."""

    id: str
    profiles: Count
    status: str
    failed: Count = 0


class WarningRecord(StateModel):
    code: str
    message: str
    count: Count


class ErrorRecord(StateModel):
    code: str
    message: str


class RunRecord(StateModel):
    """One run of an export; times are UTC. `removals_since` is when a run, maybe an earlier one, first found
    people who have left and are still to be removed."""

    version: Literal[1] = 1
    id: RunId
    export: str
    trigger: Trigger
    requested_by: str
    status: Status = "queued"
    phase: Phase = "sending"
    segments: list[SegmentRecord] = Field(default_factory=list)
    counts: Counts = Field(default_factory=Counts)
    rejected_by_reason: dict[str, Count] = Field(default_factory=dict)
    jobs: list[JobRecord] = Field(default_factory=list)
    warnings: list[WarningRecord] = Field(default_factory=list)
    error: ErrorRecord | None = None
    removals_since: Time | None = None
    created_at: Time
    started_at: Time | None = None
    finished_at: Time | None = None

    @model_validator(mode="after")
    def _has_id_of_export(self) -> Self:
        if state.export_of(self.id) != self.export:
            raise ValueError("the id is not one of the export's runs")
        return self

    @property
    def is_closed(self) -> bool:
        return self.phase == "closed"

    def warn(self, code: str, count: int = 1, detail: str = "") -> None:
        """Sets the count of a warning; its message depends on the code, and may end with a detail."""
        self.warnings = [warning for warning in self.warnings if warning.code != code]
        if count:
            message = f"{WARNINGS[code]} {detail}".rstrip()
            self.warnings.append(WarningRecord(code=code, message=message, count=count))

    def warned(self, *codes: str) -> int:
        """The counts of these warnings, added up."""
        return sum(warning.count for warning in self.warnings if warning.code in codes)

    def warning_codes(self) -> set[str]:
        return {warning.code for warning in self.warnings}

    def count_rejected(self, reasons: Iterable[tuple[str, int]]) -> None:
        """Sets the rejected rows, by reason."""
        by_reason: dict[str, int] = {}
        for reason, count in reasons:
            by_reason[reason] = by_reason.get(reason, 0) + count
        self.rejected_by_reason = dict(sorted(by_reason.items()))
        self.counts.rejected = sum(by_reason.values())

    def content(self) -> bytes:
        """The document, as stored and shown."""
        return self.model_dump_json(indent=1).encode() + b"\n"


WARNINGS = {
    "phone_left_out": "Phones that are unreadable or have an extension were left out; profiles were sent.",
    "value_sent_as_text": "Values that do not fit their column's type were sent as text.",
    "limited": "A trial, limited to this many profiles; the export itself has not run yet.",
    "full_resend": "The export's mapping has changed since its last run: these profiles were sent again.",
    "no_ledger": "There is no digest key: everybody was sent, and no ledger was kept.",
    "ledger_lost": "The ledger of who was sent before is lost: everybody was sent.",
    "old_list_kept": "The export had a different list or account before: these people stay on that list.",
    "left_by_themselves": "These people left the list, but not through this app: they were not sent.",
    "strangers": "About this many members of the list were sent by no export into it; they stay.",
    "not_subscribed": "These rows have no time of consent, one that can't be read, or one in the future.",
    "many_rejected": "More rows were refused than the export's alerts allow.",
    "rows_grew": "The segments have more rows than the export's alerts allow.",
    "rows_fell": "The segments have fewer rows than the export's alerts allow.",
    "removals_held": "The safeguard keeps people on the list until their removal is confirmed.",
    "removals_pending": "People have left the segment but are not removed from the list yet.",
    "removals_unmatched": "People have left the segment, but Klaviyo does not show which profile is whose.",
    "merged_kept": "People have left the segment but share a profile with someone who has not; it stays.",
    "kept_for_another": "People have left the segment but stay on the list for another export.",
    "not_erased_again": "People were erased while the run was open, and may be at Klaviyo again.",
    "empty_segment": "The segment has no row that could be sent; nothing was sent.",
    "sent_twice": "Profiles were sent to Klaviyo twice, since the run resumed elsewhere; nobody is lost.",
    "superseded": "A newer snapshot arrived before this one was sent; the next run exports it.",
    "connection_removed": "The connection was removed while the run was open.",
    "cancel_too_late": "The run was canceled after everything had been sent.",
    "rejected_not_listed": "The refused rows' file lists a million rows at most; these are only counted.",
    "refused_rows_incomplete": "The places of these refused rows could not be read; they are only counted.",
    "unconfirmed": "Klaviyo did not report the outcome for these profiles.",
}
