"""An account of the stand-in: profiles with their consent, lists and jobs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from sandbox.klaviyo.consents import Consent, SubscriptionJob
from sandbox.klaviyo.jobs import ImportJob, Row
from sandbox.klaviyo.limits import Windows
from sandbox.klaviyo.members import Members
from sandbox.klaviyo.profiles import Profile, Profiles

SCOPES = frozenset(
    {
        "accounts:read",
        "data-privacy:write",
        "flows:read",
        "lists:read",
        "lists:write",
        "profiles:read",
        "profiles:write",
        "subscriptions:write",
        "usage:read",
    }
)
type OptIn = Literal["single_opt_in", "double_opt_in"]


@dataclass(slots=True)
class KlaviyoList:
    """A list, its members, and the names of the flows that joining it starts."""

    number: int
    id: str
    name: str
    created: float
    members: Members = field(default_factory=Members)
    opt_in_process: OptIn = "single_opt_in"
    flows: list[str] = field(default_factory=list)


class Account:
    """A company at Klaviyo; `keys` maps a private key to its scopes, `tiers` an endpoint to another tier.

    `consents` are by the number of a profile; a profile without one has never subscribed. `plan` is the
    number of profiles that the account pays for.
    """

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
        self.consents: dict[int, Consent] = {}
        self.plan = 1_000_000
        self._later: list[tuple[float, Callable[[], None]]] = []

    def later(self, at: float, work: Callable[[], None]) -> None:
        """Does the work at this time (epoch s)."""
        self._later.append((at, work))

    def settle(self, now: float) -> None:
        """Does all work that was due by `now` (epoch s), in the order of its times."""
        due = sorted((entry for entry in self._later if entry[0] <= now), key=lambda entry: entry[0])
        if due:
            self._later = [entry for entry in self._later if entry[0] > now]
        for _, work in due:
            work()

    def add_job(self, job: ImportJob) -> None:
        self.jobs[job.id] = job
        self.later(job.ended, partial(self._complete, job))

    def subscribe(self, job: SubscriptionJob, now: float) -> None:
        """Subscribes people and adds them to the list; with double opt-in, that waits for confirmation."""
        listed = None if job.list_id is None else self.lists[job.list_id]
        numbers = [self.profiles.upsert(Row(person.email)) for person in job.subscribers]
        if listed is not None and listed.opt_in_process == "double_opt_in" and not job.historical:
            return
        for number, person in zip(numbers, job.subscribers, strict=True):
            consented_at = now if person.consented_at is None else person.consented_at
            self.consents[number] = self.consent(number).subscribe(consented_at, job.custom_source)
        if listed is not None:
            listed.members.add(numbers, now)

    def consent(self, number: int) -> Consent:
        return self.consents.get(number, Consent())

    def erase(self, identifier: str, value: str) -> None:
        """Deletes every profile with this id, address (primary or secondary) or phone number."""
        if identifier == "phone_number":
            found = [profile for profile in self.profiles if profile.phone_number == value]
        else:
            profile = self.profiles.find(identifier, value)
            found = [] if profile is None else [profile]
        for profile in found:
            self.delete(profile)

    def delete(self, profile: Profile) -> None:
        """Deletes a profile for good, also from every list."""
        for listed in self.lists.values():
            listed.members.discard(profile.number)
        self.consents.pop(profile.number, None)
        self.profiles.remove(profile)

    def _complete(self, job: ImportJob) -> None:
        if job.plan.outcome == "complete":
            # Rows of the same person are merged; the last one wins.
            found = dict.fromkeys([self.profiles.upsert(row) for row in job.waiting])
            job.imported = [number for number in found if number in self.profiles]
            job.merged = len(job.waiting) - len(job.imported)
        if job.list_id is not None:
            self.lists[job.list_id].members.add(job.imported, job.ended)
        job.waiting = []

    def _replace(self, source: int, destination: int) -> None:
        """After a merge; if both had a consent, the remaining profile's is kept, by choice."""
        for listed in self.lists.values():
            listed.members.replace(source, destination)
        if source in self.consents:
            self.consents.setdefault(destination, self.consents.pop(source))
