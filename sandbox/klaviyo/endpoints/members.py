"""The members of a list: reading, adding and removing them. Does not change consent."""

from collections.abc import Iterator
from typing import Any

from sandbox.klaviyo import resources
from sandbox.klaviyo.call import Call
from sandbox.klaviyo.errors import invalid, not_found
from sandbox.klaviyo.members import Members
from sandbox.klaviyo.profiles import Profile
from sandbox.klaviyo.queries import (
    Comparison,
    read_comparison,
    read_fields,
    read_filter,
    read_page,
    read_sort,
)

MAX_IDS = 1000
JOINED = "joined_group_at"


def list_members(call: Call) -> dict[str, Any]:
    fields = read_fields(call.query, "fields[profile]", resources.MEMBER_FIELDS)
    members = call.find_list().members
    profiles, cursor = _page(call, members)
    return call.page(
        [
            resources.profile_resource(profile, call.base, fields, joined=members.joined(profile.number))
            for profile in profiles
        ],
        cursor,
    )


def list_member_ids(call: Call) -> dict[str, Any]:
    profiles, cursor = _page(call, call.find_list().members)
    return call.page([resources.profile_identifier(profile) for profile in profiles], cursor)


def add_members(call: Call) -> None:
    members = call.find_list().members
    members.add(_numbers(call), call.now)


def remove_members(call: Call) -> None:
    """A profile that is not on the list is not an error; one that does not exist is."""
    members = call.find_list().members
    for number in _numbers(call):
        members.discard(number)


def _page(call: Call, members: Members) -> tuple[list[Profile], str | None]:
    """A page in joining order; Klaviyo documents no default order."""
    descending = read_sort(call.query, JOINED)
    numbers, cursor = read_page(lambda after: _matches(call, members, after, descending), call.query)
    return [call.account.profiles[number] for number in numbers], cursor


def _matches(call: Call, members: Members, after: int | None, descending: bool) -> Iterator[tuple[int, int]]:
    """Places and numbers of the members that the filter finds. Klaviyo also supports push_token and _kx."""
    compared = read_comparison(call.query, JOINED)
    if compared is not None:
        return _joined(members, compared, after, descending)
    wanted = read_filter(call.query, "email", "phone_number")
    if wanted is None:
        return members.after(after, descending=descending)
    found = (call.look_up(wanted.field, value) for value in set(wanted.values))
    places = {members.place(p.number): p.number for p in found if p is not None and p.number in members}
    in_order = sorted(places.items(), reverse=descending)
    return (at for at in in_order if after is None or (at[0] < after if descending else at[0] > after))


def _joined(
    members: Members, compared: Comparison, after: int | None, descending: bool
) -> Iterator[tuple[int, int]]:
    """The members who joined before or after a time: a range of places, since they are in joining order."""
    later = compared.operator.startswith("greater")
    # The first place after the time, or at it if that counts as later.
    first = members.since(compared.moment, included=compared.operator in ("greater-or-equal", "less-than"))
    if later and not descending:
        after = max(first - 1, -1 if after is None else after)
    elif descending and not later:
        after = first if after is None else min(first, after)
    beyond = members.after(after, descending=descending)
    return ((place, number) for place, number in beyond if (place >= first) == later)


def _numbers(call: Call) -> list[int]:
    """The profiles in the body; changes none if one does not exist, unless a script allows that."""
    match call.body:
        case {"data": list(entries)} if 0 < len(entries) <= MAX_IDS:
            ids = [_profile_id(entry) for entry in entries]
        case _:
            raise invalid(f"Between 1 and {MAX_IDS} profiles are required.")
    found = {profile_id: call.account.profiles.find("id", profile_id) for profile_id in ids}
    for profile_id, profile in found.items():
        if profile is None and not call.stand_in.unknown_ids_ignored:
            raise not_found("profile", profile_id)
    return [profile.number for profile in found.values() if profile is not None]


def _profile_id(entry: object) -> str:
    match entry:
        case {"type": "profile", "id": str(profile_id)}:
            return profile_id
    raise invalid("A profile is named by its id.")
