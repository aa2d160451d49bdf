"""The settings: what the code reads is what the templates set, and the other way round."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from infra.package import DEPLOYED
from shared.adapters.storage.blob_lease import LEASE_SECONDS
from shared.settings import Settings, SignIn, auth_of, queue_of
from tests.support.queue import AFTER_FAILURE
from tests.support.templates import (
    MAIN,
    PLAINEST,
    ROOT,
    SNAPSHOTS,
    app_settings,
    one_of,
    outputs,
    site,
    token,
)

SETTINGS = app_settings(PLAINEST)
# Those that only some choices have, too.
EVERY_SETTING = {name for resources in SNAPSHOTS.values() for name in app_settings(resources)}
# A file of keys stands in for a vault, and the host's storage can be told in other ways than the templates'.
LOCAL_ONLY = {"SECRETS_FILE", "AzureWebJobsStorage", "AzureWebJobsStorage__accountName"}
# What Azure sets itself: with it in a template, an app could believe in a sign-in that is off.
OF_THE_PLATFORM = {"WEBSITE_AUTH_ENABLED", "WEBSITE_HOSTNAME"}
# What the Functions host, its worker and the platform's sign-in read, not our code.
READ_BY_THE_HOST = {
    "AzureFunctionsWebHost__hostid",
    "AzureWebJobsDisableHomepage",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__clientId",
    "AzureWebJobsStorage__blobServiceUri",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS",
    "PYTHON_THREADPOOL_THREAD_COUNT",
    "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY",
    "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID",
}


class Recorded(dict[str, str]):
    """An empty environment that remembers what it was asked for."""

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
        self[name] = default
        return default


def sources() -> Iterator[str]:
    for name in DEPLOYED:
        path = ROOT / name
        if path.suffix in (".json", ".txt"):
            continue
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            yield file.read_text()


def read_by_the_code() -> set[str]:
    """Settings, what else is taken from the environment, and the `%NAMES%` of bindings."""
    asked = Recorded()
    Settings.from_environment(asked)
    SignIn.from_environment(asked)
    auth_of(asked)
    code = "\n".join(sources())
    elsewhere = re.findall(r"environ(?:\.get\(|\[)\"(\w+)\"", code)
    return {*asked, *elsewhere, *re.findall(r"\"%(\w+)%\"", code)}


def test_every_setting_that_the_code_reads_is_deployed() -> None:
    """None is forgotten but those that make no sense where there are a vault and an identity."""
    assert read_by_the_code() - EVERY_SETTING == LOCAL_ONLY | OF_THE_PLATFORM


def test_every_setting_that_is_deployed_is_read() -> None:
    """None is left over from code that is gone, and none of the host's is made up."""
    assert EVERY_SETTING - read_by_the_code() == READ_BY_THE_HOST


def test_deployed_values_are_the_defaults() -> None:
    """What the templates write out as a value is what the code would take without it."""
    written = {name: SETTINGS[name] for name in ("KLAVIYO_URL", "HTTP_TIME_BUDGET", "TIMER_TIME_BUDGET")}
    assert Settings.from_environment(written) == Settings()


def test_the_example_shows_every_setting() -> None:
    """A copy of local.settings.json.example names all that the code reads, but for what the host and Azure's
    identity are told."""
    example = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
    storage = {"AzureWebJobsStorage__queueServiceUri", "AzureWebJobsStorage__accountName"}
    others = {"AZURE_CLIENT_ID", "WEBSITE_AUTH_AAD_ALLOWED_TENANTS"} | storage | OF_THE_PLATFORM
    assert read_by_the_code() - set(example) == others


def wired(choice: str) -> dict[str, str]:
    """What the settings are that name something that the templates make, or were told."""
    name = token(SNAPSHOTS[choice])
    mine = f"<st{name}.primaryEndpoints"
    return {
        "AzureFunctionsWebHost__hostid": name,
        "AzureWebJobsStorage__clientId": f"<id-{name}.clientId>",
        "AzureWebJobsStorage__blobServiceUri": f"{mine}.blob>",
        "AzureWebJobsStorage__queueServiceUri": f"{mine}.queue>",
        "APPLICATIONINSIGHTS_CONNECTION_STRING": f"<appi-{name}.ConnectionString>",
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": f"ClientId=<id-{name}.clientId>;Authorization=AAD",
        "AZURE_CLIENT_ID": f"<id-{name}.clientId>",
        "STATE_URL": f"{mine}.blob>state",
        "QUEUE_URL": f"{mine}.queue>work",
    }


LEFT_OUT = {
    "SEGMENTS_URL": "<mysegments.primaryEndpoints.blob>exports",
    "KEY_VAULT_URL": f"<kv-{token(PLAINEST)}.vaultUri>",
    "EXPORT_SCHEDULE": "0 * * * * *",
    "EXPORTS_PAUSED": "false",
    "NOTIFY_SECRET": "",
    "AUTH": "key",
    "PUBLIC_URL": "",
    "KLAVIYO_CLIENT_ID": "",
    "APP_WRITES_SECRETS": "false",
}
SIGNED_IN = {
    "AUTH": "entra",
    "WEBSITE_AUTH_AAD_ALLOWED_TENANTS": "<tenant().tenantId>",
    "APP_WRITES_SECRETS": "true",
}
CHOSEN = {
    "SEGMENTS_URL": "<mysegments.primaryEndpoints.blob>exports/customer-insights",
    "KEY_VAULT_URL": "<my-vault.vaultUri>",
    "EXPORT_SCHEDULE": "0 */5 * * * *",
    "EXPORTS_PAUSED": "true",
    "NOTIFY_SECRET": "notify-url",
    **SIGNED_IN,
    "PUBLIC_URL": "https://exports.example.org",
    "KLAVIYO_CLIENT_ID": "my-oauth-app",
}


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ("plainest", LEFT_OUT),
        ("own-vault", LEFT_OUT | {"KEY_VAULT_URL": "<my-vault.vaultUri>"}),
        ("entra", LEFT_OUT | SIGNED_IN),
        ("entra-portal", LEFT_OUT | SIGNED_IN),
        ("everything", CHOSEN),
    ],
)
def test_a_setting_is_what_its_name_says(choice: str, told: dict[str, str]) -> None:
    """The app signs in as its own identity, finds segments, state, vault and telemetry, and does as told."""
    expected = wired(choice) | told
    assert {name: app_settings(SNAPSHOTS[choice])[name] for name in expected} == expected


def test_the_host_listens_where_the_timer_sends() -> None:
    """Both addresses are made of the account's own, which ends in a slash; without workers, there is none."""
    queue = SETTINGS["QUEUE_URL"].removeprefix(SETTINGS["AzureWebJobsStorage__queueServiceUri"])
    account = "https://stmade.queue.core.windows.net/"
    deployed = {"AzureWebJobsStorage__queueServiceUri": account, "QUEUE_URL": f"{account}{queue}"}
    assert Settings.from_environment(deployed).queue_url == f"{account}work"
    assert queue_of(deployed) == queue
    assert app_settings(SNAPSHOTS["timer"]) == {
        name: value.replace(token(PLAINEST), token(SNAPSHOTS["timer"]))
        for name, value in (SETTINGS | {"QUEUE_URL": ""}).items()
    }
    assert Settings.from_environment(deployed | {"QUEUE_URL": ""}).queue_url is None


@pytest.mark.parametrize("choice", SNAPSHOTS)
def test_the_command_is_told_where_the_queue_is(choice: str) -> None:
    """Like the stores: an output for each setting with which it sees what the app sees."""
    settings = app_settings(SNAPSHOTS[choice])
    for name in ("SEGMENTS_URL", "STATE_URL", "KEY_VAULT_URL", "QUEUE_URL"):
        assert outputs(choice)[name] == settings[name]


def test_messages_are_worked_on_side_by_side() -> None:
    """The worker process has a thread for each message and each call that an instance may take at once."""
    queues = json.loads((ROOT / "host.json").read_text())["extensions"]["queues"]
    calls = site(PLAINEST)["functionAppConfig"]["scaleAndConcurrency"]["triggers"]["http"]
    threads = int(SETTINGS["PYTHON_THREADPOOL_THREAD_COUNT"])
    assert threads >= max(queues["batchSize"] + queues["newBatchThreshold"], calls["perInstanceConcurrency"])


def test_a_long_run_keeps_no_place_of_others() -> None:
    """A host takes nothing while more run than newBatchThreshold: each place that is free must count."""
    queues = json.loads((ROOT / "host.json").read_text())["extensions"]["queues"]
    assert (queues["batchSize"], queues["newBatchThreshold"]) == (1, 3)


def test_a_message_comes_back_when_its_dead_worker_s_lock_has_ended() -> None:
    """Where the language worker dies and the host lives: else nobody would do what it says."""
    queues = json.loads((ROOT / "host.json").read_text())["extensions"]["queues"]
    hours, minutes, seconds = map(int, queues["visibilityTimeout"].split(":"))
    again = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    assert again == AFTER_FAILURE  # as the made queue of the tests has it
    assert again >= timedelta(seconds=LEASE_SECONDS + 10)


def test_no_trace_holds_an_address_of_a_request() -> None:
    """Its URL may hold a filter, and the filter a person: httpx, which calls Klaviyo, is not instrumented."""
    assert SETTINGS["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"] == "httpx"
    assert SETTINGS["PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY"] == "true"


def test_the_timer_has_a_schedule() -> None:
    """`%EXPORT_SCHEDULE%` has no default: the templates give it one, in six fields."""
    assert len(SETTINGS["EXPORT_SCHEDULE"].split()) == 6


def test_two_apps_never_share_a_lock() -> None:
    """The host's id, which names its locks, is the token that makes the app's name unique."""
    assert (
        one_of(PLAINEST, "Microsoft.Web/sites")["name"] == f"func-{SETTINGS['AzureFunctionsWebHost__hostid']}"
    )
    unique = "uniqueString(subscription().id, resourceGroup().id, parameters('environmentName'))"
    assert unique in MAIN["variables"]["token"]


@pytest.mark.parametrize("path", [Path("shared/settings.py"), Path("shared/adapters/credential.py")], ids=str)
def test_only_two_modules_read_the_environment(path: Path) -> None:
    """A setting can't hide: whoever looks for `environ` finds these and no other."""
    readers = [
        file.relative_to(ROOT)
        for name in DEPLOYED[1:]
        for file in (ROOT / name).rglob("*.py")
        if re.search(r"\benviron\b|\bgetenv\b", file.read_text())
    ]
    assert path in readers
    assert len(readers) == 2
