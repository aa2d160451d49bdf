"""Klaviyo's lists, and what it says of one that is gone."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from shared.adapters.clock import Deadline
from shared.errors import BatchRefused, NotFound
from shared.klaviyo.calls import Calls
from shared.klaviyo.pages import query_of
from shared.klaviyo.resources import Account, Flow, KlaviyoList, read_flow, read_list, read_member_count

_COUNT = query_of({"additional-fields[list]": "profile_count", "fields[list]": "profile_count"})
_FLOWS = query_of({"fields[flow]": "name,status"})


class Lists:
    """The lists of one account. Its calls wait, retry and raise as `Calls` does.

    A list that isn't there is NotFound with the code `unknown_list`.
    """

    def __init__(self, calls: Calls, account: Account) -> None:
        self._calls = calls
        self.account = account

    def read_list(self, list_id: str, deadline: Deadline) -> KlaviyoList:
        """The list with this id (GET /api/lists/{id})."""
        with self._naming(list_id):
            return self._calls.get("list", list_path(list_id), deadline, read_list)

    def count_members(self, list_id: str, deadline: Deadline) -> int:
        """How many members a list has (GET /api/lists/{id}), which may be asked 15 times a minute."""
        with self._naming(list_id):
            return self._calls.get("list-count", list_path(list_id), deadline, read_member_count, _COUNT)

    def flows_of(self, list_id: str, deadline: Deadline) -> list[Flow]:
        """The flows that start when somebody joins the list (GET /api/lists/{id}/flow-triggers).

        Raises Denied if the key lacks the scope flows:read.
        """
        path = list_path(list_id) + "/flow-triggers"
        with self._naming(list_id):
            return list(self._calls.items("flows", path, _FLOWS, deadline, read_flow))

    @contextmanager
    def _naming(self, list_id: str) -> Iterator[None]:
        """Names the list and the account when Klaviyo doesn't have the list."""
        try:
            yield
        except NotFound:
            raise NotFound(
                f"The list {list_id!r} does not exist in the Klaviyo account {self.account.id} "
                f"({self.account.name}).",
                code="unknown_list",
            ) from None

    @contextmanager
    def _batch_for(self, list_id: str, deadline: Deadline) -> Iterator[None]:
        """Looks for the list when a batch was refused that names no profile: it may be gone."""
        try:
            with self._naming(list_id):
                yield
        except BatchRefused as refusal:
            if not refusal.profiles:
                self.read_list(list_id, deadline)
            raise


def list_path(list_id: str) -> str:
    return f"/api/lists/{quote(list_id, safe='')}"
