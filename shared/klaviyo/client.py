"""The one client of Klaviyo's API, and the only place that imports httpx."""

import random
import threading
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from shared.adapters import telemetry
from shared.adapters.clock import Clock, Deadline
from shared.errors import Denied, KlaviyoUnavailable, NotFound
from shared.klaviyo.answers import (
    Account,
    Answer,
    Job,
    KlaviyoList,
    ProfileError,
    failure,
    profile_error,
    unexpected,
)
from shared.klaviyo.body import ImportBody
from shared.klaviyo.limits import AccountLimits
from shared.klaviyo.retry import should_retry, sleep_time

REVISION = "2026-10-15"
USER_AGENT = "segment-export/0.1"
MEDIA_TYPE = "application/vnd.api+json"
TIMEOUT = httpx.Timeout(connect=10, read=90, write=60, pool=90)
# Four accounts side by side with eight posts each, and a few reads.
CONNECTIONS = httpx.Limits(max_connections=40, max_keepalive_connections=40)
JOBS_A_PAGE = 100

type Permit = Callable[[], None]


class KlaviyoApi:
    """Klaviyo as one process sees it: its connections, and the rate limits of each account.

    `url` is https://a.klaviyo.com, or a stand-in's on loopback.
    """

    def __init__(self, url: str, clock: Clock, timeout: httpx.Timeout = TIMEOUT) -> None:
        self.url = url.rstrip("/")
        self.clock = clock
        self._http = httpx.Client(timeout=timeout, limits=CONNECTIONS, follow_redirects=False, trust_env=True)
        self._limits: dict[str, AccountLimits] = {}
        self._accounts: dict[bytes, Account] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def sign_in(self, key: str, deadline: Deadline) -> "Klaviyo":
        """A client for the account behind the key.

        A key belongs to one account for good, so Klaviyo is asked once for each key in a process. Raises
        Denied where Klaviyo doesn't know the key or it lacks the scope accounts:read.
        """
        digest = blake2b(key.encode(), digest_size=16).digest()
        account = self._accounts.get(digest)
        if account is None:
            stranger = Klaviyo(self, self._http, key, self._limits_of(digest.hex()), Account("", ""))
            account = self._accounts[digest] = stranger.read_account(deadline)
        return Klaviyo(self, self._http, key, self._limits_of(account.id), account)

    def _limits_of(self, account: str) -> AccountLimits:
        with self._lock:
            return self._limits.setdefault(account, AccountLimits(self.clock))


class Klaviyo:
    """One account of Klaviyo.

    Each call waits for the account's rate limits and tries again what may pass, within its deadline.
    Raises KlaviyoUnavailable where that was not enough (`retry_after` says how long to wait), Denied
    for a wrong key or a missing scope, NotFound.
    """

    def __init__(
        self, api: KlaviyoApi, http: httpx.Client, key: str, limits: AccountLimits, account: Account
    ) -> None:
        self._api = api
        self._http = http
        self._headers = {
            "authorization": f"Klaviyo-API-Key {key}",
            "revision": REVISION,
            "accept": MEDIA_TYPE,
            "user-agent": USER_AGENT,
        }
        self._limits = limits
        self.account = account

    def __repr__(self) -> str:
        return f"Klaviyo(account={self.account.id!r})"

    def read_account(self, deadline: Deadline) -> Account:
        """The account behind the key (GET /api/accounts)."""
        data = self._get("accounts", "/api/accounts", deadline).data()
        try:
            account = data[0]
            contact = account["attributes"].get("contact_information") or {}
            return Account(str(account["id"]), str(contact.get("organization_name") or ""))
        except (IndexError, KeyError, TypeError, AttributeError):
            raise unexpected(200) from None

    def read_list(self, list_id: str, deadline: Deadline) -> KlaviyoList:
        """The list with this id (GET /api/lists/{id}). Raises NotFound with the code `unknown_list`."""
        try:
            data = self._get("list", f"/api/lists/{quote(list_id, safe='')}", deadline).data()
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

        `permit` is called right before each attempt; what it raises ends the call with nothing sent.
        Raises BatchRefused where Klaviyo refuses a profile: then it has imported none of the job.
        Imports are upserts: a post whose answer got lost is sent again.
        """
        answer = self._call(
            "import",
            "POST",
            "/api/profile-bulk-import-jobs",
            deadline,
            body=body,
            permit=permit,
            accept=_job_id,
        )
        return _job_id(answer)

    def jobs(self, deadline: Deadline) -> Iterator[Job]:
        """The account's import jobs of the last days, newest first, 100 a call."""
        parameters = {
            "page[size]": str(JOBS_A_PAGE),
            "sort": "-created_at",
            "fields[profile-bulk-import-job]": "status,total_count,completed_count,failed_count,created_at",
        }
        for item in self._pages("jobs", "/api/profile-bulk-import-jobs", parameters, deadline):
            yield _job(item)

    def job(self, job_id: str, deadline: Deadline) -> Job:
        """One import job. Raises NotFound where Klaviyo doesn't have it any more."""
        return _job(
            self._get("job", f"/api/profile-bulk-import-jobs/{quote(job_id, safe='')}", deadline).data()
        )

    def import_errors(self, job_id: str, deadline: Deadline) -> Iterator[ProfileError]:
        """What an accepted job could not import: every page, 100 errors a call."""
        path = f"/api/profile-bulk-import-jobs/{quote(job_id, safe='')}/import-errors"
        for item in self._pages("import-errors", path, {"page[size]": "100"}, deadline):
            attributes = item.get("attributes")
            yield ProfileError(*profile_error(attributes if isinstance(attributes, dict) else {}))

    def _pages(
        self, endpoint: str, path: str, parameters: dict[str, str], deadline: Deadline
    ) -> Iterator[dict[str, Any]]:
        answer = self._get(endpoint, path, deadline, parameters)
        seen = set()
        while True:
            data = answer.data()
            if not isinstance(data, list):
                raise unexpected(answer.status)
            yield from (item for item in data if isinstance(item, dict))
            links = (answer.document or {}).get("links")
            following = links.get("next") if isinstance(links, dict) else None
            if not following:
                return
            # Only to Klaviyo's own origin does the key go, and no page is read twice.
            here, there = urlsplit(self._api.url), urlsplit(str(following))
            if (here.scheme, here.netloc) != (there.scheme, there.netloc) or following in seen:
                raise unexpected(answer.status)
            seen.add(following)
            answer = self._get(endpoint, f"{there.path}?{there.query}", deadline)

    def _get(
        self, endpoint: str, path: str, deadline: Deadline, parameters: dict[str, str] | None = None
    ) -> Answer:
        return self._call(endpoint, "GET", path, deadline, parameters=parameters)

    def _call(
        self,
        endpoint: str,
        method: str,
        path: str,
        deadline: Deadline,
        *,
        parameters: dict[str, str] | None = None,
        body: ImportBody | None = None,
        permit: Permit = lambda: None,
        accept: Callable[[Answer], object] = lambda answer: answer.data(),
    ) -> Answer:
        """Sends a request until it has an answer that `accept` takes, as long as that makes sense."""
        limiter = self._limits[endpoint]
        attempts = 0
        while True:
            limiter.wait(deadline)
            permit()
            try:
                answer = self._send(method, path, parameters, body)
                limiter.learn(answer.headers)
                if answer.status // 100 != 2:
                    raise failure(answer)
                accept(answer)
            except KlaviyoUnavailable as problem:
                attempts += 1
                seconds = sleep_time(problem, attempts, random.random())  # noqa: S311 - no secret
                if problem.code == "throttled":
                    limiter.pause(seconds)
                    telemetry.throttled_seconds.add(seconds, {"account": self.account.id})
                if not should_retry(problem, attempts):
                    raise Denied(f"{problem} It did so {attempts} times.", code=problem.code) from None
                problem.retry_after = seconds
                if seconds > deadline.left():
                    raise
                deadline.sleep(seconds)
                if not deadline.left():
                    raise  # somebody cut the wait short
            else:
                return answer

    def _send(
        self, method: str, path: str, parameters: dict[str, str] | None, body: ImportBody | None
    ) -> Answer:
        headers = dict(self._headers)
        if body is not None:
            headers |= {"content-type": MEDIA_TYPE, "content-length": str(body.size)}
        try:
            response = self._http.request(
                method, self._api.url + path, params=parameters, headers=headers, content=body
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise KlaviyoUnavailable("Klaviyo can't be reached.", sent=False) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError):
            raise KlaviyoUnavailable("The connection to Klaviyo broke before its answer was here.") from None
        if body is not None:
            telemetry.posts.add(1, {"account": self.account.id, "status": response.status_code})
        return Answer.of(
            response.status_code, {k.lower(): v for k, v in response.headers.items()}, response.content
        )


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
            completed=int(attributes.get("completed_count") or 0),
            failed=int(attributes.get("failed_count") or 0),
            created_at=str(attributes.get("created_at") or ""),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise unexpected(200) from None
