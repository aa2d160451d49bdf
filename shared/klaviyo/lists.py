"""Klaviyo's lists, and the error for one that does not exist."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import override
from urllib.parse import quote

from shared.adapters.clock import Deadline
from shared.errors import BatchRefused, KlaviyoUnavailable, NotFound
from shared.klaviyo.body import JsonBody
from shared.klaviyo.calls import Calls, Permit
from shared.klaviyo.pages import query_of
from shared.klaviyo.resources import (
    Account,
    Flow,
    KlaviyoList,
    read_flow,
    read_list,
    read_list_item,
    read_member_count,
)

_COUNT = query_of({"additional-fields[list]": "profile_count", "fields[list]": "profile_count"})
_LISTS = query_of({"fields[list]": "name,opt_in_process"})
_FLOWS = query_of({"fields[flow]": "name,status"})


class _Once(Permit):
    """Permits one attempt."""

    def __init__(self) -> None:
        self._is_used = False

    @override
    def check(self) -> None:
        if self._is_used:
            message = "Klaviyo did not confirm that it created the list. Look at the account's lists first."
            raise KlaviyoUnavailable(message)
        self._is_used = True


class Lists:
    """The lists of one account. Its calls wait, retry and raise as `Calls` does.

    A list that does not exist is NotFound with the code `unknown_list`.
    """

    def __init__(self, calls: Calls, account: Account) -> None:
        self._calls = calls
        self.account = account

    def read_list(self, list_id: str, deadline: Deadline) -> KlaviyoList:
        """The list with this id (GET /api/lists/{id})."""
        with self._naming(list_id):
            return self._calls.get("list", list_path(list_id), deadline, read_list)

    def lists(self, deadline: Deadline) -> Iterator[KlaviyoList]:
        """All lists, ten a request (GET /api/lists)."""
        return self._calls.items("list", "/api/lists", _LISTS, deadline, read_list_item)

    def add_list(self, name: str, deadline: Deadline) -> KlaviyoList:
        """Creates a list (POST /api/lists). It is sent once: a second request would create a second list.

        Raises KlaviyoUnavailable if it is unknown whether the list was created.
        """
        body = JsonBody({"data": {"type": "list", "attributes": {"name": name}}}, count=0)
        return self._calls.post("add-list", "/api/lists", body, deadline, _Once(), read_list)

    def count_members(self, list_id: str, deadline: Deadline) -> int:
        """How many members a list has (GET /api/lists/{id}); allowed 15 times a minute."""
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
        """Names the list and the account if Klaviyo doesn't have the list."""
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
        """Checks that the list still exists if a batch is refused without naming a profile."""
        try:
            with self._naming(list_id):
                yield
        except BatchRefused as refusal:
            if not refusal.profiles:
                self.read_list(list_id, deadline)
            raise


def list_path(list_id: str) -> str:
    return f"/api/lists/{quote(list_id, safe='')}"
