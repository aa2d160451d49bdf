"""The record of a run: what its file, the HTTP API and `--json` show."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

type Status = Literal["queued", "running", "successful", "completed_with_warnings", "failed", "canceled"]
type Phase = Literal["sending", "confirming", "closed"]
type Trigger = Literal["schedule", "on_demand", "command"]


class Part(BaseModel):
    """A part of a document that this project itself writes and reads back."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class Counts(Part):
    """Of rows and profiles: rows = rejected + filtered + duplicates + unchanged + sent, and
    sent = imported + failed + unconfirmed, for a run that sent everything."""

    rows: int = 0
    rejected: int = 0
    filtered: int = 0
    duplicates: int = 0
    unchanged: int = 0
    sent: int = 0
    imported: int = 0
    failed: int = 0
    unconfirmed: int = 0
    removed: int = 0


class SegmentRecord(Part):
    name: str
    snapshot: str
    refreshed_at: datetime
    partitions: int


class JobRecord(Part):
    """An import job: `status` is Klaviyo's, or `lost` where Klaviyo doesn't know it any more."""

    id: str
    profiles: int
    status: str
    failed: int = 0


class WarningRecord(Part):
    code: str
    message: str
    count: int


class ErrorRecord(Part):
    code: str
    message: str


class RunRecord(Part):
    """One run of an export; times are UTC."""

    version: Literal[1] = 1
    id: str
    export: str
    trigger: Trigger
    requested_by: str
    status: Status = "queued"
    phase: Phase = "sending"
    segments: list[SegmentRecord] = Field(default_factory=list)
    counts: Counts = Field(default_factory=Counts)
    rejected_by_reason: dict[str, int] = Field(default_factory=dict)
    jobs: list[JobRecord] = Field(default_factory=list)
    warnings: list[WarningRecord] = Field(default_factory=list)
    error: ErrorRecord | None = None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def is_closed(self) -> bool:
        return self.phase == "closed"

    def warn(self, code: str, count: int = 1) -> None:
        """Sets the count of a warning; the message comes with the code."""
        self.warnings = [warning for warning in self.warnings if warning.code != code]
        if count:
            self.warnings.append(WarningRecord(code=code, message=WARNINGS[code], count=count))

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
        """The document as it is stored and shown."""
        return self.model_dump_json(indent=1).encode() + b"\n"


WARNINGS = {
    "phone_left_out": "Phones that can't be read, or have an extension, were left out; their profiles went.",
    "value_sent_as_text": "Values that do not fit their column's type went as text.",
    "limited": "A trial of no more than the first profiles; the export is still to be run.",
    "empty_segment": "The segment has no row that could be sent; nothing was sent.",
    "sent_twice": "Profiles went to Klaviyo twice, since the run went on in another place; nobody is lost.",
    "superseded": "A newer snapshot was there before this one was sent; the next run exports it.",
    "cancel_too_late": "The run was cancelled when everything had been sent already.",
    "rejected_not_listed": "The refused rows' file lists a million rows at most; these are only counted.",
    "unconfirmed": "Klaviyo did not say what became of these profiles.",
}
