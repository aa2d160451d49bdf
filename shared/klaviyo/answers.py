"""The meaning of an answer, as pure functions. An answer is treated as hostile until it has been checked.

Klaviyo's own refusals are JSON:API error documents. Anything else with an error status is from a proxy or
the like and proves nothing about a key, a list, a job or a row: it may be temporary. Only codes, indexes and
pointers are kept; `detail`, `title` and `original_payload` may contain personal data.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from shared.errors import (
    BatchRefused,
    Denied,
    ExportError,
    KlaviyoUnavailable,
    NotFound,
    RefusedProfile,
)
from shared.klaviyo.body import Body

# Values in an answer. A refusal that names each of 10,000 profiles has about 160,000. As a Python object, a
# value of two bytes takes 80.
MOST_VALUES = 300_000
# Statuses that ask for the same request again, from Klaviyo or a proxy: timeout, too early, client closed.
PASSING = frozenset({408, 425, 499})
# Klaviyo's statuses for requests that it accepts without returning anything.
DONE = frozenset({202, 204})
# Statuses with which servers refuse a URL that is too long.
TOO_LONG = frozenset({400, 413, 414})
# Bytes. A proxy may have its own limit, but not one that is too small for a single profile.
SMALLEST_TOO_LARGE = 128_000

# Klaviyo uses a handful of codes. Records and metrics list each one that occurs.
MOST_REASONS = 20

_PROFILE_POINTER = re.compile(
    r"/data/attributes/profiles/data/([0-9]{1,6})(?![^/])(?:/attributes/?([a-z0-9_/]{0,64})?)?"
)
_ERROR_MEMBERS = frozenset({"status", "code", "title", "detail", "source"})
_CODE = re.compile(r"[a-z_]{1,64}")
# The scopes that our calls need. Nothing else is repeated of a text that may echo a request.
_SCOPES = re.compile(r"\b(?:accounts|data-privacy|flows|lists|profiles|subscriptions|usage):(?:read|write)\b")


@dataclass(frozen=True, slots=True)
class Answer:
    """A response; `document` is its JSON object, or None if it has none."""

    status: int
    headers: Mapping[str, str]
    document: dict[str, Any] | None

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], content: bytes | bytearray) -> "Answer":
        document = None
        if sum(map(content.count, (b",", b"[", b"{"))) <= MOST_VALUES:
            try:
                document = orjson.loads(content)
            except orjson.JSONDecodeError:
                document = None
        return cls(status, headers, document if isinstance(document, dict) else None)

    def data(self) -> Any:
        """The `data` of a success. Raises KlaviyoUnavailable if the answer has none."""
        if self.document is None or "data" not in self.document:
            raise unexpected(self.status)
        return self.document["data"]

    def errors(self) -> list[dict[str, Any]]:
        """The error objects of JSON:API; none if the answer is anything else, such as a proxy's page.

        Each has at least one of the members that JSON:API names, and the status of the answer:
        https://jsonapi.org/format/#error-objects
        """
        listed = (self.document or {}).get("errors")
        is_klaviyos = isinstance(listed, list) and all(map(self._is_error, listed))
        return listed if is_klaviyos else []  # type: ignore[return-value]

    def _is_error(self, error: Any) -> bool:
        if not isinstance(error, dict) or _ERROR_MEMBERS.isdisjoint(error):
            return False
        return str(error.get("status", self.status)) == str(self.status)


def unexpected(status: int) -> KlaviyoUnavailable:
    return KlaviyoUnavailable(
        f"Klaviyo answered {status}, but not as its API does. "
        "If this persists, check KLAVIYO_URL and any proxy on the way.",
        code="unexpected_answer",
    )


def check_done(answer: Answer) -> None:
    """Raises KlaviyoUnavailable unless Klaviyo accepted a request that it returns nothing for."""
    if answer.status not in DONE:
        raise unexpected(answer.status)


def failure(
    answer: Answer, wait: float | None = None, body: Body | None = None, asked_for: int = 0
) -> ExportError:
    """The error for an answer.

    `wait` is its `Retry-After` in seconds; `body` is the request's, if any; `asked_for` is the number of
    people that a lookup names in its URL.
    """
    status = answer.status
    if status == 429:
        return KlaviyoUnavailable(
            "Klaviyo throttles this account (429).", code="throttled", retry_after=wait, sent=False
        )
    if status in PASSING or 500 <= status < 600:
        return KlaviyoUnavailable(f"Klaviyo has an internal problem ({status}).", retry_after=wait)
    if not 400 <= status < 500 or status == 407:
        return unexpected(status)
    if asked_for > 1 and status in TOO_LONG:
        return BatchRefused(f"Klaviyo, or something in front of it, refused a lookup ({status}).")
    if answer.errors():
        return _refusal(answer, body)
    if status == 403:
        return KlaviyoUnavailable(
            "Something in front of Klaviyo blocked the request (403).", code="blocked", sent=False
        )
    if status == 413 and body is not None and body.size > SMALLEST_TOO_LARGE:
        return BatchRefused("Something in front of Klaviyo refused the request as too large (413).")
    return unexpected(status)


def _refusal(answer: Answer, body: Body | None) -> ExportError:
    """The error for a 4xx from Klaviyo itself."""
    status = answer.status
    if status in (400, 413) and body is not None and body.count:
        return BatchRefused(f"Klaviyo refused the request ({status}).", _named_profiles(answer, body.count))
    match status:
        case 401:
            message = "Klaviyo does not accept the API key (401). Put a valid private key into the vault."
            return Denied(message, code="invalid_key")
        case 403:
            return Denied(
                f"The API key lacks a scope (403): {_scopes(answer)}. Create a key that has it and put it "
                "into the vault.",
                code="missing_scope",
            )
        case 404:
            return NotFound("Klaviyo does not have the requested resource (404).", code="unknown_at_klaviyo")
        case 410:
            return Denied(
                "Klaviyo has retired the API revision that this version uses (410). Update segment-export.",
                code="retired_revision",
            )
    return Denied(f"Klaviyo does not accept the request ({status}).", code="request_refused")


def _scopes(answer: Answer) -> str:
    details = " ".join(str(error.get("detail", ""))[:1000] for error in answer.errors()[:10])
    return ", ".join(sorted(set(_SCOPES.findall(details)))) or "one that the request needs"


def _named_profiles(answer: Answer, count: int) -> list[RefusedProfile]:
    """The profiles that the errors name, out of the `count` that were sent."""
    named: dict[int, RefusedProfile] = {}
    reasons: set[str] = set()
    for error in answer.errors():
        index, attribute, reason = profile_error(error)
        if index is None or index in named or index >= count:
            continue
        if len(reasons) >= MOST_REASONS and reason not in reasons:
            reason = "refused"
        reasons.add(reason)
        named[index] = RefusedProfile(index, attribute, reason)
    return list(named.values())


def profile_error(error: Mapping[str, Any]) -> tuple[int | None, str, str]:
    """Index, attribute and code of a JSON:API error, or of an import error's attributes."""
    source = error.get("source")
    pointer = source.get("pointer") if isinstance(source, dict) else None
    place = _PROFILE_POINTER.match(pointer) if isinstance(pointer, str) else None
    code = error.get("code")
    return (
        int(place[1]) if place else None,
        (place[2] or "").strip("/").replace("/", ".") if place else "",
        code if isinstance(code, str) and _CODE.fullmatch(code) else "refused",
    )
