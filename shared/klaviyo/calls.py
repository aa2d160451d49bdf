"""Requests to one account: paced, retried, and within a deadline."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from shared.adapters import telemetry
from shared.adapters.clock import Clock, Deadline
from shared.adapters.retry_after import retry_after
from shared.errors import Denied, KlaviyoUnavailable
from shared.klaviyo.answers import Answer, failure, unexpected
from shared.klaviyo.body import Body, ImportBody
from shared.klaviyo.credentials import Credential
from shared.klaviyo.limits import AccountLimits
from shared.klaviyo.pages import next_query, page_reader
from shared.klaviyo.pauses import Pauses
from shared.klaviyo.retry import patience_for, should_retry, sleep_time
from shared.klaviyo.wire import Wire

REVISION = "2026-10-15"
USER_AGENT = "segment-export/0.1"
MEDIA_TYPE = "application/vnd.api+json"

# More than any account has.
MOST_PAGES = 1_000
REFUSED_AGAIN = "Klaviyo refuses the connection's token (401), even a fresh one. Sign in again."


class Permit:
    """Can forbid calls. This one allows all."""

    def check(self) -> None:
        """Called right before each attempt; if it raises, the call ends with nothing sent."""


class Calls:
    """Requests with one account's key or token; no repr or error contains it.

    Each call waits for the account's rate limits and retries temporary errors, within its deadline.
    Raises KlaviyoUnavailable if that is not enough (`retry_after` is how long to wait), Denied for a wrong
    key or a missing scope, NotFound, BatchRefused.
    """

    def __init__(
        self,
        wire: Wire,
        url: str,
        credential: Credential,
        clock: Clock,
        limits: AccountLimits,
        account_id: str,
        pauses: Pauses,
        patience: tuple[float, float],
    ) -> None:
        self._wire = wire
        self._patience = patience
        self._url = url
        self._headers = {
            "revision": REVISION,
            # Makes Klaviyo refuse a retired revision (410) instead of silently using a newer one. Only a
            # third party documents this header; if it is unknown, it does no harm.
            "x-klaviyo-revision-fall-forward-opt-out": "1",
            "accept": MEDIA_TYPE,
            "user-agent": USER_AGENT,
        }
        self._credential = credential
        self._clock = clock
        self._limits = limits
        self._account_id = account_id
        self._pauses = pauses

    def get[T](
        self,
        endpoint: str,
        path: str,
        deadline: Deadline,
        read: Callable[[Answer], T],
        query: str = "",
        asked_for: int = 0,
    ) -> T:
        """Sends a GET and returns `read` of the answer.

        If it raises KlaviyoUnavailable, the request is sent again. `asked_for` is as in `failure`.
        """
        return self._call(endpoint, "GET", path, deadline, read, query=query, asked_for=asked_for)

    def post[T](
        self,
        endpoint: str,
        path: str,
        body: Body,
        deadline: Deadline,
        permit: Permit,
        read: Callable[[Answer], T],
        *,
        method: str = "POST",
    ) -> T:
        """As `get`. `permit` is checked before each attempt; if it raises, the call ends."""
        return self._call(endpoint, method, path, deadline, read, body=body, permit=permit)

    def pages[T](
        self,
        endpoint: str,
        path: str,
        query: str,
        deadline: Deadline,
        read_item: Callable[[Any], T],
        *,
        most: int = MOST_PAGES,
        asked_for: int = 0,
    ) -> Iterator[tuple[list[T], str | None]]:
        """The items of each page, and the query of the next one; pages are requested when they are needed.

        `read_item` may raise KlaviyoUnavailable for an item that is not valid; `most` limits the pages.
        """
        read = page_reader(read_item)
        seen: set[int] = set()  # hashes: a link may be long
        while True:
            items, link = self.get(endpoint, path, deadline, read, query, asked_for)
            if not link:
                yield items, None
                return
            seen.add(hash(query))
            following = next_query(link, self._url + path)
            # The key is for no other origin, and pages must not form a loop or an endless chain.
            if following is None or hash(following) in seen or len(seen) > most:
                raise unexpected(200)
            yield items, following
            query = following

    def items[T](
        self,
        endpoint: str,
        path: str,
        query: str,
        deadline: Deadline,
        read_item: Callable[[Any], T],
        *,
        asked_for: int = 0,
    ) -> Iterator[T]:
        """The items of all pages, as in `pages`."""
        for items, _ in self.pages(endpoint, path, query, deadline, read_item, asked_for=asked_for):
            yield from items

    def _call[T](
        self,
        endpoint: str,
        method: str,
        path: str,
        deadline: Deadline,
        read: Callable[[Answer], T],
        *,
        query: str = "",
        body: Body | None = None,
        permit: Permit = Permit(),  # noqa: B008 - it has no state
        asked_for: int = 0,
    ) -> T:
        """Sends a request until `read` accepts the answer, as long as a retry makes sense."""
        limiter = self._limits[endpoint]
        failed: Counter[str] = Counter()
        is_renewed = False
        while True:
            limiter.wait(deadline)
            permit.check()
            if limiter.is_paused():  # by another thread's answer in the meantime
                continue
            try:
                authorization = self._credential.authorization(deadline)
                answer = self._send(method, path, query, body, deadline, authorization)
                limiter.learn(answer.headers)
                if answer.status // 100 == 2:
                    return read(answer)
                wait = retry_after(answer.headers, self._clock.now())
                error = failure(answer, wait, body, asked_for)
                if error.code == "invalid_key":
                    if is_renewed:
                        raise Denied(REFUSED_AGAIN, code="sign_in_revoked")
                    if is_renewed := self._credential.renew(authorization, deadline):
                        continue
                raise error
            except KlaviyoUnavailable as problem:
                failed[problem.code] += 1
                seconds = sleep_time(problem, failed.total(), random.random())  # noqa: S311 - no secret
                if problem.retry_after is not None or problem.code == "throttled":
                    limiter.pause(seconds)
                    self._pauses.keep(self._account_id, seconds)
                if problem.code == "throttled":
                    telemetry.throttled_seconds.add(seconds, {"account": self._account_id})
                if not should_retry(problem, failed[problem.code]):
                    message = f"{problem} That happened {failed[problem.code]} times."
                    raise Denied(message, code=problem.code) from None
                problem.retry_after = seconds
                if seconds > deadline.left():
                    raise
                deadline.sleep(seconds)
                if not deadline.left():
                    raise  # the wait was cut short

    def _send(
        self, method: str, path: str, query: str, body: Body | None, deadline: Deadline, authorization: str
    ) -> Answer:
        headers, size = self._headers | {"authorization": authorization}, 0
        if body is not None:
            size = body.size
            headers = headers | {"content-type": MEDIA_TYPE, "content-length": str(size)}
        answer = self._wire.exchange(
            method,
            self._url + path,
            query,
            patience_for(deadline.left(), size, self._patience),
            headers=headers,
            body=body,
        )
        if isinstance(body, ImportBody):
            telemetry.posts.add(1, {"account": self._account_id, "status": answer.status})
        return answer
