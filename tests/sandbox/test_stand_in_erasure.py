"""Erasure at the stand-in Klaviyo."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sandbox.klaviyo import ByHand, StandIn
from tests.support.klaviyo import JOBS, LIST, Clock, import_body, klaviyo_client

ERASURES = "/api/data-privacy-deletion-jobs"
A = "a@example.org"


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


def erasure(attributes: dict[str, Any], **identity: Any) -> dict[str, Any]:
    profile = {"type": "profile", **identity, "attributes": attributes}
    return {"data": {"type": "data-privacy-deletion-job", "attributes": {"profile": {"data": profile}}}}


@pytest.mark.parametrize("by", ["email", "secondary", "phone_number", "id"])
def test_a_person_is_erased(stand_in: StandIn, client: httpx.Client, by: str) -> None:
    """202 with an empty body; the profile is gone, also from the list, and nothing leads to it any more."""
    person = {"email": A, "phone_number": "+15005550006", "external_id": "x"}
    client.post(JOBS, json=import_body(person, {"email": "b@example.org"}))
    ByHand(stand_in).suppress(A)
    ByHand(stand_in).make_primary(A, "new@example.org")
    gone = stand_in.profile(A)
    body = {
        "email": erasure({"email": "NEW@example.org"}),
        "secondary": erasure({"email": A}),
        "phone_number": erasure({"phone_number": "+15005550006"}),
        "id": erasure({}, id=gone.id),
    }[by]
    response = client.post(ERASURES, json=body)
    assert (response.status_code, response.content) == (202, b"")
    assert [member.email for member in stand_in.members(LIST)] == ["b@example.org"]
    for who in (A, "new@example.org", gone.id):
        with pytest.raises(KeyError):
            stand_in.profile(who)
    client.post(JOBS, json=import_body({"email": A, "external_id": "x"}))
    new = stand_in.profile(A)
    assert new.id != gone.id
    assert (new.phone_number, stand_in.accounts["SNDBOX"].consents) == (None, {})


def test_an_erasure_takes_as_long_as_a_job(stand_in: StandIn, client: httpx.Client, clock: Clock) -> None:
    """With `job_seconds`, the person exists for a while longer."""
    client.post(JOBS, json=import_body({"email": A}))
    assert stand_in.profile(A)
    stand_in.job_seconds = 10
    client.post(ERASURES, json=erasure({"email": A}))
    clock.now += 9
    assert [member.email for member in stand_in.members(LIST)] == [A]
    clock.now += 1
    assert stand_in.members(LIST) == []


def test_everybody_behind_a_phone_is_erased(stand_in: StandIn, client: httpx.Client) -> None:
    """All matching profiles go."""
    phone = {"phone_number": "+15005550006"}
    client.post(JOBS, json=import_body({"email": A, **phone}, {"email": "b@example.org", **phone}))
    client.post(ERASURES, json=erasure(phone))
    assert stand_in.members(LIST) == []


def test_who_is_unknown_is_erased_without_a_word(client: httpx.Client) -> None:
    """The answer is the same: a 202."""
    assert client.post(ERASURES, json=erasure({"email": A})).status_code == 202


@pytest.mark.parametrize(
    "body",
    [
        erasure({}),
        erasure({"email": A, "phone_number": "+15005550006"}),
        erasure({"email": A}, id="x"),
        erasure({"email": 7}),
        erasure({"external_id": "x"}),
        {"data": {"type": "profile", "attributes": {"email": A}}},
    ],
    ids=["none", "two", "address and id", "a number", "an external id", "a profile"],
)
def test_an_erasure_names_exactly_one_identifier(
    stand_in: StandIn, client: httpx.Client, body: dict[str, Any]
) -> None:
    """It is an email, a phone_number or an id, exactly one; otherwise no one is erased."""
    client.post(JOBS, json=import_body({"email": A, "external_id": "x", "phone_number": "+15005550006"}))
    assert client.post(ERASURES, json=body).status_code == 400
    assert len(stand_in.members(LIST)) == 1
