"""Consent from subscription jobs at the stand-in Klaviyo."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sandbox.klaviyo import ByHand, StandIn
from sandbox.klaviyo.consents import Consent
from tests.support.klaviyo import JOBS, LIST, Clock, import_body, klaviyo_client, people

SUBSCRIPTIONS = "/api/profile-subscription-bulk-create-jobs"
PAST = "2024-01-01T00:00:00Z"
PAST_S = 1_704_067_200.0
A = "a@example.org"
PROFILES = "/data/attributes/profiles/data"
MARKETING = f"{PROFILES}/0/attributes/subscriptions/email/marketing"


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


def subscriber(email: Any = A, **marketing: Any) -> dict[str, Any]:
    subscriptions = {"email": {"marketing": {"consent": "SUBSCRIBED", **marketing}}}
    return {"type": "profile", "attributes": {"email": email, "subscriptions": subscriptions}}


def subscription(*subscribers: Any, list_id: str | None = LIST, **attributes: Any) -> dict[str, Any]:
    data: dict[str, Any] = {
        "type": "profile-subscription-bulk-create-job",
        "attributes": {**attributes, "profiles": {"data": list(subscribers)}},
    }
    if list_id is not None:
        data["relationships"] = {"list": {"data": {"type": "list", "id": list_id}}}
    return {"data": data}


def consent(stand_in: StandIn, who: str) -> Consent:
    account, profile = stand_in.find(who)
    return account.consent(profile.number)


def test_people_are_subscribed_and_added(stand_in: StandIn, client: httpx.Client, clock: Clock) -> None:
    """202 with an empty body; new people get a profile, and all are on the list, with consent."""
    client.post(JOBS, json=import_body({"email": A}, list_id=None))
    body = subscription(subscriber("A@example.org"), subscriber("B@example.org"), custom_source="Fair")
    response = client.post(SUBSCRIPTIONS, json=body)
    assert (response.status_code, response.content) == (202, b"")
    assert [member.email for member in stand_in.members(LIST)] == [A, "b@example.org"]
    assert consent(stand_in, A) == Consent("SUBSCRIBED", clock.now, "Fair")


def test_a_historical_import_has_its_own_moment(stand_in: StandIn, client: httpx.Client) -> None:
    """With `historical_import`, `consented_at` is when they consented."""
    body = subscription(subscriber(consented_at=PAST), historical_import=True)
    assert client.post(SUBSCRIPTIONS, json=body).status_code == 202
    assert consent(stand_in, A) == Consent("SUBSCRIBED", PAST_S)


@pytest.mark.parametrize("historical", [False, True])
def test_double_opt_in_waits_for_a_confirmation(
    stand_in: StandIn, client: httpx.Client, historical: bool
) -> None:
    """No one is subscribed or added at once, unless the import is historical."""
    stand_in.accounts["SNDBOX"].lists[LIST].opt_in_process = "double_opt_in"
    marketing = {"consented_at": PAST} if historical else {}
    body = subscription(subscriber(**marketing), historical_import=historical)
    assert client.post(SUBSCRIPTIONS, json=body).status_code == 202
    assert len(stand_in.members(LIST)) == historical
    assert consent(stand_in, A).email == ("SUBSCRIBED" if historical else "NEVER_SUBSCRIBED")


@pytest.mark.parametrize(
    ("reason", "before", "left"),
    [
        ("UNSUBSCRIBE", "UNSUBSCRIBED", []),
        ("SPAM_REPORT", "UNSUBSCRIBED", []),
        ("USER_SUPPRESSED", "NEVER_SUBSCRIBED", []),
        ("HARD_BOUNCE", "NEVER_SUBSCRIBED", ["HARD_BOUNCE"]),
        ("INVALID_EMAIL", "NEVER_SUBSCRIBED", ["INVALID_EMAIL"]),
    ],
)
def test_a_subscription_lifts_what_people_wanted(
    stand_in: StandIn, client: httpx.Client, reason: Any, before: Any, left: list[str]
) -> None:
    """It lifts unsubscribes, spam reports and manual suppressions, but not those from mail servers."""
    client.post(JOBS, json=import_body({"email": A}))
    ByHand(stand_in).suppress(A, reason)
    assert consent(stand_in, A) == Consent(before, suppressions=frozenset({reason}))
    client.post(SUBSCRIPTIONS, json=subscription(subscriber()))
    after = consent(stand_in, A)
    assert (after.email, sorted(after.suppressions)) == ("SUBSCRIBED", left)


def test_imports_and_changes_of_members_leave_consent_alone(stand_in: StandIn, client: httpx.Client) -> None:
    """An unsubscribed person stays so when imported, removed from the list and added to it."""
    client.post(JOBS, json=import_body({"email": A}))
    ByHand(stand_in).suppress(A)
    before = consent(stand_in, A)
    client.post(JOBS, json=import_body({"email": A, "first_name": "A"}))
    entries = {"data": [{"type": "profile", "id": stand_in.profile(A).id}]}
    for method in ("DELETE", "POST"):
        path = f"/api/lists/{LIST}/relationships/profiles"
        assert client.request(method, path, json=entries).status_code == 204
    assert consent(stand_in, A) == before
    assert before.email == "UNSUBSCRIBED"


def test_subscriptions_take_as_long_as_jobs(stand_in: StandIn, client: httpx.Client, clock: Clock) -> None:
    """With `job_seconds` they are done later; there is nothing to poll meanwhile."""
    stand_in.job_seconds = 10
    client.post(SUBSCRIPTIONS, json=subscription(subscriber()))
    clock.now += 9
    assert stand_in.members(LIST) == []
    clock.now += 1
    assert [member.email for member in stand_in.members(LIST)] == [A]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/data"),
        (import_body({"email": A}), "/data"),
        (subscription(), PROFILES),
        (subscription(*[subscriber()] * 1001), PROFILES),
        (subscription(subscriber(), list_id="NoList"), "/data"),
        (subscription(subscriber("nobody")), f"{PROFILES}/0/attributes/email"),
        (subscription(subscriber(consented_at=PAST)), f"{MARKETING}/consented_at"),
        (subscription(subscriber(), historical_import=True), f"{MARKETING}/consented_at"),
        (
            subscription(subscriber(consented_at="2024-10-04T00:00:00Z"), historical_import=True),
            f"{MARKETING}/consented_at",
        ),
        (
            subscription(subscriber(consented_at="2024-01-01"), historical_import=True),
            f"{MARKETING}/consented_at",
        ),
        (subscription(subscriber(consented_at=7), historical_import=True), f"{MARKETING}/consented_at"),
        (subscription(subscriber(), historical_import="yes"), "/data/attributes"),
        (subscription(subscriber(consent="UNSUBSCRIBED")), f"{PROFILES}/0"),
        (subscription(subscriber(), {"type": "profile", "attributes": {"email": A}}), f"{PROFILES}/1"),
        (
            subscription(subscriber() | {"attributes": {**subscriber()["attributes"], "title": "Dr"}}),
            f"{PROFILES}/0",
        ),
    ],
    ids=[
        "empty",
        "an import",
        "nobody",
        "1001",
        "an unknown list",
        "no address",
        "consented_at alone",
        "historical without consented_at",
        "consented now",
        "no time of day",
        "a number",
        "no boolean",
        "unsubscribed",
        "no subscriptions",
        "another attribute",
    ],
)
def test_a_bad_subscription_changes_nothing(
    stand_in: StandIn, client: httpx.Client, body: dict[str, Any], pointer: str
) -> None:
    """A 400 points at the problem, and the job subscribes no one."""
    response = client.post(SUBSCRIPTIONS, json=body)
    assert response.status_code == 400
    assert response.json()["errors"][0]["source"] == {"pointer": pointer}
    stand_in.settle()
    assert len(stand_in.accounts["SNDBOX"].profiles) == 0


def test_the_list_of_a_subscription_is_singular(client: httpx.Client) -> None:
    """The array of an import's relationship is refused: it would be ignored."""
    body = subscription(subscriber(), list_id=None)
    body["data"]["relationships"] = {"lists": {"data": [{"type": "list", "id": LIST}]}}
    assert client.post(SUBSCRIPTIONS, json=body).status_code == 400


def test_1000_people_are_subscribed_without_a_list(stand_in: StandIn, client: httpx.Client) -> None:
    """A list is optional, and 1,000 the most."""
    body = subscription(*(subscriber(person["email"]) for person in people(1000)), list_id=None)
    assert client.post(SUBSCRIPTIONS, json=body).status_code == 202
    assert (consent(stand_in, "person999@example.org").email, stand_in.members(LIST)) == ("SUBSCRIBED", [])
