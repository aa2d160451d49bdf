"""Finding members and profiles of the stand-in Klaviyo with filters."""

from collections.abc import Iterator

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


def found(client: httpx.Client, path: str, **params: str) -> list[str]:
    """The ids of one page."""
    response = client.get(path, params=params)
    assert response.status_code == 200
    return [profile["id"] for profile in response.json()["data"]]


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
    """`any` and `equals` on phone_number; filtered results also have pages, in both orders."""
    phones = [f"+1500555000{number}" for number in range(3)]
    client.post(JOBS, json=import_body(*({"phone_number": phone} for phone in phones)))
    ids = [member.id for member in stand_in.members(LIST)]
    assert found(client, path, filter=f'equals(phone_number,"{phones[1]}")') == [ids[1]]
    url = httpx.URL(path, params={"filter": f"any(phone_number,{phones})", "page[size]": "2"})
    for sort, order in (
        ("", ids),
        ("&sort=-id" if path == "/api/profiles" else "&sort=-joined_group_at", ids[::-1]),
    ):
        assert [profile["id"] for profile in all_pages(client, f"{url}{sort}")] == order


def test_profiles_are_found_by_id_and_external_id(stand_in: StandIn, client: httpx.Client) -> None:
    """Unknown and invalid ids find no one; results are sorted by id, descending on request."""
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
