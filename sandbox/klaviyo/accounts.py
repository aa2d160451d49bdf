"""What an account of the stand-in holds: profiles, lists and import jobs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.klaviyo.jobs import ImportJob, Row
from sandbox.klaviyo.limits import Windows

SCOPES = frozenset(
    ["accounts:read", "lists:read", "lists:write", "profiles:read", "profiles:write", "subscriptions:write"]
)
IDENTIFIERS = ("email", "phone_number", "external_id")


@dataclass(slots=True)
class Profile:
    """One person; `number` orders profiles by age, `attributes` stays None unless they are kept."""

    number: int
    email: str | None = None
    phone_number: str | None = None
    external_id: str | None = None
    attributes: dict[str, Any] | None = None

    @property
    def id(self) -> str:
        return f"01SANDBOX{self.number:017}"

    def merge(self, imported: Mapping[str, Any], unset: list[str]) -> None:
        """Takes over what was imported: a null changes nothing, `unset` takes custom properties away."""
        kept = self.attributes = self.attributes or {}
        for name, value in imported.items():
            if isinstance(value, dict):
                kept.setdefault(name, {}).update({k: item for k, item in value.items() if item is not None})
            elif value is not None and name not in IDENTIFIERS:
                kept[name] = value
        for name in unset:
            kept.get("properties", {}).pop(name, None)


@dataclass(slots=True)
class KlaviyoList:
    """A list, and when (epoch s) each profile, by its number, joined it."""

    number: int
    id: str
    name: str
    created: float
    joined: dict[int, float] = field(default_factory=dict)


@dataclass(slots=True)
class Account:
    """A company at Klaviyo; `keys` maps a private key to its scopes, `tiers` an endpoint to another tier."""

    id: str
    name: str
    keys: Mapping[str, frozenset[str]]
    tiers: Mapping[str, str]
    lists: dict[str, KlaviyoList] = field(default_factory=dict)
    jobs: dict[str, ImportJob] = field(default_factory=dict)
    windows: dict[str, Windows] = field(default_factory=dict)
    profiles: list[Profile] = field(default_factory=list)
    _open: list[ImportJob] = field(default_factory=list)
    _numbers: dict[str, dict[str, int]] = field(default_factory=lambda: {name: {} for name in IDENTIFIERS})

    def find(self, identifier: str, value: str) -> Profile | None:
        """The profile with this email (in any case), phone_number or external_id."""
        number = self._numbers[identifier].get(value.lower() if identifier == "email" else value)
        return None if number is None else self.profiles[number]

    def add_job(self, job: ImportJob) -> None:
        self.jobs[job.id] = job
        self._open.append(job)

    def settle(self, now: float) -> None:
        """Brings in the profiles of every job that has completed by `now` (epoch s)."""
        for job in [job for job in self._open if now >= job.ended]:
            self._open.remove(job)
            if job.plan.outcome == "complete":
                # Rows that are one person are merged, the last one wins.
                job.imported = list(dict.fromkeys(self._upsert(row) for row in job.waiting))
                job.merged = len(job.waiting) - len(job.imported)
            if job.list_id is not None:
                joined = self.lists[job.list_id].joined
                for number in job.imported:
                    joined.setdefault(number, job.ended)
            job.waiting = []

    def _upsert(self, row: Row) -> int:
        """The number of the row's profile: found by email, else phone, else external id, else created.

        The order is a choice, Klaviyo names none. Two addresses are two people, even behind one phone:
        then the phone's later owner is who a phone finds. An identifier the profile had is replaced.
        """
        profile = None
        for name in IDENTIFIERS:
            value = getattr(row, name)
            if profile is None and value is not None:
                profile = self.find(name, value)
                if profile is not None and row.email and profile.email not in (None, row.email):
                    profile = None
        if profile is None:
            profile = Profile(len(self.profiles))
            self.profiles.append(profile)
        for name in IDENTIFIERS:
            value, numbers = getattr(row, name), self._numbers[name]
            if value is not None:
                if numbers.get(getattr(profile, name)) == profile.number:
                    del numbers[getattr(profile, name)]
                numbers[value] = profile.number
                setattr(profile, name, value)
        if row.attributes is not None:
            profile.merge(row.attributes, row.unset)
        return profile.number
