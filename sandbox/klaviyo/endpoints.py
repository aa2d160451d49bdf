"""Klaviyo's endpoints: method, path, rate tier and scopes of each, and what it answers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.routing import compile_path

from sandbox.klaviyo import resources
from sandbox.klaviyo.accounts import IDENTIFIERS, Profile
from sandbox.klaviyo.call import Call
from sandbox.klaviyo.errors import invalid, invalid_parameter
from sandbox.klaviyo.queries import read_fields, read_filter, read_page, read_sort

MAX_REMOVED = 1000
COUNT = "additional-fields[list]"
JOB_FIELDS = "fields[profile-bulk-import-job]"
# The client of revision 2026-10-15 names these three: cancelled jobs can't be asked for.
FILTERED_STATUSES = ("queued", "processing", "complete")


def import_profiles(call: Call) -> dict[str, Any]:
    fields = read_fields(call.query, JOB_FIELDS, resources.JOB_FIELDS)
    job = call.stand_in.accept_import(call.account, call.body)
    # However fast a job may be, the answer that accepts it shows it queued.
    return {"data": resources.job_resource(job, float("-inf"), call.base, fields)}


def list_jobs(call: Call) -> dict[str, Any]:
    fields = read_fields(call.query, JOB_FIELDS, resources.JOB_FIELDS)
    wanted = read_filter(call.query, "status", values=FILTERED_STATUSES)
    jobs = (
        job
        for job in call.account.jobs.values()
        if call.now < job.expires and (wanted is None or job.status(call.now) in wanted[1])
    )
    page, cursor = read_page(jobs, call.query, descending=read_sort(call.query, "created_at"))
    return call.page([resources.job_resource(job, call.now, call.base, fields) for job in page], cursor)


def read_job(call: Call) -> dict[str, Any]:
    fields = read_fields(call.query, JOB_FIELDS, resources.JOB_FIELDS)
    return {"data": resources.job_resource(call.find_job(), call.now, call.base, fields)}


def list_import_errors(call: Call) -> dict[str, Any]:
    fields = read_fields(call.query, "fields[import-error]", resources.ERROR_FIELDS)
    job = call.find_job()
    failed = job.failed if job.status(call.now) == "complete" else []
    page, cursor = read_page(failed, call.query)
    return call.page([resources.import_error_resource(row, job, fields) for row in page], cursor)


def list_imported(call: Call) -> dict[str, Any]:
    imported = (call.account.profiles[number] for number in call.find_job().imported)
    page, cursor = read_page(imported, call.query)
    return call.page([{"type": "profile", "id": profile.id} for profile in page], cursor)


def list_lists(call: Call) -> dict[str, Any]:
    fields = read_fields(call.query, "fields[list]", resources.LIST_FIELDS)
    wanted = read_filter(call.query, "name", "id")
    lists = (
        listed
        for listed in call.account.lists.values()
        if wanted is None or getattr(listed, wanted[0]) in wanted[1]
    )
    page, cursor = read_page(lists, call.query, default=10, maximum=10)
    return call.page([resources.list_resource(listed, call.base, fields) for listed in page], cursor)


def read_list(call: Call) -> dict[str, Any]:
    count = call.query.get(COUNT)
    if count not in (None, "profile_count"):
        raise invalid_parameter(f"'{count}' is not a valid field.", COUNT)
    fields = read_fields(call.query, "fields[list]", [*resources.LIST_FIELDS, "profile_count"])
    return {"data": resources.list_resource(call.find_list(), call.base, fields, count=count is not None)}


def create_list(call: Call) -> dict[str, Any]:
    match call.body:
        case {"data": {"type": "list", "attributes": {"name": str(name)}}} if name:
            return {"data": resources.list_resource(call.stand_in.add_list(call.account, name), call.base)}
    raise invalid("A list needs a name.", "/data/attributes/name")


def list_members(call: Call) -> dict[str, Any]:
    fields = read_fields(call.query, "fields[profile]", resources.PROFILE_FIELDS)
    joined = call.find_list().joined
    profiles = _filtered_profiles(call, "email", "phone_number")
    if profiles is None:
        profiles = [call.account.profiles[number] for number in joined]
    page, cursor = read_page((p for p in profiles if p.number in joined), call.query)
    data = [resources.profile_resource(p, call.base, fields, joined=joined[p.number]) for p in page]
    return call.page(data, cursor)


def remove_members(call: Call) -> None:
    """Ids that are not on the list are passed over: what Klaviyo says of them is unconfirmed."""
    joined = call.find_list().joined
    match call.body:
        case {"data": list(entries)} if 0 < len(entries) <= MAX_REMOVED:
            ids = [_profile_id(entry) for entry in entries]
        case _:
            raise invalid(f"Between 1 and {MAX_REMOVED} profiles are required.")
    known = {profile.id: profile.number for profile in map(call.account.profiles.__getitem__, joined)}
    for profile_id in ids:
        joined.pop(known.get(profile_id, -1), None)


def list_profiles(call: Call) -> dict[str, Any]:
    fields = read_fields(call.query, "fields[profile]", resources.PROFILE_FIELDS)
    profiles = _filtered_profiles(call, *IDENTIFIERS)
    page, cursor = read_page(call.account.profiles if profiles is None else profiles, call.query)
    return call.page([resources.profile_resource(p, call.base, fields) for p in page], cursor)


def list_accounts(call: Call) -> dict[str, Any]:
    fields = read_fields(call.query, "fields[account]", resources.ACCOUNT_FIELDS)
    return call.page([resources.account_resource(call.account, call.base, fields)], None)


def _filtered_profiles(call: Call, *allowed: str) -> list[Profile] | None:
    """The profiles that the filter names; None where there is no filter."""
    wanted = read_filter(call.query, *allowed)
    if wanted is None:
        return None
    found = (call.account.find(wanted[0], value) for value in set(wanted[1]))
    return [profile for profile in found if profile]


def _profile_id(entry: object) -> str:
    match entry:
        case {"type": "profile", "id": str(profile_id)}:
            return profile_id
    raise invalid("A profile is named by its id.")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint; `status` is its answer's on success."""

    method: str
    path: str
    tier: str
    scopes: tuple[str, ...]
    answer: Callable[[Call], dict[str, Any] | None]
    status: int = 200

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


JOBS, LISTS = "/api/profile-bulk-import-jobs", "/api/lists"
READ_JOBS = ("lists:read", "profiles:read")
WRITE = ("lists:write", "profiles:write")
ENDPOINTS = (
    Endpoint("POST", JOBS, "M", WRITE, import_profiles, 202),
    Endpoint("GET", JOBS, "M", READ_JOBS, list_jobs),
    Endpoint("GET", JOBS + "/{id}", "M", READ_JOBS, read_job),
    Endpoint("GET", JOBS + "/{id}/import-errors", "M", ("profiles:read",), list_import_errors),
    Endpoint("GET", JOBS + "/{id}/relationships/profiles", "M", ("profiles:read",), list_imported),
    Endpoint("GET", LISTS, "L", ("lists:read",), list_lists),
    Endpoint("POST", LISTS, "M/day", ("lists:write",), create_list, 201),
    Endpoint("GET", LISTS + "/{id}", "L", ("lists:read",), read_list),
    Endpoint("GET", LISTS + "/{id}/profiles", "L", ("lists:read", "profiles:read"), list_members),
    Endpoint("DELETE", LISTS + "/{id}/relationships/profiles", "M", WRITE, remove_members, 204),
    Endpoint("GET", "/api/profiles", "L", ("profiles:read",), list_profiles),
    Endpoint("GET", "/api/accounts", "XS", ("accounts:read",), list_accounts),
)
_PATTERNS = [(endpoint, compile_path(endpoint.path)[0]) for endpoint in ENDPOINTS]


def endpoint_name(method: str, path: str) -> str:
    """The endpoint that a request is for, or just its method and path."""
    for endpoint, pattern in _PATTERNS:
        if endpoint.method == method and pattern.match(path.rstrip("/")):
            return endpoint.name
    return f"{method} {path}"
