"""Profiles at the stand-in Klaviyo: several addresses, merges, changes by hand."""

from collections.abc import Iterator

import httpx
import pytest

from sandbox.klaviyo import ByHand, StandIn
from tests.support.klaviyo import JOBS, LIST, Clock, import_body, klaviyo_client

MEMBERS = f"/api/lists/{LIST}/profiles"
OLD, NEW = "old@example.org", "new@example.org"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stand_in(clock: Clock) -> StandIn:
    return StandIn(clock=clock, limits=False, keep_attributes=True)


@pytest.fixture
def client(stand_in: StandIn) -> Iterator[httpx.Client]:
    with klaviyo_client(stand_in) as client:
        yield client


@pytest.fixture
def by_hand(stand_in: StandIn) -> ByHand:
    return ByHand(stand_in)


def emails(stand_in: StandIn, who: str) -> list[str]:
    """The addresses of a profile, the primary one first."""
    account, profile = stand_in.find(who)
    return account.profiles.emails(profile)


def members(stand_in: StandIn) -> list[str | None]:
    return [member.email for member in stand_in.members(LIST)]


@pytest.mark.parametrize("in_one_job", [False, True])
def test_a_shared_external_id_merges(stand_in: StandIn, client: httpx.Client, in_one_job: bool) -> None:
    """The older profile stays, with its primary address and the newest values; the new address is
    secondary."""
    old = {"email": OLD, "external_id": "x", "first_name": "A", "phone_number": "+15005550006"}
    new = {"email": NEW, "external_id": "x", "first_name": "B"}
    for rows in [[old, new]] if in_one_job else [[old], [new]]:
        client.post(JOBS, json=import_body(*rows))
    profile = stand_in.profile(NEW)
    assert members(stand_in) == [OLD]
    assert emails(stand_in, OLD) == [OLD, NEW]
    assert (profile.phone_number, profile.attributes) == ("+15005550006", {"first_name": "B"})
    last = list(stand_in.accounts["SNDBOX"].jobs)[-1]
    [imported] = client.get(f"{JOBS}/{last}/relationships/profiles").json()["data"]
    assert imported["id"] == profile.id


def test_two_known_profiles_merge_where_an_import_links_them(stand_in: StandIn, client: httpx.Client) -> None:
    """The younger one's id is unknown afterwards, its place on the list is the older one's."""
    client.post(JOBS, json=import_body({"email": OLD}, list_id=None))
    client.post(JOBS, json=import_body({"email": NEW, "external_id": "x"}))
    younger = stand_in.profile(NEW).id
    client.post(JOBS, json=import_body({"email": OLD, "external_id": "x"}, list_id=None))
    assert (members(stand_in), emails(stand_in, NEW)) == ([OLD], [OLD, NEW])
    entries = {"data": [{"type": "profile", "id": younger}]}
    removal = client.request("DELETE", f"/api/lists/{LIST}/relationships/profiles", json=entries)
    assert removal.status_code == 404
    assert client.get("/api/profiles", params={"filter": f"equals(id,'{younger}')"}).json()["data"] == []


def test_who_comes_and_is_merged_in_one_job_is_one_member(stand_in: StandIn, client: httpx.Client) -> None:
    """Only the profile that is left joins, and counts as imported."""
    client.post(JOBS, json=import_body({"email": OLD, "external_id": "x"}, list_id=None))
    client.post(JOBS, json=import_body({"email": NEW}, {"email": NEW, "external_id": "x"}))
    assert members(stand_in) == [OLD]
    *_, job = stand_in.accounts["SNDBOX"].jobs.values()
    assert (len(job.imported), job.merged) == (1, 1)


def test_a_profile_has_five_addresses_at_most(stand_in: StandIn, client: httpx.Client) -> None:
    """A column that is not unique merges strangers five at a time."""
    rows = [{"email": f"p{number}@example.org", "external_id": "same"} for number in range(7)]
    client.post(JOBS, json=import_body(*rows))
    assert members(stand_in) == ["p0@example.org", "p5@example.org"]
    assert len(emails(stand_in, "p4@example.org")) == 5


def test_a_secondary_address_brings_its_profile(stand_in: StandIn, client: httpx.Client) -> None:
    """An import by it updates the profile, and the primary address stays."""
    client.post(
        JOBS, json=import_body({"email": OLD, "external_id": "x"}, {"email": NEW, "external_id": "x"})
    )
    client.post(JOBS, json=import_body({"email": NEW, "first_name": "C"}))
    assert members(stand_in) == [OLD]
    assert stand_in.profile(OLD).attributes == {"first_name": "C"}


@pytest.mark.parametrize("path", [MEMBERS, f"/api/lists/{LIST}/relationships/profiles", "/api/profiles"])
@pytest.mark.parametrize("found", [False, True])
def test_whether_filters_find_secondary_addresses_is_scripted(
    stand_in: StandIn, client: httpx.Client, by_hand: ByHand, path: str, found: bool
) -> None:
    """By default they do not; if a script allows it, both addresses find the one profile once."""
    client.post(JOBS, json=import_body({"email": OLD}))
    by_hand.make_primary(OLD, NEW)
    stand_in.secondary_addresses_found = found
    for asked, expected in (([OLD], found), ([NEW], True), ([OLD, NEW], True)):
        data = client.get(path, params={"filter": f"any(email,{asked})"}).json()["data"]
        assert len(data) == expected


def test_a_merge_by_hand_keeps_the_destination(
    stand_in: StandIn, client: httpx.Client, by_hand: ByHand
) -> None:
    """The destination's values stay, the source fills gaps; lists and consent are merged."""
    source = {"email": NEW, "phone_number": "+15005550006", "first_name": "B", "properties": {"a": 1, "b": 1}}
    client.post(JOBS, json=import_body(source))
    client.post(
        JOBS, json=import_body({"email": OLD, "first_name": "A", "properties": {"a": 2}}, list_id=None)
    )
    by_hand.suppress(NEW)
    by_hand.merge(NEW, OLD)
    account, profile = stand_in.find(NEW)
    assert (profile.email, profile.phone_number) == (OLD, "+15005550006")
    assert profile.attributes == {"first_name": "A", "properties": {"a": 2, "b": 1}}
    assert members(stand_in) == [OLD]
    assert account.consent(profile.number).email == "UNSUBSCRIBED"
    assert len(account.profiles) == 1


def test_two_members_that_merge_are_one(
    stand_in: StandIn, client: httpx.Client, by_hand: ByHand, clock: Clock
) -> None:
    """The destination stays on the list since it joined."""
    for email in (NEW, OLD):
        client.post(JOBS, json=import_body({"email": email}))
        clock.now += 60
    by_hand.merge(NEW, OLD)
    [member] = client.get(f"{MEMBERS}?fields[profile]=email,joined_group_at").json()["data"]
    assert member["attributes"] == {"email": OLD, "joined_group_at": "2024-10-04T00:01:00+00:00"}


def test_a_primary_address_changes(stand_in: StandIn, client: httpx.Client, by_hand: ByHand) -> None:
    """The members show another address than the sent one, under the same id; the old one still finds it."""
    client.post(JOBS, json=import_body({"email": OLD}, {"email": "other@example.org"}))
    before = stand_in.profile(OLD).id
    by_hand.make_primary(OLD, "New@example.org")
    assert (emails(stand_in, OLD), stand_in.profile(NEW).id) == ([NEW, OLD], before)
    by_hand.make_primary(before, OLD)
    assert emails(stand_in, NEW) == [OLD, NEW]
    with pytest.raises(ValueError, match="another profile"):
        by_hand.make_primary(OLD, "other@example.org")


def test_what_cannot_be_merged_is_refused(stand_in: StandIn, client: httpx.Client, by_hand: ByHand) -> None:
    """This is a profile with itself, more than five addresses, two accounts, or an unknown person."""
    rows = [{"email": f"p{number}@example.org", "external_id": "same"} for number in range(7)]
    client.post(JOBS, json=import_body(*rows))
    stand_in.add_account("Other1", "Other", keys={}, lists={"Other2": "VIP"})
    by_hand.add("Other2", "away@example.org")
    for destination, reason in (("p6", "merged"), ("p0", "merged"), ("away", "accounts")):
        with pytest.raises(ValueError, match=reason):
            by_hand.merge("p5@example.org", f"{destination}@example.org")
    with pytest.raises(KeyError):
        by_hand.merge("p0@example.org", "nobody@example.org")
    assert len(stand_in.accounts["SNDBOX"].profiles) == 2


def test_people_come_and_go_by_hand(stand_in: StandIn, client: httpx.Client, by_hand: ByHand) -> None:
    """A stranger is added to the list; a member is removed from it, unsubscribes, is deleted."""
    rows = [{"email": f"p{number}@example.org"} for number in range(3)]
    client.post(JOBS, json=import_body(*rows))
    by_hand.add(LIST, "Stranger@example.org")
    by_hand.remove(LIST, "p0@example.org")
    by_hand.suppress("p1@example.org", list_id=LIST)
    by_hand.delete("p2@example.org")
    assert members(stand_in) == ["stranger@example.org"]
    assert {profile.email for profile in stand_in.accounts["SNDBOX"].profiles} == {
        "p0@example.org",
        "p1@example.org",
        "stranger@example.org",
    }


def test_a_job_leaves_out_who_was_deleted_since(
    stand_in: StandIn, client: httpx.Client, by_hand: ByHand
) -> None:
    """Its imported ids are those that are still there."""
    client.post(JOBS, json=import_body({"email": OLD}, {"email": NEW}))
    by_hand.delete(OLD)
    [job] = stand_in.accounts["SNDBOX"].jobs
    imported = client.get(f"{JOBS}/{job}/relationships/profiles").json()["data"]
    assert [profile["id"] for profile in imported] == [stand_in.profile(NEW).id]
