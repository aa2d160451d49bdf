"""Klaviyo's own Python client and the stand-in understand each other."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from klaviyo_api import KlaviyoAPI
from openapi_client import models
from openapi_client.exceptions import ApiException

from sandbox.klaviyo import Fault, ImportFailure, StandIn, app
from sandbox.serving import serving
from tests.support.klaviyo import HEADERS, JOBS, LIST, import_body, people

FAILING = {"email": "later@example.org"}


@pytest.fixture(scope="module")
def stand_in() -> StandIn:
    return StandIn(limits=False)


@pytest.fixture(scope="module")
def url(stand_in: StandIn) -> Iterator[str]:
    with serving(app(stand_in)) as url:
        yield url


@pytest.fixture(scope="module")
def klaviyo(url: str) -> Any:
    return KlaviyoAPI("pk_sandbox", max_retries=1, test_host=url)


def test_a_job_goes_from_the_post_to_its_errors(stand_in: StandIn, klaviyo: Any) -> None:
    """The client posts an import and reads the job, the jobs, its errors and its profiles."""
    stand_in.failures["later@example.org"] = ImportFailure()
    profiles = klaviyo.Profiles
    accepted = profiles.bulk_import_profiles(import_body(*people(2), FAILING)).data
    assert (accepted.attributes.status, accepted.attributes.total_count) == ("queued", 3)
    job = profiles.get_bulk_import_profiles_job(accepted.id).data.attributes
    assert (job.status, job.completed_count, job.failed_count) == ("complete", 2, 1)
    listed = profiles.get_bulk_import_profiles_jobs(
        page_size=100, sort="-created_at", filter="equals(status,'complete')"
    )
    assert [job.id for job in listed.data] == [accepted.id]
    [failed] = profiles.get_errors_for_bulk_import_profiles_job(accepted.id, page_size=100).data
    assert failed.attributes.source.pointer == "/data/attributes/profiles/data/2/attributes/email"
    assert failed.attributes.original_payload == {"type": "profile", "attributes": FAILING}
    imported = profiles.get_profile_ids_for_bulk_import_profiles_job(accepted.id).data
    assert [profile.id for profile in imported] == [member.id for member in stand_in.members(LIST)]


def test_lists_are_created_read_and_emptied(stand_in: StandIn, klaviyo: Any) -> None:
    """The client creates a list, fills it, finds people by email, and removes one by id."""
    created = klaviyo.Lists.create_list({"data": {"type": "list", "attributes": {"name": "New"}}}).data.id
    klaviyo.Profiles.bulk_import_profiles(import_body(*people(2), list_id=created))
    assert created in [listed.id for listed in klaviyo.Lists.get_lists().data]
    counted = klaviyo.Lists.get_list(created, additional_fields_list=["profile_count"]).data
    assert (counted.attributes.name, counted.attributes.profile_count) == ("New", 2)
    wanted = 'any(email,["person1@example.org"])'
    [member] = klaviyo.Lists.get_profiles_for_list(created, filter=wanted, page_size=100).data
    [profile] = klaviyo.Profiles.get_profiles(filter=wanted, page_size=100).data
    assert (member.id, member.attributes.email) == (profile.id, "person1@example.org")
    klaviyo.Lists.remove_profiles_from_list(created, {"data": [{"type": "profile", "id": member.id}]})
    assert [left.email for left in stand_in.members(created)] == ["person0@example.org"]


def test_members_are_listed_added_and_removed(stand_in: StandIn, klaviyo: Any) -> None:
    """The client reads ids page by page, by time of joining, and adds and removes them."""
    lists = klaviyo.Lists
    created = lists.create_list({"data": {"type": "list", "attributes": {"name": "New"}}}).data.id
    klaviyo.Profiles.bulk_import_profiles(import_body(*people(3), list_id=created))
    newest_first = lists.get_profile_ids_for_list(created, page_size=2, sort="-joined_group_at")
    # The client finds the cursor by itself in https URLs only.
    cursor = httpx.URL(newest_first.links.next).params["page[cursor]"]
    following = lists.get_profile_ids_for_list(
        created, page_size=2, sort="-joined_group_at", page_cursor=cursor
    )
    ids = [member.id for member in [*newest_first.data, *following.data]]
    assert ids == [member.id for member in stand_in.members(created)][::-1]
    assert following.links.next is None
    entries = {"data": [{"type": "profile", "id": ids[0]}]}
    since = "greater-than(joined_group_at,2024-01-01T00:00:00Z)"
    for change, left in ((lists.remove_profiles_from_list, 2), (lists.add_profiles_to_list, 3)):
        change(created, entries)
        members = lists.get_profiles_for_list(created, filter=since, fields_profile=["joined_group_at"])
        assert len(members["data"]) == left


def test_the_flows_of_a_list(stand_in: StandIn, klaviyo: Any) -> None:
    """The client reads which flows joining starts."""
    stand_in.accounts["SNDBOX"].lists[LIST].flows = ["Welcome"]
    [flow] = klaviyo.Lists.get_flows_triggered_by_list(LIST).data
    assert (flow.attributes.name, flow.attributes.status) == ("Welcome", "live")


def test_people_are_subscribed_and_erased(stand_in: StandIn, klaviyo: Any) -> None:
    """The client subscribes a person with a past consent, and erases one."""
    marketing = {"consent": "SUBSCRIBED", "consented_at": "2024-01-01T00:00:00Z"}
    attributes = {"email": "s@example.org", "subscriptions": {"email": {"marketing": marketing}}}
    subscription = {
        "type": "profile-subscription-bulk-create-job",
        "attributes": {
            "custom_source": "Fair",
            "historical_import": True,
            "profiles": {"data": [{"type": "profile", "attributes": attributes}]},
        },
        "relationships": {"list": {"data": {"type": "list", "id": LIST}}},
    }
    klaviyo.Profiles.bulk_subscribe_profiles({"data": subscription})
    account, profile = stand_in.find("s@example.org")
    assert account.consent(profile.number).email == "SUBSCRIBED"
    person = {"type": "profile", "attributes": {"email": "s@example.org"}}
    erasure = {"type": "data-privacy-deletion-job", "attributes": {"profile": {"data": person}}}
    klaviyo.Data_Privacy.request_profile_deletion({"data": erasure})
    with pytest.raises(KeyError):
        stand_in.profile("s@example.org")


def test_the_usage_of_an_account(klaviyo: Any) -> None:
    """The client reads the plan's usage."""
    [usage] = klaviyo.Billing.list_billing_usage(filter='any(id,["profiles"])').data
    assert (usage.attributes.unit, usage.attributes.usage_max) == ("profiles", 1_000_000)


def test_the_account_of_a_key(klaviyo: Any) -> None:
    """The client reads the account behind its key."""
    [account] = klaviyo.Accounts.get_accounts().data
    assert (account.id, account.attributes.contact_information.organization_name) == ("SNDBOX", "Sandbox")


@pytest.mark.parametrize(
    ("status", "call"),
    [
        (400, lambda klaviyo: klaviyo.Profiles.bulk_import_profiles(import_body({"email": "nobody"}))),
        (404, lambda klaviyo: klaviyo.Profiles.get_bulk_import_profiles_job("unknown")),
        (404, lambda klaviyo: klaviyo.Lists.get_list("NoList")),
    ],
)
def test_the_client_raises_what_is_refused(klaviyo: Any, status: int, call: Callable[[Any], object]) -> None:
    """A refusal arrives as the client's own exception, with the status and errors of its model."""
    with pytest.raises(ApiException) as caught:
        call(klaviyo)
    assert caught.value.status == status
    assert models.GetAccounts4XXResponse.from_json(caught.value.body).errors


def test_the_client_waits_out_a_429(stand_in: StandIn, url: str) -> None:
    """Klaviyo's own retries honor the stand-in's Retry-After."""
    stand_in.faults.add([Fault("error", status=429, retry_after=0)])
    patient = KlaviyoAPI("pk_sandbox", max_retries=3, test_host=url)
    assert patient.Accounts.get_accounts().data
    assert [request.status for request in stand_in.requests][-2:] == [429, 200]


IMPORTED = models.GetProfileBulkImportJobProfilesRelationshipsResponseCollection
MODELS = {
    JOBS: models.GetProfileImportJobResponseCollectionCompoundDocument,
    "/api/lists": models.GetListListResponseCollectionCompoundDocument,
    f"/api/lists/{LIST}": models.GetListRetrieveResponseCompoundDocument,
    f"/api/lists/{LIST}/profiles": models.GetListMemberResponseCollection,
    f"/api/lists/{LIST}/relationships/profiles": models.GetListProfilesRelationshipsResponseCollection,
    f"/api/lists/{LIST}/flow-triggers": models.GetFlowResponseCollection,
    "/api/billing-usage": models.GetBillingUsageResponseCollection,
    "/api/profiles": models.GetProfileResponsePluralConversationsCollectionCompoundDocument,
    "/api/accounts": models.GetAccountResponseCollection,
}


@pytest.mark.parametrize("path", MODELS)
def test_answers_fit_the_models_exactly(stand_in: StandIn, url: str, path: str) -> None:
    """A model reads and writes a response without a change: nothing is extra or misplaced."""
    stand_in.accounts["SNDBOX"].lists[LIST].flows = ["Welcome"]
    httpx.post(f"{url}{JOBS}", headers=HEADERS, json=import_body(*people(1)))
    answer = httpx.get(f"{url}{path}", headers=HEADERS).json()
    assert answer["data"]
    assert_covered(answer, MODELS[path].model_validate(answer).to_dict())


def test_the_answers_of_a_job_fit_the_models_exactly(stand_in: StandIn, url: str) -> None:
    """So do the 202, the job, its import errors and its profiles."""
    stand_in.failures["later@example.org"] = ImportFailure()
    accepted = httpx.post(f"{url}{JOBS}", headers=HEADERS, json=import_body(*people(1), FAILING)).json()
    job = f"{url}{JOBS}/{accepted['data']['id']}"
    for answer, model in (
        (accepted, models.PostProfileImportJobResponse),
        (httpx.get(job, headers=HEADERS).json(), models.GetProfileImportJobResponseCompoundDocument),
        (httpx.get(f"{job}/import-errors", headers=HEADERS).json(), models.GetImportErrorResponseCollection),
        (httpx.get(f"{job}/relationships/profiles", headers=HEADERS).json(), IMPORTED),
    ):
        assert answer["data"]
        assert_covered(answer, model.model_validate(answer).to_dict())


def assert_covered(answer: Any, read: Any, where: str = "") -> None:
    """Every key of a response except a null is in the model."""
    if isinstance(answer, dict):
        for name, value in answer.items():
            if value is not None:
                assert name in read, f"{where}/{name}"
                assert_covered(value, read[name], f"{where}/{name}")
    elif isinstance(answer, list):
        assert len(answer) == len(read)
        for index, (item, read_item) in enumerate(zip(answer, read, strict=True)):
            assert_covered(item, read_item, f"{where}/{index}")
