"""What Klaviyo has, as types, and how to read them from its answers.

Ids, statuses, times and counts must have the alphabet and length of Klaviyo's, since they end up in names of
blobs, in records and in terminals.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shared.errors import KlaviyoUnavailable
from shared.klaviyo.answers import Answer, unexpected
from shared.text import shown

# Of profiles: no job has more, so a larger number is not a count.
MOST_PROFILES = 10**9

_ACCOUNT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LIST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Opaque: 58 characters of base64 were seen.
_JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_=+/.:~-]{0,199}")
_STATUS = re.compile(r"[a-z_]{1,64}")
_TIME = re.compile(r"[0-9T:.Z+-]{1,40}")


@dataclass(frozen=True, slots=True)
class Account:
    """The account behind a key."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class KlaviyoList:
    id: str
    name: str


class JobStatus(StrEnum):
    """How far Klaviyo is with an import job; once complete or canceled, it stays so."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETE = "complete"
    CANCELED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in (JobStatus.COMPLETE, JobStatus.CANCELED)


@dataclass(frozen=True, slots=True)
class Job:
    """An import job; its counts are of profiles. `completed` is None if Klaviyo doesn't say."""

    id: str
    status: JobStatus
    total: int
    completed: int | None
    failed: int
    created_at: str


@dataclass(frozen=True, slots=True)
class ProfileError:
    """A profile that an accepted job could not import: its index, if Klaviyo says it, and why."""

    index: int | None
    attribute: str
    reason: str


def read_account(answer: Answer) -> Account:
    """The first of the accounts. Like all of these, raises KlaviyoUnavailable for what can't be one."""
    data = answer.data()
    account = data[0] if isinstance(data, list) and data else None
    contact = _attributes(account).get("contact_information")
    name = contact.get("organization_name") if isinstance(contact, dict) else None
    return Account(_id(account, _ACCOUNT_ID), _name(name))


def read_list(answer: Answer) -> KlaviyoList:
    data = answer.data()
    name = _attributes(data).get("name")
    if not isinstance(name, str):
        raise unexpected(answer.status)
    return KlaviyoList(_id(data, _LIST_ID), _name(name))


def read_job(item: Any) -> Job:
    attributes = _attributes(item)
    created_at = attributes.get("created_at")
    completed = attributes.get("completed_count")
    return Job(
        id=_id(item, _JOB_ID),
        status=_status(attributes.get("status")),
        total=_count(attributes.get("total_count")),
        completed=None if completed is None else _count(completed),
        failed=_count(attributes.get("failed_count")),
        created_at=created_at if isinstance(created_at, str) and _TIME.fullmatch(created_at) else "",
    )


def read_job_id(answer: Answer) -> str:
    """The id of a job that was just accepted."""
    data = answer.data()
    if isinstance(data, dict) and data.get("id") in (None, ""):
        raise KlaviyoUnavailable("Klaviyo accepted a job and gave it no id.", code="no_job_id")
    return _id(data, _JOB_ID)


def _attributes(item: Any) -> dict[str, Any]:
    attributes = item.get("attributes") if isinstance(item, dict) else None
    if not isinstance(attributes, dict):
        raise unexpected(200)
    return attributes


def _id(item: Any, alphabet: re.Pattern[str]) -> str:
    text = item.get("id") if isinstance(item, dict) else None
    if not isinstance(text, str) or not alphabet.fullmatch(text):
        raise unexpected(200)
    return text


def _status(word: Any) -> JobStatus:
    """A word that Klaviyo may add later stands for a job that is not done yet."""
    if not isinstance(word, str) or not _STATUS.fullmatch(word):
        raise unexpected(200)
    return JobStatus(word) if word in JobStatus else JobStatus.QUEUED


def _name(text: Any) -> str:
    return shown(text) if isinstance(text, str) else ""


def _count(value: Any) -> int:
    """A number of profiles; a boolean is not one, though Python treats it as one."""
    if value is None:
        return 0
    if type(value) is not int or not 0 <= value <= MOST_PROFILES:
        raise unexpected(200)
    return value
