"""Shows the stand-in's counts, requests, members and profiles."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from sandbox.klaviyo.accounts import Account, KlaviyoList
from sandbox.klaviyo.consents import Consent
from sandbox.klaviyo.control.bodies import json_answer
from sandbox.klaviyo.profiles import Profile
from sandbox.klaviyo.resources import moment
from sandbox.klaviyo.stand_in import StandIn

LINES = 10_000  # members in each chunk


class ViewRoutes:
    """The handlers run in a thread of the pool."""

    def __init__(self, stand_in: StandIn) -> None:
        self._stand_in = stand_in

    def routes(self) -> list[Route]:
        return [
            Route("/sandbox/state", self.read_state),
            Route("/sandbox/requests", self.read_requests),
            Route("/sandbox/lists/{id}/members", self.read_members),
            Route("/sandbox/profiles/{who}", self.read_profile),
        ]

    def read_state(self, _: Request) -> Response:
        with self._stand_in.lock:
            self._stand_in.settle()
            now = self._stand_in.clock()
            accounts = [_account_state(account, now) for account in self._stand_in.accounts.values()]
            requests: dict[str, Counter[str]] = defaultdict(Counter)
            for request in self._stand_in.requests:
                requests[request.endpoint][str(request.status)] += 1
        return json_answer({"accounts": accounts, "requests": requests})

    def read_requests(self, _: Request) -> Response:
        return json_answer({"requests": [request._asdict() for request in self._stand_in.requests.copy()]})

    def read_members(self, request: Request) -> Response:
        list_id = request.path_params["id"]
        with self._stand_in.lock:
            self._stand_in.settle()
            try:
                account = self._stand_in.account_of(list_id)
            except KeyError:
                return json_answer({"error": "no such list"}, 404)
            members = account.lists[list_id].members
            found = [(account.profiles[number], members.joined(number)) for number in members]
        return StreamingResponse(_lines(account, found), media_type="application/x-ndjson")

    def read_profile(self, request: Request) -> Response:
        try:
            account, profile = self._stand_in.find(request.path_params["who"])
        except KeyError:
            return json_answer({"error": "no such profile"}, 404)
        consent = account.consent(profile.number)
        details = {
            "emails": account.profiles.emails(profile),
            "attributes": profile.attributes,
            "lists": [listed.id for listed in account.lists.values() if profile.number in listed.members],
            "consent": _consent(consent),
        }
        return json_answer(_identifiers(profile) | details)


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
    return {
        "id": account.id,
        "name": account.name,
        "profiles": len(account.profiles),
        "consent": Counter(consent.email for consent in account.consents.values()),
        "lists": [_list_state(listed) for listed in account.lists.values()],
        "jobs": jobs,
    }


def _list_state(listed: KlaviyoList) -> dict[str, Any]:
    return {
        "id": listed.id,
        "name": listed.name,
        "profiles": len(listed.members),
        "opt_in_process": listed.opt_in_process,
        "flows": listed.flows,
    }


def _identifiers(profile: Profile) -> dict[str, str | None]:
    return {
        "id": profile.id,
        "email": profile.email,
        "phone_number": profile.phone_number,
        "external_id": profile.external_id,
    }


def _consent(consent: Consent) -> dict[str, Any]:
    return {
        "email": consent.email,
        "consented_at": None if consent.consented_at is None else moment(consent.consented_at),
        "custom_source": consent.custom_source,
        "suppressions": sorted(consent.suppressions),
    }


def _lines(account: Account, members: list[tuple[Profile, float]]) -> Iterator[bytes]:
    """One JSON object per line."""
    for start in range(0, len(members), LINES):
        yield b"".join(
            orjson.dumps(
                _identifiers(profile)
                | {"joined_group_at": moment(joined), "consent": account.consent(profile.number).email}
            )
            + b"\n"
            for profile, joined in members[start : start + LINES]
        )
