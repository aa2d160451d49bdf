"""Requests to one account: paced, tried again, and within a deadline. The only place that imports httpx."""

import random
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx

from shared.adapters import telemetry
from shared.adapters.clock import Deadline
from shared.errors import Denied, KlaviyoUnavailable
from shared.klaviyo.answers import Answer, failure, unexpected
from shared.klaviyo.body import ImportBody
from shared.klaviyo.limits import AccountLimits
from shared.klaviyo.retry import should_retry, sleep_time

REVISION = "2026-10-15"
USER_AGENT = "segment-export/0.1"
MEDIA_TYPE = "application/vnd.api+json"

# Four accounts side by side with eight posts each, and a few reads.
CONNECTIONS = httpx.Limits(max_connections=40, max_keepalive_connections=40)

type Permit = Callable[[], None]


def open_connections(patience: float) -> httpx.Client:
    """Connections that are reused, and that follow no redirect; `patience` is for an answer, in seconds."""
    timeout = httpx.Timeout(connect=10, write=60, read=patience, pool=90)
    return httpx.Client(timeout=timeout, limits=CONNECTIONS, follow_redirects=False)


class Calls:
    """One account's connection. Its repr, and its errors, hold no key.

    Each call waits for the account's rate limits and tries again what may pass, within its deadline.
    Raises KlaviyoUnavailable where that was not enough (`retry_after` says how long to wait), Denied
    for a wrong key or a missing scope, NotFound, BatchRefused.
    """

    def __init__(
        self, http: httpx.Client, url: str, key: str, limits: AccountLimits, account_id: str
    ) -> None:
        self._http = http
        self._url = url
        self._headers = {
            "authorization": f"Klaviyo-API-Key {key}",
            "revision": REVISION,
            "accept": MEDIA_TYPE,
            "user-agent": USER_AGENT,
        }
        self._limits = limits
        self._account_id = account_id

    def get(
        self, endpoint: str, path: str, deadline: Deadline, parameters: dict[str, str] | None = None
    ) -> Answer:
        """The answer to a GET; one without `data` counts as none."""
        return self._call(endpoint, "GET", path, deadline, parameters=parameters)

    def post(
        self,
        endpoint: str,
        path: str,
        body: ImportBody,
        deadline: Deadline,
        permit: Permit,
        accept: Callable[[Answer], object],
    ) -> Answer:
        """A post, for which `permit` is asked before each attempt; what it raises ends the call.

        An answer that `accept` raises KlaviyoUnavailable for counts as none.
        """
        return self._call(endpoint, "POST", path, deadline, body=body, permit=permit, accept=accept)

    def pages(
        self, endpoint: str, path: str, parameters: dict[str, str], deadline: Deadline
    ) -> Iterator[dict[str, Any]]:
        """The items of all pages, each page being asked for when it is due."""
        answer = self.get(endpoint, path, deadline, parameters)
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
            here, there = urlsplit(self._url), urlsplit(str(following))
            if (here.scheme, here.netloc) != (there.scheme, there.netloc) or following in seen:
                raise unexpected(answer.status)
            seen.add(following)
            answer = self.get(endpoint, f"{there.path}?{there.query}", deadline)

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
                    telemetry.throttled_seconds.add(seconds, {"account": self._account_id})
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
                method, self._url + path, params=parameters, headers=headers, content=body
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise KlaviyoUnavailable("Klaviyo can't be reached.", sent=False) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError):
            raise KlaviyoUnavailable("The connection to Klaviyo broke before its answer was here.") from None
        if body is not None:
            telemetry.posts.add(1, {"account": self._account_id, "status": response.status_code})
        return Answer.of(
            response.status_code, {k.lower(): v for k, v in response.headers.items()}, response.content
        )
