"""An import job: what was accepted, and its progress over time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Literal, NamedTuple

from sandbox.klaviyo.imports import is_valid_phone

DAY = 86_400
type Status = Literal["queued", "processing", "complete", "cancelled"]


@dataclass(frozen=True, slots=True)
class JobPlan:
    """The course of a job: `seconds` until it ends, its outcome, and how long it can be read (7 days at
    Klaviyo)."""

    seconds: float = 0.0
    outcome: Literal["complete", "cancelled"] = "complete"
    readable_for: float = 7 * DAY


@dataclass(frozen=True, slots=True)
class ImportFailure:
    """Why a job skips a profile; its import error repeats the profile after `detail`."""

    code: str = "invalid"
    title: str = "Invalid input."
    detail: str = "This profile can't be imported:"
    attribute: str = "email"


class FailedProfile(NamedTuple):
    """A skipped profile, at `number` in its job."""

    number: int
    failure: ImportFailure
    profile: dict[str, Any]


class Row(NamedTuple):
    """A profile to import: its identifiers, its attributes if kept, and custom properties to unset."""

    email: str | None
    phone_number: str | None = None
    external_id: str | None = None
    attributes: dict[str, Any] | None = None
    unset: Sequence[str] = ()


def read_row(profile: dict[str, Any], *, keep_attributes: bool) -> Row:
    """The row of a checked profile; drops an invalid phone silently, as Klaviyo does."""
    attributes = profile["attributes"]
    email, phone = attributes.get("email"), attributes.get("phone_number")
    unset = (profile.get("meta") or {}).get("patch_properties", {}).get("unset", [])
    return Row(
        email=email.lower() if email else None,
        phone_number=phone if is_valid_phone(phone) else None,
        external_id=attributes.get("external_id") or None,
        attributes=attributes if keep_attributes else None,
        unset=[unset] if isinstance(unset, str) else unset,
    )


@dataclass(slots=True)
class ImportJob:
    """One accepted import; `waiting` has the rows that it imports when it completes."""

    number: int
    list_id: str | None
    created: float
    plan: JobPlan
    total: int
    waiting: list[Row]
    failed: list[FailedProfile]
    imported: list[int] = field(default_factory=list)  # numbers of profiles
    merged: int = 0  # rows that were the same person as an earlier one

    @property
    def id(self) -> str:
        """Opaque, 58 characters."""
        return blake2b(str(self.number).encode(), digest_size=29).hexdigest()

    @property
    def started(self) -> float:
        return self.created + self.plan.seconds / 2

    @property
    def ended(self) -> float:
        return self.created + self.plan.seconds

    @property
    def expires(self) -> float:
        return self.created + self.plan.readable_for

    def status(self, now: float) -> Status:
        """It is queued for half of its time, then processing."""
        if now >= self.ended:
            return self.plan.outcome
        return "processing" if now >= self.started else "queued"
