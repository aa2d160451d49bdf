"""`/sandbox/…`: what other processes see of the stand-in and how they script it; for loopback only."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from sandbox.klaviyo.accounts import Account
from sandbox.klaviyo.faults import Fault
from sandbox.klaviyo.profiles import Profile
from sandbox.klaviyo.stand_in import StandIn

LINES = 10_000  # members in each chunk


@dataclass(frozen=True, slots=True)
class NewAccount:
    """The body of POST /sandbox/accounts: an account, its keys with their scopes, its lists' names by id."""

    id: str
    name: str
    keys: dict[str, frozenset[str]]
    lists: dict[str, str]


FAULTS = TypeAdapter(list[Fault])
ACCOUNT = TypeAdapter(NewAccount)


class Control:
    """The handlers; the plain ones run in a thread of the pool."""

    def __init__(self, stand_in: StandIn) -> None:
        self._stand_in = stand_in

    def routes(self) -> list[Route]:
        return [
            Route("/sandbox/state", self.read_state),
            Route("/sandbox/requests", self.read_requests),
            Route("/sandbox/lists/{id}/members", self.read_members),
            Route("/sandbox/profiles/{email}", self.read_profile),
            Route("/sandbox/faults", self.add_faults, methods=["POST"]),
            Route("/sandbox/faults", self.clear_faults, methods=["DELETE"]),
            Route("/sandbox/accounts", self.add_account, methods=["POST"]),
        ]

    def read_state(self, _: Request) -> Response:
        with self._stand_in.lock:
            self._stand_in.settle()
            now = self._stand_in.clock()
            accounts = [_account_state(account, now) for account in self._stand_in.accounts.values()]
            requests: dict[str, Counter[str]] = defaultdict(Counter)
            for request in self._stand_in.requests:
                requests[request.endpoint][str(request.status)] += 1
        return _json({"accounts": accounts, "requests": requests})

    def read_requests(self, _: Request) -> Response:
        return _json({"requests": [request._asdict() for request in self._stand_in.requests.copy()]})

    def read_members(self, request: Request) -> Response:
        try:
            members = self._stand_in.members(request.path_params["id"])
        except KeyError:
            return _json({"error": "no such list"}, 404)
        return StreamingResponse(_lines(members), media_type="application/x-ndjson")

    def read_profile(self, request: Request) -> Response:
        try:
            profile = self._stand_in.profile(request.path_params["email"])
        except KeyError:
            return _json({"error": "no such profile"}, 404)
        return _json({**_identifiers(profile), "attributes": profile.attributes})

    async def add_faults(self, request: Request) -> Response:
        try:
            faults = FAULTS.validate_json(await request.body())
        except ValidationError as error:
            return _json({"error": str(error)}, 400)
        self._stand_in.faults.add(faults)
        return Response(status_code=204)

    async def clear_faults(self, _: Request) -> Response:
        self._stand_in.faults.clear()
        return Response(status_code=204)

    async def add_account(self, request: Request) -> Response:
        try:
            new = ACCOUNT.validate_json(await request.body())
        except ValidationError as error:
            return _json({"error": str(error)}, 400)
        self._stand_in.add_account(new.id, new.name, keys=new.keys, lists=new.lists)
        return Response(status_code=204)


def _account_state(account: Account, now: float) -> dict[str, Any]:
    jobs = [
        {
            "id": job.id,
            "list": job.list_id,
            "status": job.status(now),
            "total": job.total,
            "imported": len(job.imported),
            "failed": len(job.failed),
            "merged": job.merged,
        }
        for job in account.jobs.values()
    ]
    lists = [
        {"id": listed.id, "name": listed.name, "profiles": len(listed.members)}
        for listed in account.lists.values()
    ]
    return {
        "id": account.id,
        "name": account.name,
        "profiles": len(account.profiles),
        "lists": lists,
        "jobs": jobs,
    }


def _identifiers(profile: Profile) -> dict[str, str | None]:
    return {
        "id": profile.id,
        "email": profile.email,
        "phone_number": profile.phone_number,
        "external_id": profile.external_id,
    }


def _lines(profiles: list[Profile]) -> Iterator[bytes]:
    """One JSON object a line."""
    for start in range(0, len(profiles), LINES):
        yield b"".join(orjson.dumps(_identifiers(p)) + b"\n" for p in profiles[start : start + LINES])


def _json(body: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
