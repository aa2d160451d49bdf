"""The profiles of an account: how they are identified, created, merged and deleted."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.klaviyo.jobs import Row

IDENTIFIERS = ("email", "phone_number", "external_id")
MAX_EMAILS = 5
ID = re.compile(r"01SANDBOX([0-9]{17})")


@dataclass(slots=True)
class Profile:
    """One person; `number` sorts profiles by age, `attributes` is None unless they are kept."""

    number: int
    email: str | None = None
    phone_number: str | None = None
    external_id: str | None = None
    attributes: dict[str, Any] | None = None

    @property
    def id(self) -> str:
        return f"01SANDBOX{self.number:017}"

    def update(self, imported: Mapping[str, Any], unset: Sequence[str]) -> None:
        """Applies an import: a null changes nothing, `unset` removes custom properties."""
        kept = self.attributes = self.attributes or {}
        for name, value in imported.items():
            if isinstance(value, dict):
                kept.setdefault(name, {}).update({k: item for k, item in value.items() if item is not None})
            elif value is not None and name not in IDENTIFIERS:
                kept[name] = value
        for name in unset:
            kept.get("properties", {}).pop(name, None)


class Profiles:
    """Every profile of an account by number; a merged or deleted one leaves a permanent gap.

    A profile has one primary address, its `email`, and up to four secondary ones, which also identify it.
    `on_merge` receives the numbers of the removed and the remaining profile.
    """

    def __init__(self, on_merge: Callable[[int, int], None]) -> None:
        self._on_merge = on_merge
        self._profiles: list[Profile | None] = []
        self._gone = 0
        self._numbers: dict[str, dict[str, int]] = {name: {} for name in IDENTIFIERS}
        self._secondary: dict[int, list[str]] = {}

    def __len__(self) -> int:
        return len(self._profiles) - self._gone

    def __iter__(self) -> Iterator[Profile]:
        return (profile for profile in self._profiles if profile)

    def __getitem__(self, number: int) -> Profile:
        """Raises KeyError if the profile was removed."""
        profile = self._profiles[number]
        if profile is None:
            raise KeyError(number)
        return profile

    def __contains__(self, number: int) -> bool:
        return self._profiles[number] is not None

    def after(self, number: int | None, *, descending: bool = False) -> Iterator[tuple[int, Profile]]:
        """Profiles, with their numbers, after this number; from the first (or last) one if it is None."""
        last = len(self._profiles)
        ascending = range(0 if number is None else number + 1, last)
        numbers = range(last if number is None else min(number, last))[::-1] if descending else ascending
        return ((n, profile) for n in numbers if (profile := self._profiles[n]))

    def find(self, identifier: str, value: str) -> Profile | None:
        """The profile with this id, email (in any case, primary or secondary), phone_number, external_id."""
        if identifier == "id":
            written = ID.fullmatch(value)
            number = int(written[1]) if written else -1
            return self._profiles[number] if 0 <= number < len(self._profiles) else None
        found = self._numbers[identifier].get(value.lower() if identifier == "email" else value)
        return None if found is None else self._profiles[found]

    def emails(self, profile: Profile) -> list[str]:
        """Its addresses, primary first."""
        primary = [profile.email] if profile.email else []
        return [*primary, *self._secondary.get(profile.number, [])]

    def make_primary(self, profile: Profile, email: str) -> None:
        """Makes an address primary, and the old primary one secondary; raises ValueError if it can't."""
        email = email.lower()
        owner = self.find("email", email)
        if owner not in (None, profile):
            raise ValueError("The address is another profile's.")
        self._set_emails(profile, [email, *(kept for kept in self.emails(profile) if kept != email)])

    def upsert(self, row: Row) -> int:
        """The number of the row's profile: found by email, else by phone, else by external id, else created.

        The order is a choice: Klaviyo documents none. Two addresses are two people, even with one phone; the
        phone then finds its later owner. With one external id they are merged into the older profile, which
        keeps its primary address, if one profile can have all their addresses. Replaces the profile's other
        identifiers, but not its address.
        """
        profile = None
        for name in IDENTIFIERS:
            value = getattr(row, name)
            if profile is None and value is not None:
                profile = self.find(name, value)
                if profile is not None and row.email and name != "email" and profile.email is not None:
                    profile = None
        if profile is None:
            profile = Profile(len(self._profiles))
            self._profiles.append(profile)
        twin = self.find("external_id", row.external_id) if row.external_id is not None else None
        for name in IDENTIFIERS:
            value = getattr(row, name)
            if value is not None and (name != "email" or profile.email is None):
                self._identify(profile, name, value)
        if twin is not None and twin is not profile and self._fit(profile, twin):
            profile, younger = (twin, profile) if twin.number < profile.number else (profile, twin)
            self.merge(younger, profile)
        if row.attributes is not None:
            profile.update(row.attributes, row.unset)
        return profile.number

    def merge(self, source: Profile, destination: Profile) -> None:
        """Merges two profiles into the destination, which keeps its values; raises ValueError if it can't."""
        if source is destination or not self._fit(source, destination):
            raise ValueError(f"A profile can't be merged with itself, or have more than {MAX_EMAILS} emails.")
        emails = [*self.emails(destination), *self.emails(source)]
        kept = destination.attributes or {}
        destination.attributes = {**(source.attributes or {}), **kept} or None
        for name in ("location", "properties"):
            if destination.attributes and source.attributes and name in source.attributes:
                destination.attributes[name] = source.attributes[name] | kept.get(name, {})
        others = {name: getattr(source, name) for name in IDENTIFIERS[1:]}
        self.remove(source)
        self._set_emails(destination, emails)
        for name, value in others.items():
            if value is not None and getattr(destination, name) in (None, value):
                self._identify(destination, name, value)
        self._on_merge(source.number, destination.number)

    def remove(self, profile: Profile) -> None:
        """Removes the profile, its number and its id for good; its identifiers find nothing."""
        self._profiles[profile.number] = None
        self._gone += 1

    def _fit(self, one: Profile, other: Profile) -> bool:
        return len(self.emails(one)) + len(self.emails(other)) <= MAX_EMAILS

    def _identify(self, profile: Profile, name: str, value: str) -> None:
        before, numbers = getattr(profile, name), self._numbers[name]
        if numbers.get(before) == profile.number:
            del numbers[before]
        numbers[value] = profile.number
        setattr(profile, name, value)

    def _set_emails(self, profile: Profile, emails: list[str]) -> None:
        if len(emails) > MAX_EMAILS:
            raise ValueError(f"A profile has at most {MAX_EMAILS} emails.")
        profile.email = emails[0] if emails else None
        self._numbers["email"].update(dict.fromkeys(emails, profile.number))
        if len(emails) > 1:
            self._secondary[profile.number] = emails[1:]
