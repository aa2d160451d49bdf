"""Who is on a list of the stand-in Klaviyo: read in pages, looked up, added, removed."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sandbox.klaviyo import StandIn
from tests.support.klaviyo import JOBS, LIST, Clock, all_pages, import_body, klaviyo_client, people

MEMBERS = f"/api/lists/{LIST}/profiles"
IDS = f"/api/lists/{LIST}/relationships/profiles"
BOTH = pytest.mark.parametrize("path", [MEMBERS, IDS])


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stand_in(clock: Clock) -> StandIn:
    return StandIn(clock=clock, limits=False)


@pytest.fixture
def client(stand_in: StandIn) -> Iterator[httpx.Client]:
    with klaviyo_client(stand_in) as client:
        yield client


def emails(stand_in: StandIn) -> list[str | None]:
    """The members' addresses, in the order of joining."""
    return [member.email for member in stand_in.members(LIST)]


def change(client: httpx.Client, method: str, *ids: str) -> httpx.Response:
    """Adds (POST) or removes (DELETE) profiles."""
    return client.request(method, IDS, json={"data": [{"type": "profile", "id": one} for one in ids]})


def found(client: httpx.Client, path: str, **params: str) -> list[str]:
    """The ids of one page."""
    response = client.get(path, params=params)
    assert response.status_code == 200
    return [profile["id"] for profile in response.json()["data"]]


@BOTH
def test_members_come_in_pages(stand_in: StandIn, client: httpx.Client, path: str) -> None:
    """20 by default, up to 100, each member once; 101 and 0 are refused."""
    client.post(JOBS, json=import_body(*people(250)))
    assert len(client.get(path).json()["data"]) == 20
    for size in (0, 101):
        assert client.get(f"{path}?page[size]={size}").status_code == 400
    members = all_pages(client, f"{path}?page[size]=100")
    assert [member["id"] for member in members] == [member.id for member in stand_in.members(LIST)]
    assert len(members) == 250


def test_a_member_shows_the_fields_asked_for(client: httpx.Client) -> None:
    """`fields[profile]` chooses; the relationship shows no more than type and id."""
    client.post(JOBS, json=import_body(*people(1)))
    [member] = client.get(f"{MEMBERS}?fields[profile]=email,joined_group_at").json()["data"]
    assert member["attributes"] == {
        "email": "person0@example.org",
        "joined_group_at": "2024-10-04T00:00:00+00:00",
    }
    [identifier] = client.get(IDS).json()["data"]
    assert identifier == {"type": "profile", "id": member["id"]}
    assert client.get(f"{MEMBERS}?fields[profile]=shoe_size").status_code == 400
    assert client.get("/api/profiles?fields[profile]=joined_group_at").status_code == 400


def test_a_full_last_page_is_the_last(client: httpx.Client) -> None:
    """Two pages of 5 for 10 members, and no empty third one."""
    client.post(JOBS, json=import_body(*people(10)))
    first = client.get(f"{MEMBERS}?page[size]=5").json()
    last = client.get(first["links"]["next"]).json()
    assert (len(last["data"]), last["links"]["next"]) == (5, None)


def test_a_page_stands_while_members_come_and_go(stand_in: StandIn, client: httpx.Client) -> None:
    """A cursor leads to who follows, also where the member it stood at has left."""
    client.post(JOBS, json=import_body(*people(4)))
    ids = [member.id for member in stand_in.members(LIST)]
    following = client.get(f"{IDS}?page[size]=2").json()["links"]["next"]
    change(client, "DELETE", ids[1], ids[2])
    client.post(JOBS, json=import_body({"email": "new@example.org"}))
    assert [member["id"] for member in client.get(following).json()["data"]] == [
        ids[3],
        stand_in.profile("new@example.org").id,
    ]


def test_members_and_profiles_are_found_by_email(client: httpx.Client) -> None:
    """`any(email,[…])` finds members in a list, and profiles in the account, in any case."""
    client.post(JOBS, json=import_body(*people(2)))
    client.post(JOBS, json=import_body({"email": "outsider@example.org"}, list_id=None))
    params = {"filter": 'any(email,["PERSON1@example.org","outsider@example.org","no@example.org"])'}
    emails = {
        path: [found["attributes"]["email"] for found in client.get(path, params=params).json()["data"]]
        for path in (MEMBERS, "/api/profiles")
    }
    assert emails == {
        MEMBERS: ["person1@example.org"],
        "/api/profiles": ["person1@example.org", "outsider@example.org"],
    }


@pytest.mark.parametrize("path", [MEMBERS, IDS, "/api/profiles"])
def test_people_are_found_by_phone(stand_in: StandIn, client: httpx.Client, path: str) -> None:
    """`any` and `equals` on phone_number; what a filter finds comes in pages too."""
    phones = [f"+1500555000{number}" for number in range(3)]
    client.post(JOBS, json=import_body(*({"phone_number": phone} for phone in phones)))
    ids = [member.id for member in stand_in.members(LIST)]
    assert found(client, path, filter=f'equals(phone_number,"{phones[1]}")') == [ids[1]]
    url = httpx.URL(path, params={"filter": f"any(phone_number,{phones})", "page[size]": "2"})
    assert [profile["id"] for profile in all_pages(client, str(url))] == ids


def test_profiles_are_found_by_id_and_external_id(stand_in: StandIn, client: httpx.Client) -> None:
    """Unknown ids, and such as are none, find nobody; sorted by id, descending where that is asked for."""
    client.post(JOBS, json=import_body({"external_id": "a"}, {"external_id": "b"}, list_id=None))
    stand_in.settle()
    first, second = (profile.id for profile in stand_in.accounts["SNDBOX"].profiles)
    path, unknown = "/api/profiles", f"{first[:-1]}9"
    assert found(client, path, filter=f"any(id,{[second, unknown, 'x', first]})") == [first, second]
    assert found(client, path, filter="equals(external_id,'b')") == [second]
    assert found(client, path, sort="-id") == [second, first]
    assert [p["id"] for p in all_pages(client, f"{path}?page[size]=1&sort=-id")] == [second, first]


@BOTH
@pytest.mark.parametrize(
    "written",
    [
        "equals(_kx,'x')",
        "equals(push_token,'x')",
        "equals(id,'x')",
        "equals(external_id,'x')",
        "contains(email,'x')",
        "greater-than(email,'x')",
        "any(email,[])",
        "any(email,[1])",
        "any(joined_group_at,['2024-10-04T00:00:00Z'])",
        "equals(joined_group_at,2024-10-04T00:00:00Z)",
        "greater-than(joined_group_at,2024-10-04T00:00:00)",
        "greater-than(joined_group_at,'2024-10-04T00:00:00Z')",
        "greater-than(joined_group_at,yesterday)",
        "email",
    ],
)
def test_other_filters_are_refused(client: httpx.Client, path: str, written: str) -> None:
    """Texts by `any` and `equals`, joined_group_at by comparison with a moment in UTC, nothing else."""
    response = client.get(path, params={"filter": written})
    assert response.status_code == 400
    assert response.json()["errors"][0]["source"] == {"parameter": "filter"}


@pytest.mark.parametrize("path", [MEMBERS, IDS, "/api/profiles"])
def test_100_values_and_8_kb_are_the_limits(client: httpx.Client, path: str) -> None:
    """The 101st value is a 400, a URL of more than 8,192 bytes a 414."""
    client.post(JOBS, json=import_body(*people(1)))
    for count, status in ((100, 200), (101, 400)):
        values = [person["email"] for person in people(count)]
        assert client.get(path, params={"filter": f"any(email,{values})"}).status_code == status
    for length, status in ((8192, 400), (8193, 414)):
        query = f"filter={'x' * (length - len(path) - len('?filter='))}"
        assert client.get(f"{path}?{query}").status_code == status


def test_a_comparison_finds_who_joined_when(stand_in: StandIn, client: httpx.Client, clock: Clock) -> None:
    """Each of the four comparisons, in both orders, a page at a time."""
    for person in people(4):
        client.post(JOBS, json=import_body(person))
        clock.now += 60
    ids = [member.id for member in stand_in.members(LIST)]
    for operator, expected in (
        ("greater-than", ids[2:]),
        ("greater-or-equal", ids[1:]),
        ("less-than", ids[:1]),
        ("less-or-equal", ids[:2]),
    ):
        written = f"{operator}(joined_group_at,2024-10-04T00:01:00Z)"
        for sort, order in (("joined_group_at", expected), ("-joined_group_at", expected[::-1])):
            params = {"filter": written, "sort": sort, "page[size]": "1"}
            members = all_pages(client, str(httpx.URL(MEMBERS, params=params)))
            assert [member["id"] for member in members] == order


@BOTH
def test_joined_group_at_is_the_only_sort(client: httpx.Client, path: str) -> None:
    """Any other field is a 400 that names the parameter."""
    for sort, status in (("joined_group_at", 200), ("-joined_group_at", 200), ("email", 400), ("id", 400)):
        assert client.get(path, params={"sort": sort}).status_code == status


def test_who_comes_back_joins_anew(stand_in: StandIn, client: httpx.Client, clock: Clock) -> None:
    """A repeated import changes nothing; removed and added again, a member has a new joined_group_at."""
    client.post(JOBS, json=import_body(*people(2)))
    first, second = (member.id for member in stand_in.members(LIST))
    clock.now += 60
    client.post(JOBS, json=import_body(*people(2)))
    assert found(client, MEMBERS, sort="-joined_group_at") == [second, first]
    change(client, "DELETE", first)
    change(client, "POST", first)
    members = client.get(f"{MEMBERS}?fields[profile]=joined_group_at").json()["data"]
    assert [(member["id"], member["attributes"]["joined_group_at"]) for member in members] == [
        (second, "2024-10-04T00:00:00+00:00"),
        (first, "2024-10-04T00:01:00+00:00"),
    ]


def test_members_are_removed_by_id(stand_in: StandIn, client: httpx.Client) -> None:
    """204, also for who is not on the list; the profile stays, and comes back with the next import."""
    client.post(JOBS, json=import_body(*people(3)))
    gone = stand_in.members(LIST)[1]
    for _ in range(2):
        response = change(client, "DELETE", gone.id)
        assert (response.status_code, response.content) == (204, b"")
        assert emails(stand_in) == ["person0@example.org", "person2@example.org"]
    assert stand_in.profile("person1@example.org") is gone
    client.post(JOBS, json=import_body({"email": "person1@example.org"}))
    assert stand_in.members(LIST)[-1] is gone


def test_profiles_are_added_by_id(stand_in: StandIn, client: httpx.Client) -> None:
    """204, also for who is on the list already; 1,000 in one call."""
    client.post(JOBS, json=import_body(*people(1000), list_id=None))
    stand_in.settle()
    ids = [profile.id for profile in stand_in.accounts["SNDBOX"].profiles]
    for _ in range(2):
        response = change(client, "POST", *ids)
        assert (response.status_code, response.content) == (204, b"")
        assert len(stand_in.members(LIST)) == 1000


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_an_unknown_id_changes_nothing(stand_in: StandIn, client: httpx.Client, method: str) -> None:
    """A 404 for all of the call, unless a script says that unknown ids are passed over."""
    client.post(JOBS, json=import_body(*people(1), list_id=None if method == "POST" else LIST))
    before = emails(stand_in)
    known = stand_in.profile("person0@example.org").id
    response = change(client, method, known, "unknown")
    assert (response.status_code, response.json()["errors"][0]["code"]) == (404, "not_found")
    assert emails(stand_in) == before
    stand_in.unknown_ids_ignored = True
    assert change(client, method, known, "unknown").status_code == 204
    assert emails(stand_in) != before


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(
    "data",
    [
        [],
        [{"type": "profile", "id": str(number)} for number in range(1001)],
        [{"type": "profile", "attributes": {"email": "person0@example.org"}}],
        [{"type": "list", "id": "x"}],
        "person0@example.org",
    ],
    ids=["none", "1001", "an email", "another type", "no array"],
)
def test_a_change_that_names_no_ids_is_refused(
    stand_in: StandIn, client: httpx.Client, method: str, data: Any
) -> None:
    """Between 1 and 1,000 profile ids, nothing else, or nobody is added or removed."""
    stand_in.unknown_ids_ignored = True
    client.post(JOBS, json=import_body(*people(1)))
    assert client.request(method, IDS, json={"data": data}).status_code == 400
    assert len(stand_in.members(LIST)) == 1
