"""Klaviyo's API, as far as an export needs it."""

import threading
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

from shared.adapters.clock import Clock, Deadline
from shared.errors import KlaviyoUnavailable, NotFound
from shared.klaviyo.answers import Account, Answer, Job, KlaviyoList, ProfileError, profile_error, unexpected
from shared.klaviyo.body import ImportBody
from shared.klaviyo.calls import PATIENCE, Calls, Permit, open_connections
from shared.klaviyo.limits import AccountLimits

JOBS = "/api/profile-bulk-import-jobs"
JOBS_A_PAGE = 100


class KlaviyoApi:
    """Klaviyo as one process sees it: its connections, and the rate limits of each account.

    `url` is https://a.klaviyo.com, or a stand-in's on loopback; `patience` is how long an answer may take,
    in seconds: at least, however little time a caller has, and at most.
    """

    def __init__(self, url: str, clock: Clock, *, patience: tuple[float, float] = PATIENCE) -> None:
        self._url = url.rstrip("/")
        self._clock = clock
        self._connections = open_connections()
        self._patience = patience
        self._limits: dict[str, AccountLimits] = {}
        self._accounts: dict[bytes, Account] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Closes the connections."""
        self._connections.close()

    def sign_in(self, key: str, deadline: Deadline) -> "Klaviyo":
        """A client for the account behind the key.

        A key belongs to one account for good, so Klaviyo is asked once for each key in a process. Raises
        Denied where Klaviyo doesn't know the key or it lacks the scope accounts:read.
        """
        digest = blake2b(key.encode(), digest_size=16).digest()
        account = self._accounts.get(digest)
        if account is None:
            account = self._accounts[digest] = _read_account(self._calls(key, digest.hex()), deadline)
        return Klaviyo(self._calls(key, account.id), account)

    def _calls(self, key: str, account_id: str) -> Calls:
        with self._lock:
            limits = self._limits.setdefault(account_id, AccountLimits(self._clock))
        return Calls(self._connections, self._url, key, limits, account_id, self._patience)


class Klaviyo:
    """One account of Klaviyo. Its calls wait, repeat and raise as `Calls` says."""

    def __init__(self, calls: Calls, account: Account) -> None:
        self._calls = calls
        self.account = account

    def __repr__(self) -> str:
        return f"Klaviyo(account={self.account.id!r})"

    def read_list(self, list_id: str, deadline: Deadline) -> KlaviyoList:
        """The list with this id (GET /api/lists/{id}). Raises NotFound with the code `unknown_list`."""
        try:
            data = self._calls.get("list", f"/api/lists/{quote(list_id, safe='')}", deadline).data()
        except NotFound:
            raise NotFound(
                f"The list {list_id!r} does not exist in the Klaviyo account {self.account.id} "
                f"({self.account.name}).",
                code="unknown_list",
            ) from None
        try:
            return KlaviyoList(str(data["id"]), str(data["attributes"]["name"]))
        except (KeyError, TypeError):
            raise unexpected(200) from None

    def import_profiles(self, body: ImportBody, deadline: Deadline, permit: Permit) -> str:
        """Posts one job and returns its id (POST /api/profile-bulk-import-jobs).

        `permit` is asked right before each attempt; what it raises ends the call with nothing sent.
        Raises BatchRefused where Klaviyo refuses a profile: then it has imported none of the job.
        Imports are upserts: a post whose answer got lost is sent again.
        """
        answer = self._calls.post("import", JOBS, body, deadline, permit, accept=_job_id)
        return _job_id(answer)

    def jobs(self, deadline: Deadline) -> Iterator[Job]:
        """The account's import jobs of the last days, newest first, 100 a call."""
        parameters = {
            "page[size]": str(JOBS_A_PAGE),
            "sort": "-created_at",
            "fields[profile-bulk-import-job]": "status,total_count,completed_count,failed_count,created_at",
        }
        for item in self._calls.pages("jobs", JOBS, parameters, deadline):
            yield _job(item)

    def job(self, job_id: str, deadline: Deadline) -> Job:
        """One import job. Raises NotFound where Klaviyo doesn't have it any more."""
        return _job(self._calls.get("job", f"{JOBS}/{quote(job_id, safe='')}", deadline).data())

    def import_errors(self, job_id: str, deadline: Deadline) -> Iterator[ProfileError]:
        """What an accepted job could not import: every page, 100 errors a call."""
        path = f"{JOBS}/{quote(job_id, safe='')}/import-errors"
        for item in self._calls.pages("import-errors", path, {"page[size]": "100"}, deadline):
            attributes = item.get("attributes")
            yield ProfileError(*profile_error(attributes if isinstance(attributes, dict) else {}))


def _read_account(calls: Calls, deadline: Deadline) -> Account:
    """The account behind the key (GET /api/accounts)."""
    data = calls.get("accounts", "/api/accounts", deadline).data()
    try:
        account = data[0]
        contact = account["attributes"].get("contact_information") or {}
        return Account(str(account["id"]), str(contact.get("organization_name") or ""))
    except (IndexError, KeyError, TypeError, AttributeError):
        raise unexpected(200) from None


def _job_id(answer: Answer) -> str:
    data = answer.data()
    job_id = data.get("id") if isinstance(data, dict) else None
    if not isinstance(job_id, str) or not job_id.strip():
        raise KlaviyoUnavailable("Klaviyo accepted a job and gave it no id.", code="no_job_id")
    return job_id


def _job(item: Any) -> Job:
    try:
        attributes = item["attributes"]
        return Job(
            id=str(item["id"]),
            status=str(attributes["status"]),
            total=int(attributes.get("total_count") or 0),
            completed=None if (completed := attributes.get("completed_count")) is None else int(completed),
            failed=int(attributes.get("failed_count") or 0),
            created_at=str(attributes.get("created_at") or ""),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise unexpected(200) from None
