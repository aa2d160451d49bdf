"""One admitted request, as the endpoints see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sandbox.klaviyo.accounts import Account, KlaviyoList
from sandbox.klaviyo.errors import not_found
from sandbox.klaviyo.jobs import ImportJob
from sandbox.klaviyo.profiles import Profile
from sandbox.klaviyo.stand_in import StandIn


@dataclass(frozen=True, slots=True)
class Call:
    """`base` is the server's origin, `path` the requested path, `ids` the values of its parameters."""

    stand_in: StandIn
    account: Account
    now: float
    base: str
    path: str
    ids: Mapping[str, str]
    query: Mapping[str, str]
    body: Any

    def find_list(self) -> KlaviyoList:
        found = self.account.lists.get(self.ids["id"])
        if found is None:
            raise not_found("list", self.ids["id"])
        return found

    def find_job(self) -> ImportJob:
        """Klaviyo's response for an expired job is unconfirmed; here the job does not exist."""
        job = self.account.jobs.get(self.ids["id"])
        if job is None or self.now >= job.expires:
            raise not_found("profile-bulk-import-job", self.ids["id"])
        return job

    def look_up(self, field: str, value: str) -> Profile | None:
        """The profile that a filter finds, in any case; by a secondary address only if a script allows it."""
        profile = self.account.profiles.find(field, value)
        hidden = field == "email" and not self.stand_in.secondary_addresses_found
        return None if profile is None or (hidden and profile.email != value.lower()) else profile

    def page(self, data: list[dict[str, Any]], cursor: str | None) -> dict[str, Any]:
        """A collection with its links; the next link repeats every parameter of this call."""
        here = f"{self.base}{self.path}"
        query = f"?{urlencode(self.query)}" if self.query else ""
        following = f"{here}?{urlencode({**self.query, 'page[cursor]': cursor})}" if cursor else None
        return {"data": data, "links": {"self": f"{here}{query}", "next": following, "prev": None}}
