"""Accounts and their usage, lists, flows, profiles, jobs and import errors as JSON:API resources.

`base` is the server's origin; the links have a trailing slash, like Klaviyo's.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.klaviyo.accounts import Account, KlaviyoList
from sandbox.klaviyo.jobs import FailedProfile, ImportJob
from sandbox.klaviyo.profiles import IDENTIFIERS, Profile

_JOB = "status created_at total_count completed_count failed_count completed_at expires_at started_at"
_PROFILE = "first_name last_name organization locale title image location properties"
_ACCOUNT = "test_account contact_information industry timezone preferred_currency public_api_key locale"
_USAGE = "usage_used usage_max unit period_start period_end as_of"
_ADDRESS = "address1 address2 city region country zip"
JOB_FIELDS = _JOB.split()
PROFILE_FIELDS = [*IDENTIFIERS, *_PROFILE.split()]
MEMBER_FIELDS = [*PROFILE_FIELDS, "joined_group_at"]
ACCOUNT_FIELDS = _ACCOUNT.split()
LIST_FIELDS = ["name", "created", "updated", "opt_in_process"]
FLOW_FIELDS = ["name", "status", "archived", "created", "updated", "trigger_type"]
USAGE_FIELDS = _USAGE.split()
ERROR_FIELDS = ["code", "title", "detail", "source", "original_payload"]


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def job_resource(
    job: ImportJob, now: float, base: str, fields: Collection[str] = JOB_FIELDS
) -> dict[str, Any]:
    status = job.status(now)
    complete = status == "complete"
    attributes = {
        "status": status,
        "created_at": moment(job.created),
        "total_count": job.total,
        "completed_count": job.total - len(job.failed) if complete else 0,
        "failed_count": len(job.failed) if complete else 0,
        "completed_at": moment(job.ended) if complete else None,
        "expires_at": moment(job.expires),
        "started_at": None if status == "queued" else moment(job.started),
    }
    url = f"{base}/api/profile-bulk-import-jobs/{job.id}/"
    lists = [] if job.list_id is None else [{"type": "list", "id": job.list_id}]
    return {
        **_resource("profile-bulk-import-job", job.id, attributes, fields, url),
        "relationships": {
            "lists": {
                "data": lists,
                "links": {"self": f"{url}relationships/lists/", "related": f"{url}lists/"},
            },
            "profiles": {"links": {"self": f"{url}relationships/profiles/", "related": f"{url}profiles/"}},
            "import-errors": {"links": {"related": f"{url}import-errors/"}},
        },
    }


def import_error_resource(
    failed: FailedProfile, job: ImportJob, fields: Collection[str] = ERROR_FIELDS
) -> dict[str, Any]:
    """An import error repeats the person's data: in `detail`, and in full as `original_payload`."""
    failure = failed.failure
    attributes = {
        "code": failure.code,
        "title": failure.title,
        "detail": f"{failure.detail} {failed.profile['attributes']}",
        "source": {
            "pointer": f"/data/attributes/profiles/data/{failed.number}/attributes/{failure.attribute}"
        },
        "original_payload": failed.profile,
    }
    resource = _resource("import-error", f"{job.id[:8]}-{failed.number}", attributes, fields, "")
    del resource["links"]  # Klaviyo's import errors have none
    return resource


def list_resource(
    listed: KlaviyoList, base: str, fields: Collection[str] = LIST_FIELDS, *, count: bool = False
) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "name": listed.name,
        "created": moment(listed.created),
        "updated": moment(listed.created),
        "opt_in_process": listed.opt_in_process,
    }
    resource = _resource("list", listed.id, attributes, fields, f"{base}/api/lists/{listed.id}/")
    if count:
        resource["attributes"]["profile_count"] = len(listed.members)
    return resource


def flow_resource(
    listed: KlaviyoList, name: str, base: str, fields: Collection[str] = FLOW_FIELDS
) -> dict[str, Any]:
    """A live flow that starts when a person joins the list."""
    attributes = {
        "name": name,
        "status": "live",
        "archived": False,
        "created": moment(listed.created),
        "updated": moment(listed.created),
        "trigger_type": "Added to List",
    }
    identifier = f"F{listed.number:03}{listed.flows.index(name):02}"
    return _resource("flow", identifier, attributes, fields, f"{base}/api/flows/{identifier}/")


def profile_resource(
    profile: Profile, base: str, fields: Collection[str], *, joined: float | None = None
) -> dict[str, Any]:
    attributes = {
        **dict.fromkeys(PROFILE_FIELDS),
        **(profile.attributes or {}),
        **{name: getattr(profile, name) for name in IDENTIFIERS},
    }
    if joined is not None:
        attributes["joined_group_at"] = moment(joined)
    return _resource("profile", profile.id, attributes, fields, f"{base}/api/profiles/{profile.id}/")


def profile_identifier(profile: Profile) -> dict[str, Any]:
    return {"type": "profile", "id": profile.id}


def account_resource(account: Account, base: str, fields: Collection[str] = ACCOUNT_FIELDS) -> dict[str, Any]:
    attributes = {
        "test_account": True,
        "contact_information": {
            "default_sender_name": account.name,
            "default_sender_email": "sender@example.org",
            "website_url": "https://example.org",
            "organization_name": account.name,
            "street_address": dict.fromkeys(_ADDRESS.split(), ""),
        },
        "industry": None,
        "timezone": "Europe/Paris",
        "preferred_currency": "EUR",
        "public_api_key": account.id,
        "locale": "en-US",
    }
    return _resource("account", account.id, attributes, fields, f"{base}/api/accounts/{account.id}/")


def usage_resources(
    account: Account, now: float, base: str, fields: Collection[str] = USAGE_FIELDS
) -> list[dict[str, Any]]:
    """The plan's monthly usage and maximum; the ids of Klaviyo's rows are unconfirmed."""
    start = datetime.fromtimestamp(now, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = (start + timedelta(days=31)).replace(day=1)
    period = {"period_start": start.isoformat(), "period_end": end.isoformat(), "as_of": moment(now)}
    rows = [
        ("email", {"usage_used": 0.0, "usage_max": 10 * account.plan, "unit": "messages"}),
        ("profiles", {"usage_used": len(account.profiles), "usage_max": account.plan, "unit": "profiles"}),
    ]
    return [
        _resource("billing-usage", name, used | period, fields, f"{base}/api/billing-usage/{name}/")
        for name, used in rows
    ]


def _resource(
    kind: str, identifier: str, attributes: dict[str, Any], fields: Collection[str], url: str
) -> dict[str, Any]:
    wanted = {field.partition(".")[0] for field in fields}
    return {
        "type": kind,
        "id": identifier,
        "attributes": {name: value for name, value in attributes.items() if name in wanted},
        "links": {"self": url},
    }
