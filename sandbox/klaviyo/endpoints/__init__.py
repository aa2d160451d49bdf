"""Klaviyo's endpoints: the method, path, rate tier, scopes and response of each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.routing import compile_path

from sandbox.klaviyo.call import Call
from sandbox.klaviyo.endpoints import company, consent, jobs, lists, members, profiles


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint; `status` is its status on success, `first_revision` the first revision that has it."""

    method: str
    path: str
    tier: str
    scopes: tuple[str, ...]
    answer: Callable[[Call], dict[str, Any] | None]
    status: int = 200
    first_revision: str = ""

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


JOBS, LISTS = "/api/profile-bulk-import-jobs", "/api/lists"
MEMBERS, MEMBER_IDS = LISTS + "/{id}/profiles", LISTS + "/{id}/relationships/profiles"
READ, WRITE = ("lists:read", "profiles:read"), ("lists:write", "profiles:write")
ENDPOINTS = (
    Endpoint("POST", JOBS, "M", WRITE, jobs.import_profiles, 202),
    Endpoint("GET", JOBS, "M", READ, jobs.list_jobs),
    Endpoint("GET", JOBS + "/{id}", "M", READ, jobs.read_job),
    Endpoint("GET", JOBS + "/{id}/import-errors", "M", ("profiles:read",), jobs.list_import_errors),
    Endpoint("GET", JOBS + "/{id}/relationships/profiles", "M", ("profiles:read",), jobs.list_imported),
    Endpoint("GET", LISTS, "L", ("lists:read",), lists.list_lists),
    Endpoint("POST", LISTS, "M/day", ("lists:write",), lists.create_list, 201),
    Endpoint("GET", LISTS + "/{id}", "L", ("lists:read",), lists.read_list),
    Endpoint(
        "GET", LISTS + "/{id}/flow-triggers", "S", ("flows:read", "lists:read"), lists.list_flow_triggers
    ),
    Endpoint("GET", MEMBERS, "L", READ, members.list_members),
    Endpoint("GET", MEMBER_IDS, "L", READ, members.list_member_ids),
    Endpoint("POST", MEMBER_IDS, "M", WRITE, members.add_members, 204),
    Endpoint("DELETE", MEMBER_IDS, "M", WRITE, members.remove_members, 204),
    Endpoint("GET", "/api/profiles", "L", ("profiles:read",), profiles.list_profiles),
    Endpoint("GET", "/api/accounts", "XS", ("accounts:read",), company.list_accounts),
    Endpoint(
        "POST",
        "/api/profile-subscription-bulk-create-jobs",
        "L",
        (*WRITE, "subscriptions:write"),
        consent.subscribe,
        202,
    ),
    Endpoint("POST", "/api/data-privacy-deletion-jobs", "S", ("data-privacy:write",), consent.erase, 202),
    Endpoint(
        "GET", "/api/billing-usage", "M", ("usage:read",), company.list_usage, first_revision="2026-10-15"
    ),
)
_PATTERNS = [(endpoint, compile_path(endpoint.path)[0]) for endpoint in ENDPOINTS]


def endpoint_name(method: str, path: str) -> str:
    """The endpoint of a request, or its method and path."""
    for endpoint, pattern in _PATTERNS:
        if endpoint.method == method and pattern.match(path.rstrip("/")):
            return endpoint.name
    return f"{method} {path}"
