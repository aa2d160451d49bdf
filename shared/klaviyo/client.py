"""The part of Klaviyo's API that an export needs."""

import threading
from collections.abc import Iterator
from hashlib import blake2b
from urllib.parse import quote

from shared.adapters.clock import Clock, Deadline
from shared.errors import BatchRefused, KlaviyoUnavailable, NotFound
from shared.klaviyo.answers import Answer, profile_error, unexpected
from shared.klaviyo.body import ImportBody
from shared.klaviyo.calls import Calls, Permit
from shared.klaviyo.limits import AccountLimits
from shared.klaviyo.pauses import Pauses
from shared.klaviyo.resources import (
    Account,
    Job,
    KlaviyoList,
    ProfileError,
    read_account,
    read_job,
    read_job_id,
    read_list,
)
from shared.klaviyo.retry import PATIENCE
from shared.klaviyo.wire import Wire

JOBS = "/api/profile-bulk-import-jobs"
JOBS_A_PAGE = 100


class KlaviyoApi:
    """Klaviyo as one process sees it: its connections, and the rate limits of each account.

    `url` is https://a.klaviyo.com, or that of a stand-in on loopback; `patience` is how many seconds an
    exchange may take, as in `patience_for`.
    """

    def __init__(self, url: str, clock: Clock, *, patience: tuple[float, float] = PATIENCE) -> None:
        self._url = url.rstrip("/")
        self._clock = clock
        self._wire = Wire(self._url)
        self._patience = patience
        self._limits: dict[str, AccountLimits] = {}
        self._accounts: dict[bytes, Account] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Closes the connections."""
        self._wire.close()

    def sign_in(
        self, key: str, deadline: Deadline, *, account_id: str | None = None, pauses: Pauses | None = None
    ) -> "Klaviyo":
        """A client for the account behind the key.

        A key never changes its account, so a process asks Klaviyo once for each key. Until it knows the
        account, `pauses` are looked up under `account_id`, which the key should open, or else under a digest
        of the key. Raises Denied if Klaviyo doesn't know the key or the key lacks the scope accounts:read.
        """
        pauses = pauses or Pauses()
        digest = blake2b(key.encode(), digest_size=16).digest()
        account = self._accounts.get(digest)
        if account is None:
            calls = self._calls(key, account_id or digest.hex(), pauses)
            account = calls.get("accounts", "/api/accounts", deadline, read_account)
            self._accounts[digest] = account
        return Klaviyo(self._calls(key, account.id, pauses), account)

    def _calls(self, key: str, account_id: str, pauses: Pauses) -> Calls:
        with self._lock:
            limits = self._limits.setdefault(account_id, AccountLimits(self._clock))
        limits.pause.extend(pauses.left(account_id))
        return Calls(self._wire, self._url, key, self._clock, limits, account_id, pauses, self._patience)


class Klaviyo:
    """One account of Klaviyo. Its calls wait, retry and raise as `Calls` does."""

    def __init__(self, calls: Calls, account: Account) -> None:
        self._calls = calls
        self.account = account

    def __repr__(self) -> str:
        return f"Klaviyo(account={self.account.id!r})"

    def read_list(self, list_id: str, deadline: Deadline) -> KlaviyoList:
        """The list with this id (GET /api/lists/{id}). Raises NotFound with the code `unknown_list`."""
        try:
            path = f"/api/lists/{quote(list_id, safe='')}"
            return self._calls.get("list", path, deadline, read_list)
        except NotFound:
            raise NotFound(
                f"The list {list_id!r} does not exist in the Klaviyo account {self.account.id} "
                f"({self.account.name}).",
                code="unknown_list",
            ) from None

    def import_profiles(self, body: ImportBody, deadline: Deadline, permit: Permit) -> str:
        """Posts one job and returns its id (POST /api/profile-bulk-import-jobs).

        `permit` is asked right before each attempt; what it raises ends the call with nothing sent.
        Imports are upserts: a post whose answer got lost is sent again. Raises BatchRefused if Klaviyo
        refuses the job, all of it, because of some profiles or because it is too large; NotFound with the
        code `unknown_list` if the list is gone.
        """
        try:
            return self._calls.post("import", JOBS, body, deadline, permit, read_job_id)
        except BatchRefused as refusal:
            if not refusal.profiles:  # a list that is gone is refused in the same way
                self.read_list(body.list_id, deadline)
            raise

    def jobs(self, deadline: Deadline) -> Iterator[Job]:
        """The account's import jobs of the last days, newest first, 100 a call.

        An entry that can't be a job is left out.
        """
        parameters = {
            "page[size]": str(JOBS_A_PAGE),
            "sort": "-created_at",
            "fields[profile-bulk-import-job]": "status,total_count,completed_count,failed_count,created_at",
        }
        for item in self._calls.pages("jobs", JOBS, parameters, deadline):
            try:
                job = read_job(item)
            except KlaviyoUnavailable:
                continue
            yield job

    def job(self, job_id: str, deadline: Deadline) -> Job:
        """One import job. Raises NotFound if Klaviyo no longer has it."""

        def read(answer: Answer) -> Job:
            job = read_job(answer.data())
            if job.id != job_id:
                raise unexpected(answer.status)
            return job

        return self._calls.get("job", f"{JOBS}/{quote(job_id, safe='')}", deadline, read)

    def import_errors(self, job_id: str, deadline: Deadline) -> Iterator[ProfileError]:
        """What an accepted job could not import: every page, 100 errors a call.

        Only code and place are requested: the rest of an error repeats personal data.
        """
        path = f"{JOBS}/{quote(job_id, safe='')}/import-errors"
        parameters = {"page[size]": "100", "fields[import-error]": "code,source"}
        for item in self._calls.pages("import-errors", path, parameters, deadline):
            attributes = item.get("attributes")
            yield ProfileError(*profile_error(attributes if isinstance(attributes, dict) else {}))
