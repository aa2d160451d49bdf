"""Reads from one of Azure's APIs. It can change nothing: every request is a GET."""

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

# Seconds for one answer; bytes of it, since a provider lists all its types; and pages of a list.
PATIENCE = 20.0
MOST_BYTES = 8 * 1024 * 1024
MOST_PAGES = 20

SIGN_IN = "Sign in with az login, to the tenant of this subscription."
LATER = "Try again later; if it stays so, check the network, the proxy and firewalls."
NOT_AZURE = "Check that no proxy answers in its place."

_BROKEN = (
    *(httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError),
    *(httpcore.TimeoutException, httpcore.UnsupportedProtocol),
)


class Unseen(Exception):
    """Something that could not be seen: why, and what helps. Nothing is known of it then."""

    def __init__(self, why: str, fix: str) -> None:
        super().__init__(why)
        self.why = why
        self.fix = fix


class Missing(Unseen):
    """Azure answers that it is not there."""


class Shape(BaseModel):
    """A part of an answer, whose members Azure writes inCamelCase."""

    model_config = ConfigDict(alias_generator=to_camel)


class _Problem(Shape):
    code: str = ""


class _Refusal(Shape):
    """An error, as Azure Resource Manager and Microsoft Graph answer it."""

    error: _Problem = _Problem()


class _Page(Shape):
    value: list[object]
    next_link: str | None = None


class Azure:
    """One API at its address, for as long as the deadline lasts. For one thread.

    `readers` are the people who may read what it has. Each method raises Unseen for whatever keeps an answer
    from being seen, Missing where that is a 404.
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
        """Gets a token, and asks for nothing yet."""
        self._token()

    def read[T: Shape](self, shape: type[T], path: str, **query: str) -> T:
        """What lies at the path. `query` has api_version for api-version, and filter for $filter."""
        return self._parsed(TypeAdapter(shape), self._get(_target(path, query)))

    def pages[T: Shape](self, shape: type[T], path: str, **query: str) -> Iterator[T]:
        """The members of a list, page by page, as `read`; Unseen at the end of too many."""
        target = _target(path, query)
        for _ in range(MOST_PAGES):
            page = self._parsed(TypeAdapter(_Page), self._get(target))
            for member in page.value:
                yield self._parsed(TypeAdapter(shape), json.dumps(member).encode())
            if not page.next_link:
                return
            target = self._following(page.next_link)
        raise Unseen(f"the list has more than {MOST_PAGES} pages", "Look yourself: it is too long for this.")

    def _following(self, link: str) -> str:
        """The next page's path and query: the token goes to no other origin, whatever the answer says."""
        parts, ours = urlsplit(link), urlsplit(self._url)
        if (parts.scheme, parts.hostname) != (ours.scheme, ours.hostname):
            raise Unseen("the list goes on at another address", NOT_AZURE)
        return f"{parts.path}?{parts.query}"

    def _parsed[T](self, shape: TypeAdapter[T], content: bytes) -> T:
        try:
            return shape.validate_json(content)
        except ValidationError:
            raise Unseen("the answer is not as Azure's", NOT_AZURE) from None

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
                        raise Unseen(f"the answer has more than {MOST_BYTES:,} bytes", NOT_AZURE)
                self._check(answer, content)
                return content
        except _BROKEN as error:
            raise Unseen(f"no answer ({type(error).__name__})", LATER) from None

    def _check(self, answer: httpcore.Response, content: bytes) -> None:
        """Raises Unseen or Missing for every answer but 200, and keeps when it was made."""
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
                raise Missing(f"it is not there ({cause})", "Check the names, and the subscription.")
            case 429:
                seconds = headers.get(b"retry-after", b"").decode("ascii", "replace")
                after = f" in {seconds} seconds" if re.fullmatch(r"\d{1,5}", seconds) else " later"
                raise Unseen(f"Azure has had too many requests ({cause})", f"Try again{after}.")
            case status if status >= 500:
                raise Unseen(f"Azure can't answer now ({cause})", LATER)
        raise Unseen(f"Azure refuses the request ({cause})", "Report it: this should not happen.")


def _time(text: str) -> datetime | None:
    """The time of a header; None where it says none, or not of which zone."""
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
    """The error's code; of an answer nothing else is shown."""
    try:
        code = _Refusal.model_validate_json(content).error.code
    except ValidationError:
        code = ""
    return code if re.fullmatch(r"[A-Za-z_]{1,80}", code) else ""
