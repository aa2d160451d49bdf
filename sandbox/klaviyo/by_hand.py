"""What people do at Klaviyo without its API: in its pages, or through a link in an email."""

from sandbox.klaviyo.accounts import KlaviyoList
from sandbox.klaviyo.consents import Suppression
from sandbox.klaviyo.jobs import Row
from sandbox.klaviyo.profiles import Profile
from sandbox.klaviyo.stand_in import StandIn


class ByHand:
    """Changes a stand-in while it serves.

    `who` is an address or a profile's id. Raises KeyError if the profile or list does not exist, ValueError
    if the change is not possible.
    """

    def __init__(self, stand_in: StandIn) -> None:
        self._stand_in = stand_in

    def merge(self, source: str, destination: str) -> None:
        """Merges two profiles into the destination; the source's addresses become its secondary ones."""
        with self._stand_in.lock:
            account, absorbed = self._stand_in.find(source)
            owner, kept = self._stand_in.find(destination)
            if owner is not account:
                raise ValueError("The profiles are in two accounts.")
            account.profiles.merge(absorbed, kept)

    def make_primary(self, who: str, email: str) -> None:
        """Makes a new or secondary address the primary one; the old primary one becomes secondary."""
        with self._stand_in.lock:
            account, profile = self._stand_in.find(who)
            account.profiles.make_primary(profile, email)

    def suppress(self, who: str, reason: Suppression = "UNSUBSCRIBE", list_id: str | None = None) -> None:
        """Suppresses a person, by default as unsubscribed, and removes them from the list, if given."""
        with self._stand_in.lock:
            account, profile = self._stand_in.find(who)
            if list_id is not None:
                account.lists[list_id].members.discard(profile.number)
            account.consents[profile.number] = account.consent(profile.number).suppress(reason)

    def delete(self, who: str) -> None:
        with self._stand_in.lock:
            account, profile = self._stand_in.find(who)
            account.delete(profile)

    def add(self, list_id: str, email: str) -> Profile:
        """Adds a person to a list, even without a profile."""
        with self._stand_in.lock:
            self._stand_in.settle()
            account = self._stand_in.account_of(list_id)
            number = account.profiles.upsert(Row(email.lower()))
            account.lists[list_id].members.add([number], self._stand_in.clock())
            return account.profiles[number]

    def remove(self, list_id: str, who: str) -> None:
        """Removes a person from a list."""
        with self._stand_in.lock:
            account, profile = self._stand_in.find(who)
            account.lists[list_id].members.discard(profile.number)

    def list(self, list_id: str) -> KlaviyoList:
        """A list, to change its name, opt-in process or flows."""
        return self._stand_in.account_of(list_id).lists[list_id]
