"""Requests to one account: paced, tried again, and within a deadline. The only place that imports httpx."""

import random
from collections import Counter
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

# Seconds that an answer may take, at least, however little time is left, and at most.
PATIENCE = (10.0, 90.0)


class Permit:
    """Who may forbid a call, and hears of the pauses that Klaviyo asks for. This one forbids none."""

    def check(self) -> None:
        """Called right before each attempt; what it raises ends the call with nothing sent."""

    def pause(self, seconds: float) -> None:
        """Klaviyo wants no such call to this account for so long."""


def open_connections() -> httpx.Client:
    """Connections that are reused, and that follow no redirect."""
    return httpx.Client(limits=CONNECTIONS, follow_redirects=False)


class Calls:
    """One account's connection. Its repr, and its errors, hold no key.

    Each call waits for the account's rate limits and tries again what may pass, within its deadline.
    Raises KlaviyoUnavailable where that was not enough (`retry_after` says how long to wait), Denied
    for a wrong key or a missing scope, NotFound, BatchRefused.
    """

    def __init__(
        self,
        http: httpx.Client,
        url: str,
        key: str,
        limits: AccountLimits,
        account_id: str,
        patience: tuple[float, float],
    ) -> None:
        self._http = http
        self._patience = patience
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
            below = _below(self._url, str(following))
            if below is None or below in seen:
                raise unexpected(answer.status)
            seen.add(below)
            answer = self.get(endpoint, below, deadline)

    def _call(
        self,
        endpoint: str,
        method: str,
        path: str,
        deadline: Deadline,
        *,
        parameters: dict[str, str] | None = None,
        body: ImportBody | None = None,
        permit: Permit = Permit(),  # noqa: B008 - it has no state
        accept: Callable[[Answer], object] = lambda answer: answer.data(),
    ) -> Answer:
        """Sends a request until it has an answer that `accept` takes, as long as that makes sense."""
        limiter = self._limits[endpoint]
        failed: Counter[str] = Counter()
        while True:
            limiter.wait(deadline)
            permit.check()
            if limiter.is_paused():  # meanwhile, by another thread's answer
                continue
            try:
                answer = self._send(method, path, parameters, body, deadline)
                limiter.learn(answer.headers)
                if answer.status // 100 != 2:
                    raise failure(answer)
                accept(answer)
            except KlaviyoUnavailable as problem:
                failed[problem.code] += 1
                seconds = sleep_time(problem, failed.total(), random.random())  # noqa: S311 - no secret
                if problem.retry_after is not None or problem.code == "throttled":
                    limiter.pause(seconds)
                    permit.pause(seconds)
                if problem.code == "throttled":
                    telemetry.throttled_seconds.add(seconds, {"account": self._account_id})
                if not should_retry(problem, failed[problem.code]):
                    message = f"{problem} It did so {failed[problem.code]} times."
                    raise Denied(message, code=problem.code) from None
                problem.retry_after = seconds
                if seconds > deadline.left():
                    raise
                deadline.sleep(seconds)
                if not deadline.left():
                    raise  # somebody cut the wait short
            else:
                return answer

    def _send(
        self,
        method: str,
        path: str,
        parameters: dict[str, str] | None,
        body: ImportBody | None,
        deadline: Deadline,
    ) -> Answer:
        headers = dict(self._headers)
        if body is not None:
            headers |= {"content-type": MEDIA_TYPE, "content-length": str(body.size)}
        least, most = self._patience
        patience = min(most, max(least, deadline.left()))
        try:
            response = self._http.request(
                method,
                self._url + path,
                params=parameters,
                headers=headers,
                # An iterator that is used up: the response refers to itself, and would keep the body.
                content=iter(body) if body else None,
                timeout=httpx.Timeout(connect=10, write=60, read=patience, pool=90),
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


def _below(url: str, link: str) -> str | None:
    """The path and query of a link to the same origin; None for any other."""
    try:
        here, there = urlsplit(url), urlsplit(link)
    except ValueError:
        return None
    same = (here.scheme, here.netloc) == (there.scheme, there.netloc)
    return f"{there.path}?{there.query}" if same else None
