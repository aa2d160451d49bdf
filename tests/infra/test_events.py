"""Event Grid tells the queue of each model.json, and may do nothing else."""

import json
from typing import Any

import pytest

from shared.runs.queue.messages import BLOB_CREATED, Refreshed, read_message
from tests.support.templates import MAIN, SNAPSHOTS, Resource, all_of, chosen, one_of, token

TOPIC = "Microsoft.EventGrid/systemTopics"
WITH_EVENTS = {
    choice: resources
    for choice, resources in SNAPSHOTS.items()
    if chosen(choice).get("refreshEvents") == "'eventGrid'"
}

every_choice = pytest.mark.parametrize("choice", WITH_EVENTS)


def subscription(resources: list[Resource]) -> Any:
    return one_of(resources, f"{TOPIC}/eventSubscriptions")["properties"]


@every_choice
@pytest.mark.parametrize(
    ("name", "is_told"),
    [
        ("CustomerInsights_1/Export/model.json", True),
        ("CustomerInsights_1/Export/Segment/2026/08/24/1433/Segment_1.csv", False),
        ("CustomerInsights_1/Export/not-a-model.json", False),
    ],
)
def test_the_app_is_told_of_a_refresh(choice: str, name: str, is_told: bool) -> None:
    """Of a model.json under the container and its folder, and it understands what it is told."""
    filters = subscription(WITH_EVENTS[choice])["filter"]
    prefix = chosen(choice).get("segmentsPrefix", "''").strip("'")
    lies = f"{prefix}/{name}".lstrip("/")
    subject = f"/blobServices/default/containers/exports/blobs/{lies}"
    passes = subject.startswith(filters["subjectBeginsWith"]) and subject.endswith(filters["subjectEndsWith"])
    assert passes is is_told
    assert filters["includedEventTypes"] == [BLOB_CREATED]
    told = json.dumps({"subject": subject, "eventType": BLOB_CREATED, "id": "1", "data": {}})
    assert read_message(told) == Refreshed("exports", lies)


@every_choice
def test_another_container_or_folder_is_none_of_ours(choice: str) -> None:
    """Of others in the account nothing is told."""
    begins = subscription(WITH_EVENTS[choice])["filter"]["subjectBeginsWith"]
    start = "/blobServices/default/containers"
    assert not f"{start}/exports-old/blobs/CustomerInsights_1/model.json".startswith(begins)
    if "segmentsPrefix" in chosen(choice):
        assert not f"{start}/exports/blobs/customer-insights-old/model.json".startswith(begins)


@every_choice
def test_the_topic_is_the_account_s_and_sends_as_itself(choice: str) -> None:
    """It lies where the account does, and delivers to the queue with its own identity, not with a key."""
    resources = WITH_EVENTS[choice]
    topic = one_of(resources, TOPIC)
    group = chosen(choice).get("segmentsResourceGroupName", "'my-group'").strip("'")
    account = f"/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts/mysegments"
    assert f"/resourceGroups/{group}/" in topic["id"]
    assert topic["properties"]["source"].endswith(account)
    assert topic["properties"]["topicType"] == "Microsoft.Storage.StorageAccounts"
    assert topic["identity"] == {"type": "SystemAssigned"}
    properties = subscription(resources)
    assert "destination" not in properties
    delivery = properties["deliveryWithResourceIdentity"]
    assert delivery["identity"] == {"type": "SystemAssigned"}
    assert delivery["destination"]["endpointType"] == "StorageQueue"
    target = delivery["destination"]["properties"]
    assert target["resourceId"].endswith(
        f"/my-group/providers/Microsoft.Storage/storageAccounts/st{token(resources)}"
    )
    assert target["queueName"] == "work"


def test_the_topic_may_send_before_it_has_anything_to_send() -> None:
    """The subscription waits for the right on the queue."""
    resources = MAIN["resources"]["events"]["properties"]["template"]["resources"]
    waits_for = {each["type"]: " ".join(each.get("dependsOn", [])) for each in resources}
    sender = "Microsoft.Resources/deployments"
    assert f"'{TOPIC}'" in waits_for[sender]
    assert f"'{sender}'" in waits_for[f"{TOPIC}/eventSubscriptions"]


@every_choice
def test_late_events_are_dropped(choice: str) -> None:
    """The timer has looked long before: in the topic and in the queue they live for an hour."""
    properties = subscription(WITH_EVENTS[choice])
    assert properties["retryPolicy"] == {"maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 60}
    target = properties["deliveryWithResourceIdentity"]["destination"]["properties"]
    assert target["queueMessageTimeToLiveInSeconds"] == 3600


def test_nothing_is_told_where_nobody_asked_for_it() -> None:
    """By default the account of the segments gets no topic."""
    for choice, resources in SNAPSHOTS.items():
        assert bool(all_of(resources, TOPIC)) is (choice in WITH_EVENTS)
