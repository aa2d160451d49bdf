"""The stand-in Klaviyo's lists, profiles and accounts."""

from collections.abc import Iterator

import httpx
import pytest

from sandbox.klaviyo import SCOPES, StandIn
from tests.support.klaviyo import JOBS, LIST, all_pages, import_body, klaviyo_client, people

MEMBERS = f"/api/lists/{LIST}/profiles"


@pytest.fixture
def stand_in() -> StandIn:
    return StandIn(limits=False)


@pytest.fixture
def client(stand_in: StandIn) -> Iterator[httpx.Client]:
    with klaviyo_client(stand_in) as client:
        yield client


def test_the_sandbox_has_a_list(client: httpx.Client) -> None:
    """Account Sandbox holds the list Y6nRLr, named VIP."""
    [listed] = client.get("/api/lists").json()["data"]
    assert (listed["type"], listed["id"], listed["attributes"]["name"]) == ("list", LIST, "VIP")
    assert listed == client.get(f"/api/lists/{LIST}").json()["data"]


def test_an_unknown_list_is_not_found(client: httpx.Client) -> None:
    """A 404 with the code not_found, wherever the request has the list's id."""
    for method, path in (
        ("GET", "/api/lists/NoList"),
        ("GET", "/api/lists/NoList/profiles"),
        ("GET", "/api/lists/NoList/relationships/profiles"),
        ("POST", "/api/lists/NoList/relationships/profiles"),
        ("DELETE", "/api/lists/NoList/relationships/profiles"),
    ):
        response = client.request(method, path, json={"data": [{"type": "profile", "id": "x"}]})
        assert (response.status_code, response.json()["errors"][0]["code"]) == (404, "not_found")


def test_a_list_counts_its_profiles_when_asked(client: httpx.Client) -> None:
    """`additional-fields[list]=profile_count` adds the count; other values are refused."""
    client.post(JOBS, json=import_body(*people(3)))
    counted = client.get(f"/api/lists/{LIST}?additional-fields[list]=profile_count").json()["data"]
    assert counted["attributes"]["profile_count"] == 3
    assert "profile_count" not in client.get(f"/api/lists/{LIST}").json()["data"]["attributes"]
    refused = client.get(f"/api/lists/{LIST}?additional-fields[list]=size")
    assert refused.json()["errors"][0]["source"] == {"parameter": "additional-fields[list]"}


def test_a_list_is_created(client: httpx.Client) -> None:
    """201 with a 6-character id that an import can name at once; a list needs a name."""
    created = client.post("/api/lists", json={"data": {"type": "list", "attributes": {"name": "New"}}})
    assert created.status_code == 201
    list_id = created.json()["data"]["id"]
    assert len(list_id) == 6
    assert client.post(JOBS, json=import_body(*people(1), list_id=list_id)).status_code == 202
    unnamed = client.post("/api/lists", json={"data": {"type": "list", "attributes": {}}})
    assert unnamed.json()["errors"][0]["source"] == {"pointer": "/data/attributes/name"}


def test_a_list_tells_how_people_opt_in(stand_in: StandIn, client: httpx.Client) -> None:
    """Single opt-in by default; a script makes it double."""
    path = f"/api/lists/{LIST}"
    assert client.get(path).json()["data"]["attributes"]["opt_in_process"] == "single_opt_in"
    stand_in.accounts["SNDBOX"].lists[LIST].opt_in_process = "double_opt_in"
    assert client.get(path).json()["data"]["attributes"]["opt_in_process"] == "double_opt_in"


def test_a_list_names_the_flows_it_starts(stand_in: StandIn, client: httpx.Client) -> None:
    """None by default; those of a script, live, with the fields asked for; an unknown list is a 404."""
    path = f"/api/lists/{LIST}/flow-triggers"
    assert client.get(path).json()["data"] == []
    stand_in.accounts["SNDBOX"].lists[LIST].flows = ["Welcome", "Second mail"]
    flows = client.get(f"{path}?fields[flow]=name,status,trigger_type").json()["data"]
    assert [flow["attributes"] for flow in flows] == [
        {"name": name, "status": "live", "trigger_type": "Added to List"}
        for name in ("Welcome", "Second mail")
    ]
    assert len({flow["id"] for flow in flows}) == 2
    assert client.get("/api/lists/NoList/flow-triggers").status_code == 404


def test_the_plan_has_room(stand_in: StandIn, client: httpx.Client) -> None:
    """Used and allowed profiles, in the current period; filtered by id on request."""
    client.post(JOBS, json=import_body(*people(3)))
    stand_in.accounts["SNDBOX"].plan = 500
    rows = client.get("/api/billing-usage").json()["data"]
    assert sorted(row["attributes"]["unit"] for row in rows) == ["messages", "profiles"]
    [row] = client.get("/api/billing-usage", params={"filter": "any(id,['profiles'])"}).json()["data"]
    usage = row["attributes"]
    assert (usage["usage_used"], usage["usage_max"], usage["unit"]) == (3, 500, "profiles")
    assert usage["period_start"] <= usage["as_of"] < usage["period_end"]


def test_usage_is_unknown_to_older_revisions(client: httpx.Client) -> None:
    """It was added in revision 2026-10-15; before, its path is a 404."""
    response = client.get("/api/billing-usage", headers={"revision": "2026-07-15"})
    assert (response.status_code, response.json()["errors"][0]["code"]) == (404, "not_found")


def test_lists_come_in_pages_of_10_and_are_filtered(stand_in: StandIn, client: httpx.Client) -> None:
    """No more than 10 lists a page; `name` and `id` are the filters."""
    for number in range(11):
        stand_in.add_list(stand_in.accounts["SNDBOX"], f"List {number}")
    assert len(client.get("/api/lists").json()["data"]) == 10
    assert len(all_pages(client, "/api/lists?fields[list]=name")) == 12
    assert client.get("/api/lists?page[size]=11").status_code == 400
    [found] = client.get("/api/lists", params={"filter": "equals(name,'List 7')"}).json()["data"]
    assert found["attributes"]["name"] == "List 7"


def test_profiles_show_what_is_kept(stand_in: StandIn, client: httpx.Client) -> None:
    """They always show identifiers, attributes if they are kept, and when a member joined the list."""
    stand_in.keep_attributes = True
    person = {"email": "a@example.org", "external_id": "7", "first_name": "A", "properties": {"Points": 7}}
    client.post(JOBS, json=import_body(person))
    [profile] = client.get("/api/profiles", params={"filter": 'equals(external_id,"7")'}).json()["data"]
    assert person.items() <= profile["attributes"].items()
    assert "joined_group_at" not in profile["attributes"]
    [member] = client.get(MEMBERS).json()["data"]
    assert member["attributes"].keys() == profile["attributes"].keys() | {"joined_group_at"}


def test_a_key_shows_its_own_account(stand_in: StandIn, client: httpx.Client) -> None:
    """Accounts share neither lists nor profiles nor jobs."""
    stand_in.add_account("Other1", "Other", keys={"pk_other": SCOPES}, lists={"Other2": "VIP"})
    client.post(JOBS, json=import_body(*people(1)))
    [account] = client.get("/api/accounts").json()["data"]
    assert account["id"] == "SNDBOX"
    assert account["attributes"]["contact_information"]["organization_name"] == "Sandbox"
    client.headers["Authorization"] = "Klaviyo-API-Key pk_other"
    [account] = client.get("/api/accounts").json()["data"]
    assert (account["id"], account["attributes"]["public_api_key"]) == ("Other1", "Other1")
    assert client.get(f"/api/lists/{LIST}").status_code == 404
    assert client.get("/api/profiles").json()["data"] == []
    assert client.get(JOBS).json()["data"] == []
