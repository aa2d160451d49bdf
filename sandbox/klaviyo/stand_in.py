"""The state of the stand-in: accounts, script settings, and a log of requests."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from threading import RLock
from typing import Any, NamedTuple

from sandbox.klaviyo.accounts import SCOPES, Account, KlaviyoList
from sandbox.klaviyo.errors import invalid
from sandbox.klaviyo.faults import FaultScript
from sandbox.klaviyo.imports import check_profiles, read_list_id, read_profiles, refusal
from sandbox.klaviyo.jobs import FailedProfile, ImportFailure, ImportJob, JobPlan, read_row
from sandbox.klaviyo.oauth import OAuth
from sandbox.klaviyo.profiles import Profile

KEPT_REQUESTS = 100_000


class LoggedRequest(NamedTuple):
    """One request: when (epoch s), what, and the response's status; 0 without a response.

    `arrived` is the time of its first byte, `time` that of the response.
    """

    arrived: float
    time: float
    method: str
    path: str
    endpoint: str
    status: int
    size: int  # bytes of the request body that were read
    retry_after: int | None


class StandIn:
    """A Klaviyo in memory. The tests' thread can use it safely while it serves.

    `clock` returns epoch seconds, `limits=False` turns off the rate limits, `keep_attributes` keeps more of a
    profile than its identifiers, `job_seconds` is the duration of a job. Scripts can set at any time:

    - `bad_rows_named`: how many bad rows a 400 names; None all, 0 none. Klaviyo's behavior is unconfirmed.
    - `refused_emails`: valid addresses (lowercase) that a 400 refuses anyway.
    - `failures`: addresses (lowercase) whose profiles an accepted job skips, with an import error.
    - `plans`: the course of the next jobs, one each.
    - `faults`: a `FaultScript`.
    - `first_revision`: older revisions are retired.
    - `oauth`: the OAuth apps and the behavior of their tokens: an `OAuth`.
    - `secondary_addresses_found`: whether filters also find people by a secondary address; unconfirmed.
    - `unknown_ids_ignored`: whether a change of members skips profiles that do not exist, such as merged and
      deleted ones, instead of a 404; Klaviyo's behavior is unconfirmed.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        limits: bool = True,
        keep_attributes: bool = False,
        job_seconds: float = 0.0,
    ) -> None:
        self.clock = clock
        self.limits = limits
        self.keep_attributes = keep_attributes
        self.job_seconds = job_seconds
        self.bad_rows_named: int | None = None
        self.refused_emails: set[str] = set()
        self.failures: dict[str, ImportFailure] = {}
        self.plans: deque[JobPlan] = deque()
        self.faults = FaultScript()
        self.first_revision = "2025-01-15"
        self.oauth = OAuth(clock)
        self.secondary_addresses_found = False
        self.unknown_ids_ignored = False
        self.requests: deque[LoggedRequest] = deque(maxlen=KEPT_REQUESTS)
        self.accounts: dict[str, Account] = {}
        self.lock = RLock()
        self._observers: list[Callable[[Any], None]] = []
        self._created = 0
        self.add_account("SNDBOX", "Sandbox", keys={"pk_sandbox": SCOPES}, lists={"Y6nRLr": "VIP"})

    def add_account(
        self,
        account_id: str,
        name: str,
        *,
        keys: Mapping[str, frozenset[str]],
        lists: Mapping[str, str] | None = None,
        tiers: Mapping[str, str] | None = None,
    ) -> Account:
        """Adds or replaces an account: scopes by key, list names by id, tiers by endpoint name."""
        with self.lock:
            account = self.accounts[account_id] = Account(account_id, name, dict(keys), dict(tiers or {}))
            for list_id, list_name in (lists or {}).items():
                self.add_list(account, list_name, list_id)
            return account

    def add_list(self, account: Account, name: str, list_id: str | None = None) -> KlaviyoList:
        with self.lock:
            number = self._next_number()
            added = KlaviyoList(number, list_id or f"L{number:05}", name, self.clock())
            account.lists[added.id] = added
            return added

    def remove_list(self, list_id: str) -> None:
        """Removes a list, as a person does at Klaviyo; keeps its members' profiles. Raises KeyError."""
        with self.lock:
            del self.account_of(list_id).lists[list_id]

    def on_import(self, observer: Callable[[Any], None]) -> None:
        """Calls `observer` with the body of each posted import, valid or not, one at a time."""
        self._observers.append(observer)

    def accept_import(self, account: Account, body: Any) -> ImportJob:
        """Checks a body and makes it a job; raises ApiError (400), and then imports nothing of it."""
        for observe in self._observers:
            observe(body)
        profiles = read_profiles(body)
        problems = list(check_profiles(profiles, self.refused_emails))
        if problems:
            raise refusal(problems, self.bad_rows_named)
        list_id = read_list_id(body)
        if list_id is not None and list_id not in account.lists:
            raise invalid(f"List ID {list_id} does not exist.")
        rows = [read_row(profile, keep_attributes=self.keep_attributes) for profile in profiles]
        failures = {
            index: self.failures[row.email] for index, row in enumerate(rows) if row.email in self.failures
        }
        job = ImportJob(
            number=self._next_number(),
            list_id=list_id,
            created=self.clock(),
            plan=self.plans.popleft() if self.plans else JobPlan(self.job_seconds),
            total=len(profiles),
            waiting=[row for index, row in enumerate(rows) if index not in failures],
            failed=[FailedProfile(index, failure, profiles[index]) for index, failure in failures.items()],
        )
        account.add_job(job)
        return job

    def settle(self) -> None:
        """Advances every job to the clock's time."""
        with self.lock:
            for account in self.accounts.values():
                account.settle(self.clock())

    def members(self, list_id: str) -> list[Profile]:
        """The members of a list in any account, in joining order; raises KeyError if it does not exist."""
        with self.lock:
            self.settle()
            account = self.account_of(list_id)
            return [account.profiles[number] for number in account.lists[list_id].members]

    def account_of(self, list_id: str) -> Account:
        """The account that has this list; raises KeyError if none has."""
        for account in self.accounts.values():
            if list_id in account.lists:
                return account
        raise KeyError("no such list")

    def profile(self, who: str) -> Profile:
        """The profile with this email or id in the first account that has it; raises KeyError if none has."""
        return self.find(who)[1]

    def find(self, who: str) -> tuple[Account, Profile]:
        """The same, with its account."""
        with self.lock:
            self.settle()
            for account in self.accounts.values():
                if profile := account.profiles.find("email" if "@" in who else "id", who):
                    return account, profile
        raise KeyError("no such profile")

    def _next_number(self) -> int:
        self._created += 1
        return self._created
