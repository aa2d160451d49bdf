"""Lets other processes make changes by hand: see `ByHand`."""

from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass
from starlette.requests import Request
from starlette.routing import Route

from sandbox.klaviyo.by_hand import ByHand
from sandbox.klaviyo.consents import Suppression
from sandbox.klaviyo.control.bodies import change
from sandbox.klaviyo.stand_in import StandIn

STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, config=STRICT)
class Nothing:
    """An empty body, or none."""


@dataclass(frozen=True, slots=True, config=STRICT)
class Address:
    email: str


@dataclass(frozen=True, slots=True, config=STRICT)
class Merge:
    source: str
    destination: str


@dataclass(frozen=True, slots=True, config=STRICT)
class Reason:
    reason: Suppression = "UNSUBSCRIBE"
    list: str | None = None


class HandRoutes:
    def __init__(self, stand_in: StandIn) -> None:
        self._by_hand = ByHand(stand_in)

    def routes(self) -> list[Route]:
        merge, address = TypeAdapter(Merge), TypeAdapter(Address)
        reason, nothing = TypeAdapter(Reason), TypeAdapter(Nothing)
        profile, members = "/sandbox/profiles/{who}", "/sandbox/lists/{id}/members"
        return [
            Route("/sandbox/merges", change(merge, self.merge), methods=["POST"]),
            Route(profile, change(nothing, self.delete), methods=["DELETE"]),
            Route(f"{profile}/primary", change(address, self.make_primary), methods=["PUT"]),
            Route(f"{profile}/suppressions", change(reason, self.suppress), methods=["POST"]),
            Route(members, change(address, self.add), methods=["POST"]),
            Route(f"{members}/{{who}}", change(nothing, self.remove), methods=["DELETE"]),
        ]

    def merge(self, _: Request, merge: Merge) -> None:
        self._by_hand.merge(merge.source, merge.destination)

    def delete(self, request: Request, _: Nothing) -> None:
        self._by_hand.delete(request.path_params["who"])

    def make_primary(self, request: Request, address: Address) -> None:
        self._by_hand.make_primary(request.path_params["who"], address.email)

    def suppress(self, request: Request, reason: Reason) -> None:
        self._by_hand.suppress(request.path_params["who"], reason.reason, reason.list)

    def add(self, request: Request, address: Address) -> None:
        self._by_hand.add(request.path_params["id"], address.email)

    def remove(self, request: Request, _: Nothing) -> None:
        self._by_hand.remove(request.path_params["id"], request.path_params["who"])
