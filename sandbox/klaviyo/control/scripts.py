"""Lets other processes script faults, accounts, lists, and unconfirmed behavior."""

from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.klaviyo.accounts import OptIn
from sandbox.klaviyo.by_hand import ByHand
from sandbox.klaviyo.control.bodies import change
from sandbox.klaviyo.faults import Fault
from sandbox.klaviyo.stand_in import StandIn

STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, config=STRICT)
class NewAccount:
    """An account, its keys with their scopes, the names of its lists by id, and the profiles in its plan."""

    id: str
    name: str
    keys: dict[str, frozenset[str]]
    lists: dict[str, str]
    plan: int | None = None


@dataclass(frozen=True, slots=True, config=STRICT)
class ListChange:
    """Changes of a list; missing members do not change."""

    opt_in_process: OptIn | None = None
    flows: list[str] | None = None


@dataclass(frozen=True, slots=True, config=STRICT)
class Switches:
    """Switches to set; missing ones do not change."""

    secondary_addresses_found: bool | None = None
    unknown_ids_ignored: bool | None = None
    refresh_tokens_replaced: bool | None = None


class ScriptRoutes:
    def __init__(self, stand_in: StandIn) -> None:
        self._stand_in = stand_in

    def routes(self) -> list[Route]:
        faults, account = change(TypeAdapter(list[Fault]), self.add_faults), TypeAdapter(NewAccount)
        lists, switches = TypeAdapter(ListChange), TypeAdapter(Switches)
        return [
            Route("/sandbox/faults", faults, methods=["POST"]),
            Route("/sandbox/faults", self.clear_faults, methods=["DELETE"]),
            Route("/sandbox/accounts", change(account, self.add_account), methods=["POST"]),
            Route("/sandbox/lists/{id}", change(lists, self.change_list), methods=["PATCH"]),
            Route("/sandbox/switches", change(switches, self.switch), methods=["PATCH"]),
        ]

    def add_faults(self, _: Request, faults: list[Fault]) -> None:
        self._stand_in.faults.add(faults)

    async def clear_faults(self, _: Request) -> Response:
        self._stand_in.faults.clear()
        return Response(status_code=204)

    def add_account(self, _: Request, new: NewAccount) -> None:
        account = self._stand_in.add_account(new.id, new.name, keys=new.keys, lists=new.lists)
        if new.plan is not None:
            account.plan = new.plan

    def change_list(self, request: Request, changed: ListChange) -> None:
        listed = ByHand(self._stand_in).list(request.path_params["id"])
        if changed.opt_in_process is not None:
            listed.opt_in_process = changed.opt_in_process
        if changed.flows is not None:
            listed.flows = changed.flows

    def switch(self, _: Request, switches: Switches) -> None:
        if switches.secondary_addresses_found is not None:
            self._stand_in.secondary_addresses_found = switches.secondary_addresses_found
        if switches.unknown_ids_ignored is not None:
            self._stand_in.unknown_ids_ignored = switches.unknown_ids_ignored
        if switches.refresh_tokens_replaced is not None:
            self._stand_in.oauth.rotate = switches.refresh_tokens_replaced
