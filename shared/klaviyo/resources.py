"""Klaviyo's resources, as types, and how to read them from its answers.

Ids, statuses, times and counts must have Klaviyo's alphabet and length, since they end up in names of
blobs, in records and in terminals.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.errors import KlaviyoUnavailable
from shared.klaviyo.answers import Answer, unexpected
from shared.klaviyo.fields import attributes_of, count_of, id_of, name_of, number_of, word_of

_ACCOUNT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LIST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Opaque; ids seen so far had 58 characters of base64.
_JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_=+/.:~-]{0,199}")
_PROFILE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FLOW_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Characters. Klaviyo accepts 100; a longer text is not an address that can be looked up.
_LONGEST_EMAIL = 320
_STATUS = re.compile(r"[a-z_]{1,64}")
_TIME = re.compile(r"[0-9T:.Z+-]{1,40}")


@dataclass(frozen=True, slots=True)
class Account:
    """The account behind a key."""

    id: str
    name: str


class OptIn(StrEnum):
    """Whether people who subscribe to a list must first confirm it by a link in a message."""

    SINGLE = "single_opt_in"
    DOUBLE = "double_opt_in"


@dataclass(frozen=True, slots=True)
class KlaviyoList:
    """A list; `opt_in` is None if Klaviyo returns none, or a word that it added later."""

    id: str
    name: str
    opt_in: OptIn | None


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow, and Klaviyo's word for whether it runs: so far draft, manual or live; or an empty text."""

    id: str
    name: str
    status: str


@dataclass(frozen=True, slots=True)
class Usage:
    """The account's usage of its plan, and the plan's limit, of one kind; None if Klaviyo returns none.

    `kind` is Klaviyo's name of it, `unit` is profiles, messages, credits and so on.
    """

    kind: str
    used: float | None
    most: float | None
    unit: str


@dataclass(frozen=True, slots=True)
class Person:
    """A profile at Klaviyo: `email` is its primary address, if any, and `external_id` is set if it was
    requested. Its repr is empty."""

    id: str = field(repr=False)
    email: str | None = field(repr=False)
    external_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A person who consented to email marketing, at a time in the past. The repr has neither."""

    email: str = field(repr=False)
    consented_at: datetime = field(repr=False)


class JobStatus(StrEnum):
    """The status of an import job; complete and canceled are final."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETE = "complete"
    CANCELED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in (JobStatus.COMPLETE, JobStatus.CANCELED)


@dataclass(frozen=True, slots=True)
class Job:
    """An import job; its counts are of profiles. `completed` is None if Klaviyo returns none."""

    id: str
    status: JobStatus
    total: int
    completed: int | None
    failed: int
    created_at: str


@dataclass(frozen=True, slots=True)
class ProfileError:
    """A profile that an accepted job could not import: its index, if Klaviyo returns it, and why."""

    index: int | None
    attribute: str
    reason: str


def read_account(answer: Answer) -> Account:
    """The first of the accounts. Like all readers here, raises KlaviyoUnavailable if it is not valid."""
    data = answer.data()
    account = data[0] if isinstance(data, list) and data else None
    contact = attributes_of(account).get("contact_information")
    name = contact.get("organization_name") if isinstance(contact, dict) else None
    return Account(id_of(account, _ACCOUNT_ID), name_of(name))


def read_list(answer: Answer) -> KlaviyoList:
    return read_list_item(answer.data())


def read_list_item(item: Any) -> KlaviyoList:
    attributes = attributes_of(item)
    name, opt_in = attributes.get("name"), attributes.get("opt_in_process")
    if not isinstance(name, str):
        raise unexpected(200)
    known = OptIn(opt_in) if isinstance(opt_in, str) and opt_in in OptIn else None
    return KlaviyoList(id_of(item, _LIST_ID), name_of(name), known)


def read_member_count(answer: Answer) -> int:
    """The number of a list's members; unlike other counts, it is required."""
    count = attributes_of(answer.data()).get("profile_count")
    if count is None:
        raise unexpected(answer.status)
    return count_of(count)


def read_flow(item: Any) -> Flow:
    attributes = attributes_of(item)
    return Flow(id_of(item, _FLOW_ID), name_of(attributes.get("name")), word_of(attributes.get("status")))


def read_usage(item: Any) -> Usage:
    attributes = attributes_of(item)
    return Usage(
        kind=word_of(item.get("id")),
        used=number_of(attributes.get("usage_used")),
        most=number_of(attributes.get("usage_max")),
        unit=word_of(attributes.get("unit")),
    )


def read_person(item: Any) -> Person:
    attributes = attributes_of(item)
    email, external_id = attributes.get("email"), attributes.get("external_id")
    is_email = isinstance(email, str) and 0 < len(email) <= _LONGEST_EMAIL
    return Person(
        id_of(item, _PROFILE_ID),
        email if is_email else None,
        external_id if isinstance(external_id, str) and external_id else None,
    )


def read_profile_id(item: Any) -> str:
    return id_of(item, _PROFILE_ID)


def read_job(item: Any) -> Job:
    attributes = attributes_of(item)
    created_at = attributes.get("created_at")
    completed = attributes.get("completed_count")
    return Job(
        id=id_of(item, _JOB_ID),
        status=_status(attributes.get("status")),
        total=count_of(attributes.get("total_count")),
        completed=None if completed is None else count_of(completed),
        failed=count_of(attributes.get("failed_count")),
        created_at=created_at if isinstance(created_at, str) and _TIME.fullmatch(created_at) else "",
    )


def read_job_id(answer: Answer) -> str:
    """The id of a job that was just accepted."""
    data = answer.data()
    if isinstance(data, dict) and data.get("id") in (None, ""):
        raise KlaviyoUnavailable("Klaviyo accepted a job without returning its id.", code="no_job_id")
    return id_of(data, _JOB_ID)


def _status(word: Any) -> JobStatus:
    """A word that Klaviyo adds later counts as a job that is not done yet."""
    if not isinstance(word, str) or not _STATUS.fullmatch(word):
        raise unexpected(200)
    return JobStatus(word) if word in JobStatus else JobStatus.QUEUED
