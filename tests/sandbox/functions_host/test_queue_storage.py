"""Where a queue trigger finds its storage: the settings of its connection."""

import pytest

from sandbox.functions_host import HostError
from sandbox.functions_host.engine import Function
from sandbox.functions_host.queue_storage import queues_of
from shared.adapters.credential import EMULATOR_KEY
from tests.support.azurite import AzuriteQueues, encoded

CONNECTION = f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={EMULATOR_KEY};"


def take(**trigger: str) -> Function:
    return Function("take", "1", {"queueName": "work", **trigger})


def test_each_setting_of_a_connection_reaches_storage(azurite_queues: AzuriteQueues) -> None:
    """It can be an emulator's URL or a connection string; the queue's name can come from a setting."""
    queue, url = azurite_queues.queue(), azurite_queues.url
    for environment, trigger in [
        ({"AzureWebJobsStorage__queueServiceUri": url}, {}),
        ({"AzureWebJobsStorage": f"{CONNECTION}QueueEndpoint={url}"}, {}),
        ({"OWN__queueServiceUri": f"{url}/", "OWN": "not looked at"}, {"connection": "OWN"}),
    ]:
        queue.send_message(encoded("text"))
        function = take(queueName="%NAME%", **trigger)
        storage = queues_of(function, {**environment, "NAME": queue.queue_name.upper()})
        [message] = storage.receive(1, 60)
        storage.delete(message)


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        (
            {"S__queueServiceUri": "https://vip.queue.core.windows.net"},
            "https://vip.queue.core.windows.net/work",
        ),
        ({"S__accountName": "vip", "S": "not looked at"}, "https://vip.queue.core.windows.net/work"),
        ({"S": "UseDevelopmentStorage=true"}, "http://127.0.0.1:10001/devstoreaccount1/work"),
    ],
)
def test_a_connection_names_its_storage(environment: dict[str, str], url: str) -> None:
    """An account's URL, its name alone, or the emulator at its usual port."""
    assert queues_of(take(connection="S"), environment)._queue.url == url


@pytest.mark.parametrize(
    ("trigger", "environment", "says"),
    [
        ({}, {}, "storage of take is not set. Set AzureWebJobsStorage__queueServiceUri, "),
        ({"connection": "S"}, {"S": ""}, "Set S__queueServiceUri, S__accountName or S."),
        ({"connection": "S"}, {"S": "hidden"}, "setting S is not valid. It must be a connection string."),
        ({"connection": "S"}, {"S": "AccountName=hidden"}, "setting S is not valid."),
        ({"connection": "S"}, {"S__queueServiceUri": "http://hidden"}, "must be https, or http on loopback."),
        ({"connection": "S"}, {"S__queueServiceUri": "https://[hidden"}, "S__queueServiceUri is not valid."),
        ({"connection": "S"}, {"S__queueServiceUri": "https://"}, "S__queueServiceUri is not valid."),
        ({"queueName": "%HERE%"}, {}, "The queue of take is in the setting HERE, which is not set."),
        ({"queueName": "%HERE%"}, {"HERE": "hidden_"}, "does not have a valid name: %HERE%"),
        ({"queueName": "a--b"}, {}, "does not have a valid name: a--b"),
        ({"queueName": "ab"}, {}, "does not have a valid name: ab"),
        ({"queueName": "a" * 64}, {}, "does not have a valid name"),
    ],
)
def test_a_connection_that_cannot_be_used(
    trigger: dict[str, str], environment: dict[str, str], says: str
) -> None:
    """The error names the setting or the queue, and never shows a setting's value."""
    with pytest.raises(HostError) as error:
        queues_of(take(**trigger), environment)
    assert says in error.value.message
    assert "hidden" not in error.value.message
    assert error.value.__cause__ is None
