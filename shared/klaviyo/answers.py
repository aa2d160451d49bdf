"""What Klaviyo answers, as types, and what a refusal means.

Only codes, ids, counts and pointers are taken over: `detail`, `title` and `original_payload` may hold
somebody's data and are never read further.
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

_PROFILE_POINTER = re.compile(
    r"/data/attributes/profiles/data/(\d{1,6})(?:/attributes/?([a-z0-9_/]{0,64})?)?"
)
_CODE = re.compile(r"[a-z_]{1,64}")
_SCOPES = re.compile(r"\b[a-z-]{2,40}:(?:read|write)\b")


@dataclass(frozen=True, slots=True)
class Account:
    """The account behind a key."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class KlaviyoList:
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Job:
    """An import job: `status` is queued, processing, complete or cancelled; counts are of profiles.

    `completed` is None where Klaviyo doesn't say.
    """

    id: str
    status: str
    total: int
    completed: int | None
    failed: int
    created_at: str


@dataclass(frozen=True, slots=True)
class ProfileError:
    """A profile that an accepted job could not import: its index, where Klaviyo says it, and why."""

    index: int | None
    attribute: str
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as the client needs it: `document` is its JSON object, or None where it has none."""

    status: int
    headers: Mapping[str, str]
    document: dict[str, Any] | None

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], content: bytes) -> "Answer":
        try:
            document = orjson.loads(content)
        except orjson.JSONDecodeError:
            document = None
        return cls(status, headers, document if isinstance(document, dict) else None)

    def data(self) -> Any:
        """The `data` of a success. Raises KlaviyoUnavailable where the answer has none."""
        if self.document is None or "data" not in self.document:
            raise unexpected(self.status)
        return self.document["data"]

    def errors(self) -> list[dict[str, Any]]:
        listed = (self.document or {}).get("errors")
        return [error for error in listed if isinstance(error, dict)] if isinstance(listed, list) else []

    def retry_after(self) -> float | None:
        """Seconds, as Klaviyo sends them."""
        text = self.headers.get("retry-after", "").strip()
        return float(text) if re.fullmatch(r"\d{1,6}(\.\d{1,3})?", text) else None


def unexpected(status: int) -> KlaviyoUnavailable:
    return KlaviyoUnavailable(
        f"Klaviyo answered {status} with something that is no answer of its API.", code="unexpected_answer"
    )


def failure(answer: Answer) -> ExportError:
    """The error that an answer other than 2xx stands for."""
    status = answer.status
    if status == 401:
        return Denied(
            "Klaviyo does not know the API key (401). Put a valid private key into the vault.",
            code="invalid_key",
        )
    if status == 403 and answer.errors():
        details = " ".join(str(error.get("detail", "")) for error in answer.errors())
        scopes = ", ".join(sorted(set(_SCOPES.findall(details)))) or "one that the request needs"
        return Denied(
            f"The API key lacks a scope (403): {scopes}. Make a key that has it and put it into the vault.",
            code="missing_scope",
        )
    if status == 403:
        return KlaviyoUnavailable(
            "Something before Klaviyo blocked the request (403).", code="blocked", sent=False
        )
    if status == 404:
        return NotFound("Klaviyo does not have it (404).", code="unknown_at_klaviyo")
    if status in (400, 413):
        return BatchRefused(f"Klaviyo refused the request ({status}).", _named_profiles(answer))
    if status == 429:
        return KlaviyoUnavailable(
            "Klaviyo throttles this account (429).",
            code="throttled",
            retry_after=answer.retry_after(),
            sent=False,
        )
    if status >= 500:
        return KlaviyoUnavailable(
            f"Klaviyo has a problem of its own ({status}).", retry_after=answer.retry_after()
        )
    if 300 <= status < 400:
        return unexpected(status)
    return Denied(f"Klaviyo does not take the request ({status}).", code="request_refused")


def _named_profiles(answer: Answer) -> list[RefusedProfile]:
    named = {}
    for error in answer.errors():
        index, attribute, reason = profile_error(error)
        if index is not None and index not in named:
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
