"""Where profiles go: Klaviyo's API, within its limits.

Facts come from Klaviyo's API reference, revision 2026-10-15: https://developers.klaviyo.com/en/reference
"""

from shared.klaviyo.body import ImportBody, room_for_profiles
from shared.klaviyo.calls import Permit
from shared.klaviyo.client import JOBS_A_PAGE, Klaviyo, KlaviyoApi
from shared.klaviyo.format import MOST_PROFILES, PROFILE_FORMAT
from shared.klaviyo.limits import least_seconds
from shared.klaviyo.pauses import Pauses, StoredPauses
from shared.klaviyo.resources import Account, Job, JobStatus, KlaviyoList, ProfileError

__all__ = [
    "JOBS_A_PAGE",
    "MOST_PROFILES",
    "PROFILE_FORMAT",
    "Account",
    "ImportBody",
    "Job",
    "JobStatus",
    "Klaviyo",
    "KlaviyoApi",
    "KlaviyoList",
    "Pauses",
    "Permit",
    "ProfileError",
    "StoredPauses",
    "least_seconds",
    "room_for_profiles",
]
