"""The profiles of the account."""

from collections.abc import Iterator
from typing import Any

from sandbox.klaviyo import resources
from sandbox.klaviyo.call import Call
from sandbox.klaviyo.profiles import IDENTIFIERS, Profile
from sandbox.klaviyo.queries import in_order, read_fields, read_filter, read_page, read_sort


def list_profiles(call: Call) -> dict[str, Any]:
    """Profiles by id; supports the sorts and filters that find people."""
    fields = read_fields(call.query, "fields[profile]", resources.PROFILE_FIELDS)
    wanted = read_filter(call.query, "id", *IDENTIFIERS)
    descending = read_sort(call.query, "id")

    def start(after: int | None) -> Iterator[tuple[int, Profile]]:
        return call.account.profiles.after(after, descending=descending)

    if wanted is None:
        page, cursor = read_page(start, call.query)
    else:
        found = [call.look_up(wanted.field, value) for value in wanted.values]
        unique = {profile.number: profile for profile in found if profile is not None}
        page, cursor = read_page(in_order(unique.values(), descending=descending), call.query)
    return call.page([resources.profile_resource(p, call.base, fields) for p in page], cursor)
