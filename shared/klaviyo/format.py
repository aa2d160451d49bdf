"""Klaviyo's format of a profile, and its size limits of profiles and import jobs.

https://developers.klaviyo.com/en/reference/bulk_import_profiles
"""

from collections.abc import Sequence
from typing import NamedTuple

import orjson

# Of one import job.
MOST_PROFILES = 10_000
# Klaviyo's limit is 5 MB; whether 5,000,000 or 5 * 2**20 bytes is undocumented. This is well below both.
MOST_BYTES = 4_600_000
# Of one call that removes profiles from a list, and of one that subscribes them.
MOST_REMOVED = 1_000
MOST_SUBSCRIBED = 1_000


class ProfileFormat(NamedTuple):
    """A profile is its attributes as JSON between `head` and `tail`, all together at most `most_bytes`.

    `longest_email` and `longest_external_id` are in characters.
    """

    head: bytes
    tail: bytes
    most_bytes: int
    longest_email: int
    longest_external_id: int

    def tail_unsetting(self, names: Sequence[str]) -> bytes:
        """The tail of a profile that clears the custom properties `names`, which must not be empty.

        Klaviyo can clear only custom properties; a null clears nothing.
        """
        unset = orjson.dumps(list(names))
        return b',"meta":{"patch_properties":{"unset":' + unset + b"}}" + self.tail


PROFILE_FORMAT = ProfileFormat(
    head=b'{"type":"profile","attributes":',
    tail=b"}",
    most_bytes=100_000,
    longest_email=100,
    longest_external_id=255,
)
