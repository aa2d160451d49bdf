"""Reads from one of Azure's APIs. It can't change anything: every request is a GET."""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Self
from urllib.parse import quote, urlencode, urlsplit

import httpcore
import httpx
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from shared.adapters.clock import Deadline
from shared.adapters.streams import open_pool

# Seconds for one response; its bytes, since a provider lists all its types; and pages of a list.
PATIENCE = 20.0
MOST_BYTES = 8 * 1024 * 1024
MOST_PAGES = 20

SIGN_IN = "Sign in to the tenant of this subscription with az login."
LATER = "Try again later. If that does not help, check the network, the proxy and firewalls."
NOT_AZURE = "Check that no proxy responds in its place."

_BROKEN = (
    *(httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError),
    *(httpcore.TimeoutException, httpcore.UnsupportedProtocol),
)


class Unseen(Exception):
    """A resource could not be read, so nothing is known about it: why, and the fix."""

    def __init__(self, why: str, fix: str) -> None:
        super().__init__(why)
        self.why = why
        self.fix = fix


class Missing(Unseen):
    """Azure responds that the resource does not exist."""


class Shape(BaseModel):
    """A part of a response, whose members Azure writes inCamelCase."""

    model_config = ConfigDict(alias_generator=to_camel)


class _Problem(Shape):
    code: str = ""


class _Refusal(Shape):
    """An error of Azure Resource Manager or Microsoft Graph."""

    error: _Problem = _Problem()


class _Page(Shape):
    value: list[object]
    next_link: str | None = None


class Azure:
    """One API at its address, until the deadline. For one thread.

    `readers` are the people who may read it. Each method raises Unseen if it gets no valid response, and
    Missing for a 404.
    """

    def __init__(self, url: str, token: Callable[[], str], deadline: Deadline, readers: str) -> None:
        self._url = url
        self._pool = open_pool(url, httpx.Limits(max_connections=1))
        self._token = token
        self._deadline = deadline
        self._readers = readers
        self.answered_at: datetime | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.close()

    def sign_in(self) -> None:
        """Gets a token, and sends no other request."""
        self._token()

    def read[T: Shape](self, shape: type[T], path: str, **query: str) -> T:
        """The resource at the path. `query` has api_version for api-version, and filter for $filter."""
        return self._parsed(TypeAdapter(shape), self._get(_target(path, query)))

    def pages[T: Shape](self, shape: type[T], path: str, **query: str) -> Iterator[T]:
        """The members of a list, page by page, like `read`; Unseen after too many pages."""
        target = _target(path, query)
        for _ in range(MOST_PAGES):
            page = self._parsed(TypeAdapter(_Page), self._get(target))
            for member in page.value:
                yield self._parsed(TypeAdapter(shape), json.dumps(member).encode())
            if not page.next_link:
                return
            target = self._following(page.next_link)
        raise Unseen(f"the list has more than {MOST_PAGES} pages", "Check it in the portal.")

    def _following(self, link: str) -> str:
        """The next page's path and query; the token never goes to another origin."""
        parts, ours = urlsplit(link), urlsplit(self._url)
        if (parts.scheme, parts.hostname) != (ours.scheme, ours.hostname):
            raise Unseen("the list continues at another address", NOT_AZURE)
        return f"{parts.path}?{parts.query}"

    def _parsed[T](self, shape: TypeAdapter[T], content: bytes) -> T:
        try:
            return shape.validate_json(content)
        except ValidationError:
            raise Unseen("the response is not Azure's", NOT_AZURE) from None

    def _get(self, target: str) -> bytes:
        token, patience = self._token(), min(PATIENCE, self._deadline.left())
        ends = time.monotonic() + patience
        timeout = {"connect": ends, "read": ends, "write": ends, "pool": patience}
        headers = [("authorization", f"Bearer {token}"), ("accept", "application/json")]
        headers.append(("user-agent", "segment-export doctor"))
        try:
            with self._pool.stream(
                "GET", self._url + target, headers=headers, extensions={"timeout": timeout}
            ) as answer:
                content = b""
                for piece in answer.iter_stream():
                    content += piece
                    if len(content) > MOST_BYTES:
                        raise Unseen(f"the response has more than {MOST_BYTES:,} bytes", NOT_AZURE)
                self._check(answer, content)
                return content
        except _BROKEN as error:
            raise Unseen(f"no response ({type(error).__name__})", LATER) from None

    def _check(self, answer: httpcore.Response, content: bytes) -> None:
        """Raises Unseen or Missing for every status except 200, and keeps the time of the response."""
        headers = {name.lower(): value for name, value in answer.headers}
        self.answered_at = _time(headers.get(b"date", b"").decode("ascii", "replace"))
        if answer.status == 200:
            return
        cause = f"{answer.status} {_code(content)}".strip()
        match answer.status:
            case 401:
                raise Unseen(f"the sign-in is not accepted ({cause})", SIGN_IN)
            case 403:
                raise Unseen(f"you may not read it ({cause})", f"Ask {self._readers} to run this.")
            case 404:
                raise Missing(f"it does not exist ({cause})", "Check the names and the subscription.")
            case 429:
                seconds = headers.get(b"retry-after", b"").decode("ascii", "replace")
                after = f" in {seconds} seconds" if re.fullmatch(r"\d{1,5}", seconds) else " later"
                raise Unseen(f"Azure received too many requests ({cause})", f"Try again{after}.")
            case status if status >= 500:
                raise Unseen(f"Azure is unavailable ({cause})", LATER)
        raise Unseen(f"Azure refused the request ({cause})", "This is a bug, please report it.")


def _time(text: str) -> datetime | None:
    """The time in a header; None if it has no time or no time zone."""
    try:
        time = parsedate_to_datetime(text)
    except ValueError:
        return None
    return time if time.tzinfo is not None else None


def _target(path: str, query: Mapping[str, str]) -> str:
    names = {"api_version": "api-version", "filter": "$filter", "select": "$select"}
    written = urlencode({names.get(name, name): value for name, value in query.items()}, quote_via=quote)
    return f"{quote(path, safe="/()='")}?{written}"


def _code(content: bytes) -> str:
    """The error's code, the only part of a response that is shown."""
    try:
        code = _Refusal.model_validate_json(content).error.code
    except ValidationError:
        code = ""
    return code if re.fullmatch(r"[A-Za-z_]{1,80}", code) else ""
