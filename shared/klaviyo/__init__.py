"""Where profiles go: Klaviyo's API, within its limits.

Facts come from Klaviyo's API reference, revision 2026-10-15: https://developers.klaviyo.com/en/reference
"""

from shared.klaviyo.body import ImportBody, room_for_profiles
from shared.klaviyo.calls import Pauses, Permit
from shared.klaviyo.client import Klaviyo, KlaviyoApi
from shared.klaviyo.limits import least_seconds
from shared.klaviyo.resources import Account, Job, KlaviyoList, ProfileError

__all__ = [
    "Account",
    "ImportBody",
    "Job",
    "Klaviyo",
    "KlaviyoApi",
    "KlaviyoList",
    "Pauses",
    "Permit",
    "ProfileError",
    "least_seconds",
    "room_for_profiles",
]
