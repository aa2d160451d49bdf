"""Finds profiles at Klaviyo by address, and the person of a profile by its address."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from shared.adapters.clock import Deadline
from shared.errors import Denied
from shared.klaviyo import Klaviyo, MembersPage, Person
from shared.profiles import Digests
from shared.profiles.visible import value_of


class Asking:
    """Looks people of one list up. An address that Klaviyo refuses to look up counts as nobody's."""

    def __init__(
        self,
        klaviyo: Klaviyo,
        list_id: str,
        digests: Digests,
        deadline: Deadline,
        *,
        external_ids: bool = False,
    ) -> None:
        self._external_ids = external_ids
        self._klaviyo = klaviyo
        self._list = list_id
        self._digests = digests
        self._deadline = deadline

    def members_among(self, addresses: Iterable[str]) -> list[Person]:
        """The members of the list who have these addresses, primary or not."""
        ask = partial(
            self._klaviyo.members_among,
            self._list,
            deadline=self._deadline,
            external_ids=self._external_ids,
        )
        return _asked(ask, [*addresses])

    def profiles_among(self, addresses: Iterable[str]) -> list[Person]:
        """The profiles of the account that have these addresses, primary or not."""
        ask = partial(self._klaviyo.profiles_among, deadline=self._deadline, external_ids=self._external_ids)
        return _asked(ask, [*addresses])

    def members(self, cursor: str | None) -> Iterator[MembersPage]:
        """All members of the list, page by page, from the cursor if there is one."""
        return self._klaviyo.members(self._list, self._deadline, cursor, external_ids=self._external_ids)

    def person(self, profile: Person) -> bytes:
        """The digest of a profile's primary address, or of a blank one."""
        try:
            return self._digests.person(value_of(profile.email or ""))
        except UnicodeEncodeError:
            return self._digests.person("")


def _asked(ask: Callable[[Sequence[str]], list[Person]], addresses: list[str]) -> list[Person]:
    if not addresses:
        return []
    try:
        return ask(addresses)
    except Denied as refusal:
        if refusal.code != "request_refused":
            raise
        if len(addresses) == 1:
            return []
        half = len(addresses) // 2
        return _asked(ask, addresses[:half]) + _asked(ask, addresses[half:])
