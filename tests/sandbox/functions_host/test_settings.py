"""The valid content of host.json and local.settings.json."""

import json
from pathlib import Path

import pytest

from sandbox.functions_host import HostError, load_local_settings
from sandbox.functions_host.settings import HostSettings, QueueSettings, is_disabled
from shared.errors import InvalidDocument


def test_the_environment_wins_over_local_settings(tmp_path: Path) -> None:
    """Values only set missing variables; a byte order mark does no harm."""
    (tmp_path / "local.settings.json").write_text(
        '\ufeff{"IsEncrypted": false, "Values": {"SET": "file", "NEW": "file"}}', "utf-8"
    )
    environment = {"SET": "environment"}
    load_local_settings(tmp_path, environment)
    assert environment == {"SET": "environment", "NEW": "file"}


def test_without_local_settings_nothing_changes(tmp_path: Path) -> None:
    """The file may be missing."""
    environment: dict[str, str] = {}
    load_local_settings(tmp_path, environment)
    assert environment == {}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"Values": {"KEY": "hidden"', "/: is not JSON, see line 1"),
        (b'{"Values": {"KEY": "hidden\xff"}}', "/: is not UTF-8"),
        (b'["hidden"]', "/: must be an object"),
        (b'{"Values": "hidden"}', "/Values: must be an object"),
        (b'{"Values": {"A": "hidden", "KEY": ["hidden"]}}', "/Values/KEY: must be a text"),
        (b'{"IsEncrypted": true, "Values": {"KEY": "hidden"}}', "/IsEncrypted: must be false"),
    ],
)
def test_local_settings_that_cannot_be_read(tmp_path: Path, content: bytes, says: str) -> None:
    """The error points at the place, shows no value, and nothing of the file is used."""
    (tmp_path / "local.settings.json").write_bytes(content)
    environment: dict[str, str] = {}
    with pytest.raises(InvalidDocument) as error:
        load_local_settings(tmp_path, environment)
    assert says in error.value.message
    assert "hidden" not in error.value.message
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__ or error.value.__context__ is None
    assert environment == {}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{}", HostSettings("api", 1800)),
        ('{"functionTimeout": "00:10:00"}', HostSettings("api", 600)),
        ('{"functionTimeout": "1.02:03:04"}', HostSettings("api", 93_784)),
        ('{"functionTimeout": "-1"}', HostSettings("api", None)),
        ('{"extensions": {"http": {"routePrefix": ""}}}', HostSettings("", 1800)),
        ('{"extensions": {"http": {"routePrefix": "/v1/api/"}}}', HostSettings("v1/api", 1800)),
    ],
)
def test_host_json_is_read(tmp_path: Path, document: str, expected: HostSettings) -> None:
    """The prefix of the routes and the functions' timeout, with Azure's defaults."""
    (tmp_path / "host.json").write_text(document)
    assert HostSettings.read(tmp_path) == expected


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("{", "/: is not JSON"),
        ('{"functionTimeout": 600}', "/functionTimeout: must be"),
        ('{"functionTimeout": "ten minutes"}', "/functionTimeout: must be"),
        ('{"extensions": {"http": []}}', "/extensions/http: must be an object"),
        ('{"extensions": {"http": {"routePrefix": null}}}', "/extensions/http/routePrefix: must be a text"),
        ('{"extensions": {"queues": 1}}', "/extensions/queues: must be an object"),
    ],
)
def test_a_host_json_that_cannot_be_used(tmp_path: Path, document: str, says: str) -> None:
    """Its mistakes are pointed at."""
    (tmp_path / "host.json").write_text(document)
    with pytest.raises(InvalidDocument) as error:
        HostSettings.read(tmp_path)
    assert says in error.value.message


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, QueueSettings(16, 8, 5, 60.0, 0, base64=True)),
        ({"batchSize": 1, "newBatchThreshold": 0}, QueueSettings(batch_size=1, new_batch_threshold=0)),
        ({"batchSize": 1}, QueueSettings(batch_size=1, new_batch_threshold=0)),
        ({"batchSize": 32}, QueueSettings(batch_size=32, new_batch_threshold=16)),
        ({"newBatchThreshold": 100}, QueueSettings(new_batch_threshold=100)),
        ({"maxDequeueCount": 1}, QueueSettings(max_dequeue_count=1)),
        ({"maxPollingInterval": "00:00:00.1000000"}, QueueSettings(max_polling_interval=0.1)),
        ({"visibilityTimeout": "1.02:03:04.9"}, QueueSettings(visibility_timeout=93_784)),
        ({"visibilityTimeout": "7.00:00:00"}, QueueSettings(visibility_timeout=604_800)),
        ({"messageEncoding": "None"}, QueueSettings(base64=False)),
        ({"messageEncoding": "BASE64"}, QueueSettings()),
    ],
)
def test_queue_settings_are_read(
    tmp_path: Path, document: dict[str, object], expected: QueueSettings
) -> None:
    """Defaults are Azure's, newBatchThreshold's is half of batchSize; times can have a fraction."""
    (tmp_path / "host.json").write_text(json.dumps({"extensions": {"queues": document}}))
    assert HostSettings.read(tmp_path).queues == expected


@pytest.mark.parametrize(
    ("key", "values", "says"),
    [
        ("batchSize", [0, 33, 1.5, "1", True, None], "must be a whole number, from 1 to 32"),
        ("newBatchThreshold", [-1, "0", None], "must be a whole number, at least 0"),
        ("maxDequeueCount", [0, "5", None], "must be a whole number, at least 1"),
        (
            "maxPollingInterval",
            ["00:00:00.09", "-1", 1000, None],
            "must be [d.]hh:mm:ss, at least 00:00:00.1",
        ),
        ("visibilityTimeout", ["7.00:00:01", "-00:00:01", 0, None], "must be [d.]hh:mm:ss, at most 7 days"),
        ("messageEncoding", ["utf-8", "", 1, None], "must be base64 or none"),
    ],
)
def test_a_wrong_queue_setting_is_pointed_at(
    tmp_path: Path, key: str, values: list[object], says: str
) -> None:
    """Each value that the real host would refuse, and null, is refused here."""
    for value in values:
        (tmp_path / "host.json").write_text(json.dumps({"extensions": {"queues": {key: value}}}))
        with pytest.raises(InvalidDocument) as error:
            HostSettings.read(tmp_path)
        assert f"/extensions/queues/{key}: {says}" in error.value.message


@pytest.mark.parametrize(
    ("value", "disabled"),
    [
        ("true", True),
        ("TRUE", True),
        ("1", True),
        ("false", False),
        ("0", False),
        ("", False),
        ("yes", False),
    ],
)
def test_a_setting_disables_a_function(value: str, disabled: bool) -> None:
    """Only that function, and only by true or 1."""
    environment = {"AzureWebJobs.take.Disabled": value}
    assert is_disabled("take", environment) is disabled
    assert not is_disabled("other", environment)


def test_a_folder_without_host_json_is_no_function_app(tmp_path: Path) -> None:
    """The host reports it before it imports anything."""
    with pytest.raises(HostError, match=r"has no host\.json"):
        HostSettings.read(tmp_path)
