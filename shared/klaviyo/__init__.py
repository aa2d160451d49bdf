"""Klaviyo's API, within its limits.

Source of facts: Klaviyo's API reference, revision 2026-10-15: https://developers.klaviyo.com/en/reference
"""

from shared.klaviyo.body import ImportBody, room_for_profiles
from shared.klaviyo.calls import Permit
from shared.klaviyo.client import Klaviyo, KlaviyoApi
from shared.klaviyo.credentials import CLIENT_SECRET, Credential
from shared.klaviyo.format import MOST_PROFILES, MOST_REMOVED, MOST_SUBSCRIBED, PROFILE_FORMAT
from shared.klaviyo.imports import JOBS_A_PAGE
from shared.klaviyo.limits import least_seconds
from shared.klaviyo.lookup import MOST_ADDRESSES
from shared.klaviyo.members import InvalidCursor, MembersChanged, MembersPage
from shared.klaviyo.pauses import Pauses, StoredPauses
from shared.klaviyo.resources import (
    Account,
    Flow,
    Job,
    JobStatus,
    KlaviyoList,
    OptIn,
    Person,
    ProfileError,
    Subscriber,
    Usage,
)

__all__ = [
    "CLIENT_SECRET",
    "JOBS_A_PAGE",
    "MOST_ADDRESSES",
    "MOST_PROFILES",
    "MOST_REMOVED",
    "MOST_SUBSCRIBED",
    "PROFILE_FORMAT",
    "Account",
    "Credential",
    "Flow",
    "ImportBody",
    "InvalidCursor",
    "Job",
    "JobStatus",
    "Klaviyo",
    "KlaviyoApi",
    "KlaviyoList",
    "MembersChanged",
    "MembersPage",
    "OptIn",
    "Pauses",
    "Permit",
    "Person",
    "ProfileError",
    "StoredPauses",
    "Subscriber",
    "Usage",
    "least_seconds",
    "room_for_profiles",
]
