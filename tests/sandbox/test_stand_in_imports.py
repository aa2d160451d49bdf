"""What the stand-in Klaviyo accepts and refuses in a bulk import, and what it makes of it."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sandbox.klaviyo import StandIn
from tests.support.klaviyo import JOBS, LIST, import_body, klaviyo_client, people

GOOD = {"email": "good@example.org"}
ROW = "/data/attributes/profiles/data/1"


@pytest.fixture
def stand_in() -> StandIn:
    return StandIn(limits=False, keep_attributes=True)


@pytest.fixture
def client(stand_in: StandIn) -> Iterator[httpx.Client]:
    with klaviyo_client(stand_in) as client:
        yield client


@pytest.fixture(scope="module")
def strict() -> Iterator[tuple[StandIn, httpx.Client]]:
    """One server for all the requests that must change nothing."""
    stand_in = StandIn(limits=False)
    with klaviyo_client(stand_in) as client:
        yield stand_in, client


def refused(strict: tuple[StandIn, httpx.Client], body: dict[str, Any], status: int = 400) -> Any:
    """The one error of a request that is refused as a whole."""
    stand_in, client = strict
    response = client.post(JOBS, json=body)
    assert response.status_code == status
    assert len(stand_in.accounts["SNDBOX"].profiles) == 0
    assert stand_in.accounts["SNDBOX"].jobs == {}
    [error] = response.json()["errors"]
    return error


@pytest.mark.parametrize(
    "email",
    [
        "",
        "plain",
        "a@b",
        "two@@example.org",
        " spaced@example.org",
        "mailto:someone@example.org",
        "hey!you@example.org",
        "someone@example.c0m",
        "someone@example.o",
        "dot.@example.org",
        "someone@-example.org",
        "jos\u00e9@example.org",
        f"{'a' * 89}@example.org",
    ],
)
def test_a_malformed_email_is_named_and_echoed(strict: tuple[StandIn, httpx.Client], email: str) -> None:
    """A bad address refuses the whole job; the pointer names the row and the detail repeats the address."""
    error = refused(strict, import_body(GOOD, {"email": email, "phone_number": "+15005550006"}))
    assert error["source"] == {"pointer": f"{ROW}/attributes/email"}
    assert error["code"] == "invalid"
    assert error["detail"].endswith(email)


@pytest.mark.parametrize(
    ("attributes", "pointer"),
    [
        ({"phone_number": "0123"}, "/attributes/phone_number"),
        ({"phone_number": "+0123456789", "external_id": "x"}, "/attributes/phone_number"),
        ({"phone_number": "+1234567890123456"}, "/attributes/phone_number"),
        ({"first_name": "Nobody"}, "/attributes/"),
        ({"email": None, "phone_number": None}, "/attributes/"),
        ({**GOOD, "external_id": "x" * 256}, "/attributes/external_id"),
        ({**GOOD, "subscriptions": {}}, "/attributes/subscriptions"),
        ({**GOOD, "anonymous_id": "x"}, "/attributes/anonymous_id"),
        ({**GOOD, "first_name": 7}, "/attributes/first_name"),
        ({**GOOD, "properties": []}, "/attributes/properties"),
        ({**GOOD, "location": {"zip": 75001}}, "/attributes/location/zip"),
        ({**GOOD, "location": {"planet": "Mars"}}, "/attributes/location/planet"),
        ({**GOOD, "properties": {"note": "x" * 100_000}}, ""),
    ],
)
def test_a_bad_profile_is_named(
    strict: tuple[StandIn, httpx.Client], attributes: dict[str, Any], pointer: str
) -> None:
    """Each rule on a profile refuses the whole job, with a pointer to the row, and to the field if
    possible."""
    error = refused(strict, import_body(GOOD, attributes))
    assert error["source"] == {"pointer": f"{ROW}{pointer}"}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/data"),
        ({"data": []}, "/data"),
        ({"data": {"type": "profile", "attributes": {"profiles": {"data": [GOOD]}}}}, "/data/type"),
        (import_body(), "/data/attributes/profiles/data"),
        (import_body(*people(10_001)), "/data/attributes/profiles/data"),
        (import_body(GOOD, list_id="NoList"), "/data"),
    ],
    ids=["empty", "no object", "wrong type", "no profiles", "10,001 profiles", "unknown list"],
)
def test_a_bad_job_is_refused(
    strict: tuple[StandIn, httpx.Client], body: dict[str, Any], pointer: str
) -> None:
    """The pointer to a problem of the job itself is above the rows."""
    assert refused(strict, body)["source"] == {"pointer": pointer}


def test_a_job_has_one_list(strict: tuple[StandIn, httpx.Client]) -> None:
    """Two lists in one job are refused."""
    body = import_body(GOOD)
    body["data"]["relationships"]["lists"]["data"] *= 2
    assert refused(strict, body)["source"] == {"pointer": "/data/relationships/lists/data"}


def test_a_profile_is_a_typed_resource(strict: tuple[StandIn, httpx.Client]) -> None:
    """A row without its type is refused."""
    untyped = import_body(GOOD, GOOD)
    untyped["data"]["attributes"]["profiles"]["data"][1].pop("type")
    assert refused(strict, untyped)["source"] == {"pointer": f"{ROW}/type"}


@pytest.mark.parametrize(
    "meta",
    [
        {"patch_properties": {"append": {"a": 1}}},
        {"patch_properties": {"unset": ["a"], "unappend": {"a": 1}}},
        {"patch_properties": {"unset": ["a"]}, "more": {}},
        {"patch_properties": {"unset": ["a", 7]}},
        {"patch_properties": {"unset": {"a": 1}}},
        {"patch_properties": "a"},
        [],
    ],
)
def test_another_patch_than_unset_is_refused(strict: tuple[StandIn, httpx.Client], meta: object) -> None:
    """The stand-in does not support append and unappend; unset is a name or a list of names."""
    patched = import_body(GOOD, GOOD)
    patched["data"]["attributes"]["profiles"]["data"][1]["meta"] = meta
    assert refused(strict, patched)["source"] == {"pointer": f"{ROW}/meta"}


def test_5_mb_is_the_limit(strict: tuple[StandIn, httpx.Client]) -> None:
    """A body of more than 5,000,000 bytes is a 413, with any content."""
    profiles = [person | {"properties": {"note": "x" * 50_000}} for person in people(100)]
    assert refused(strict, import_body(*profiles), 413)["code"] == "error"


def test_what_is_not_json_is_refused(strict: tuple[StandIn, httpx.Client]) -> None:
    """A broken body is a 400 at /data."""
    response = strict[1].post(JOBS, content=b'{"data": ')
    assert response.status_code == 400
    assert response.json()["errors"][0]["source"] == {"pointer": "/data"}


@pytest.mark.parametrize(("named", "rows"), [(None, [0, 2, 4, 5]), (3, [0, 2, 4]), (1, [0]), (0, [])])
def test_how_many_bad_rows_a_400_names_is_scripted(
    stand_in: StandIn, client: httpx.Client, named: int | None, rows: list[int]
) -> None:
    """All of them, the first few, one, or none: then the pointer is /data."""
    stand_in.bad_rows_named = named
    bad = {"email": "nobody"}
    errors = client.post(JOBS, json=import_body(bad, GOOD, bad, GOOD, bad, bad)).json()["errors"]
    pointers = [error["source"]["pointer"] for error in errors]
    assert pointers == (
        [f"/data/attributes/profiles/data/{row}/attributes/email" for row in rows] or ["/data"]
    )


def test_a_valid_email_is_refused_by_script(stand_in: StandIn, client: httpx.Client) -> None:
    """The real Klaviyo refuses some valid addresses; a script sets them."""
    stand_in.refused_emails.add("good@example.org")
    assert client.post(JOBS, json=import_body({"email": "Good@Example.org"})).status_code == 400
    assert client.post(JOBS, json=import_body({"email": "better@example.org"})).status_code == 202


def test_an_import_fills_the_list(stand_in: StandIn, client: httpx.Client) -> None:
    """10,000 profiles become members, once each, however often they are sent."""
    for _ in range(2):
        assert client.post(JOBS, json=import_body(*people(10_000))).status_code == 202
    assert [member.email for member in stand_in.members(LIST)] == [p["email"] for p in people(10_000)]


def test_a_bad_phone_beside_an_email_is_dropped_without_a_word(
    stand_in: StandIn, client: httpx.Client
) -> None:
    """The profile is imported without its phone, and without an import error."""
    job = client.post(JOBS, json=import_body({**GOOD, "phone_number": "0123"})).json()["data"]["id"]
    assert client.get(f"{JOBS}/{job}").json()["data"]["attributes"]["completed_count"] == 1
    assert client.get(f"{JOBS}/{job}/import-errors").json()["data"] == []
    assert stand_in.profile("good@example.org").phone_number is None


@pytest.mark.parametrize("place", ["attributes", "top", "singular"])
def test_a_misplaced_list_leaves_profiles_without_a_list(
    stand_in: StandIn, client: httpx.Client, place: str
) -> None:
    """Outside of data.relationships.lists the list is ignored, and the response is still 202."""
    body = import_body(GOOD)
    relationships = body["data"].pop("relationships")
    if place == "attributes":
        body["data"]["attributes"]["relationships"] = relationships
    elif place == "top":
        body["relationships"] = relationships
    else:
        body["data"]["relationships"] = {"list": {"data": {"type": "list", "id": LIST}}}
    assert client.post(JOBS, json=body).status_code == 202
    assert stand_in.members(LIST) == []
    assert stand_in.profile("good@example.org").id


def test_rows_of_one_person_are_merged(stand_in: StandIn, client: httpx.Client) -> None:
    """The same email in any case is one profile, a phone alone finds its owner; the last row wins."""
    rows = [
        {"email": "One@example.org", "phone_number": "+15005550006", "first_name": "First"},
        {"email": "one@EXAMPLE.org", "first_name": "Last", "title": "Dr"},
        {"phone_number": "+15005550006", "last_name": "Person"},
    ]
    client.post(JOBS, json=import_body(*rows))
    [member] = stand_in.members(LIST)
    assert member.email == "one@example.org"
    assert member.attributes == {"first_name": "Last", "title": "Dr", "last_name": "Person"}
    [job] = stand_in.accounts["SNDBOX"].jobs.values()
    assert (job.total, len(job.imported), job.merged) == (3, 1, 2)


def test_two_addresses_behind_one_phone_are_two_people(stand_in: StandIn, client: httpx.Client) -> None:
    """A household shares a phone and stays several profiles; the phone finds its later owner."""
    phone = {"phone_number": "+15005550006"}
    client.post(
        JOBS, json=import_body({"email": "a@example.org", **phone}, {"email": "b@example.org", **phone})
    )
    client.post(JOBS, json=import_body({**phone, "first_name": "B"}))
    assert [member.email for member in stand_in.members(LIST)] == ["a@example.org", "b@example.org"]
    assert stand_in.profile("b@example.org").attributes == {"first_name": "B"}


def test_null_clears_nothing_but_unset_does(stand_in: StandIn, client: httpx.Client) -> None:
    """A null leaves a field as it was; patch_properties.unset clears custom properties, nothing else."""
    rich = {**GOOD, "first_name": "A", "location": {"city": "Bern"}, "properties": {"Points": 7, "Tier": "x"}}
    nulls = {**GOOD, "first_name": None, "location": {"city": None}, "properties": {"Points": None}}
    client.post(JOBS, json=import_body(rich))
    client.post(JOBS, json=import_body(nulls))
    for names in ("Tier", ["Unknown", "first_name"], None):
        unset = import_body(GOOD)
        meta = {"patch_properties": {"unset": names}} if names else None
        unset["data"]["attributes"]["profiles"]["data"][0]["meta"] = meta
        assert client.post(JOBS, json=unset).status_code == 202
    assert stand_in.profile("good@example.org").attributes == {
        "first_name": "A",
        "location": {"city": "Bern"},
        "properties": {"Points": 7},
    }


def test_attributes_are_kept_only_when_asked() -> None:
    """By default no more than identifiers and membership is held."""
    stand_in = StandIn()
    with klaviyo_client(stand_in) as client:
        client.post(JOBS, json=import_body({**GOOD, "first_name": "A"}))
    assert stand_in.profile("good@example.org").attributes is None


def test_every_body_is_shown_to_observers(stand_in: StandIn, client: httpx.Client) -> None:
    """They receive every posted body, valid or not."""
    seen: list[Any] = []
    stand_in.on_import(seen.append)
    bodies = [import_body(GOOD), import_body({"email": "nobody"})]
    for body in bodies:
        client.post(JOBS, json=body)
    assert seen == bodies
