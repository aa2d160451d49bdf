"""The members of the stand-in Klaviyo's lists: paged, added, removed."""

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
    """A cursor leads to the next members, even if its own member has left."""
    client.post(JOBS, json=import_body(*people(4)))
    ids = [member.id for member in stand_in.members(LIST)]
    following = client.get(f"{IDS}?page[size]=2").json()["links"]["next"]
    change(client, "DELETE", ids[1], ids[2])
    client.post(JOBS, json=import_body({"email": "new@example.org"}))
    assert [member["id"] for member in client.get(following).json()["data"]] == [
        ids[3],
        stand_in.profile("new@example.org").id,
    ]


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
    """204, even for profiles not on the list; the profile stays, and the next import adds it again."""
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
    """204, even for existing members; up to 1,000 in one call."""
    client.post(JOBS, json=import_body(*people(1000), list_id=None))
    stand_in.settle()
    ids = [profile.id for profile in stand_in.accounts["SNDBOX"].profiles]
    for _ in range(2):
        response = change(client, "POST", *ids)
        assert (response.status_code, response.content) == (204, b"")
        assert len(stand_in.members(LIST)) == 1000


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_an_unknown_id_changes_nothing(stand_in: StandIn, client: httpx.Client, method: str) -> None:
    """A 404 for the whole call, unless a script allows skipping unknown ids."""
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
    """It needs 1 to 1,000 profile ids and nothing else, or no one is added or removed."""
    stand_in.unknown_ids_ignored = True
    client.post(JOBS, json=import_body(*people(1)))
    assert client.request(method, IDS, json={"data": data}).status_code == 400
    assert len(stand_in.members(LIST)) == 1
