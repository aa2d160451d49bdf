"""What host.json and local.settings.json may say."""

from pathlib import Path

import pytest

from sandbox.functions_host import HostError, load_local_settings
from sandbox.functions_host.settings import HostSettings
from shared.errors import InvalidDocument


def test_the_environment_wins_over_local_settings(tmp_path: Path) -> None:
    """Values fill in what is not set, and nothing else; a byte order mark does no harm."""
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
    """The error points at the place, shows no value, and nothing of the file is taken over."""
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
    ],
)
def test_a_host_json_that_cannot_be_used(tmp_path: Path, document: str, says: str) -> None:
    """Its mistakes are pointed at."""
    (tmp_path / "host.json").write_text(document)
    with pytest.raises(InvalidDocument) as error:
        HostSettings.read(tmp_path)
    assert says in error.value.message


def test_a_folder_without_host_json_is_no_function_app(tmp_path: Path) -> None:
    """The host says so before it imports anything."""
    with pytest.raises(HostError, match=r"has no host\.json"):
        HostSettings.read(tmp_path)
