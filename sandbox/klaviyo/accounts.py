"""What an account of the stand-in holds: profiles, lists and import jobs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.klaviyo.jobs import ImportJob
from sandbox.klaviyo.limits import Windows
from sandbox.klaviyo.members import Members
from sandbox.klaviyo.profiles import Profile, Profiles

SCOPES = frozenset(
    ["accounts:read", "lists:read", "lists:write", "profiles:read", "profiles:write", "subscriptions:write"]
)


@dataclass(slots=True)
class KlaviyoList:
    """A list and its members."""

    number: int
    id: str
    name: str
    created: float
    members: Members = field(default_factory=Members)


class Account:
    """A company at Klaviyo; `keys` maps a private key to its scopes, `tiers` an endpoint to another tier."""

    def __init__(
        self, account_id: str, name: str, keys: Mapping[str, frozenset[str]], tiers: Mapping[str, str]
    ) -> None:
        self.id = account_id
        self.name = name
        self.keys = keys
        self.tiers = tiers
        self.lists: dict[str, KlaviyoList] = {}
        self.jobs: dict[str, ImportJob] = {}
        self.windows: dict[str, Windows] = {}
        self.profiles = Profiles(on_merge=self._replace)
        self._open: list[ImportJob] = []

    def add_job(self, job: ImportJob) -> None:
        self.jobs[job.id] = job
        self._open.append(job)

    def settle(self, now: float) -> None:
        """Brings in the profiles of every job that has completed by `now` (epoch s)."""
        for job in sorted((job for job in self._open if now >= job.ended), key=lambda job: job.ended):
            self._open.remove(job)
            if job.plan.outcome == "complete":
                # Rows that are one person are merged, the last one wins.
                found = dict.fromkeys([self.profiles.upsert(row) for row in job.waiting])
                job.imported = [number for number in found if number in self.profiles]
                job.merged = len(job.waiting) - len(job.imported)
            if job.list_id is not None:
                self.lists[job.list_id].members.add(job.imported, job.ended)
            job.waiting = []

    def merge(self, source: Profile, destination: Profile) -> None:
        """Makes two profiles the destination, also on lists; ValueError where it can't be."""
        self.profiles.merge(source, destination)

    def delete(self, profile: Profile) -> None:
        """A profile goes for good, also from every list."""
        for listed in self.lists.values():
            listed.members.discard(profile.number)
        self.profiles.remove(profile)

    def _replace(self, source: int, destination: int) -> None:
        for listed in self.lists.values():
            listed.members.replace(source, destination)
