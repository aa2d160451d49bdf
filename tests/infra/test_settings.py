"""The settings: what the code reads is what the templates set, and the other way round."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.storage.blob_lease import LEASE_SECONDS
from shared.settings import Settings, SignIn, auth_of, queue_of
from tests.support.bicep import MAIN, ROOT, TEMPLATES, app_settings, body, declared, modules, text
from tests.support.queue import AFTER_FAILURE

# The keys' file stands in for the vault where there is none.
LOCAL_ONLY = {"SECRETS_FILE"}
# What Azure sets itself: with these in a template, an app could believe in a sign-in that is off.
OF_THE_PLATFORM = {"WEBSITE_AUTH_AAD_ALLOWED_TENANTS", "WEBSITE_AUTH_ENABLED", "WEBSITE_HOSTNAME"}
# What the Functions host and its worker read, not our code.
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
}
DEPLOYED = (
    "function_app.py",
    "admin_trigger",
    "export_trigger",
    "page_trigger",
    "schedule_trigger",
    "work_trigger",
    "shared",
)


class Recorded(dict[str, str]):
    """An empty environment that remembers what it was asked for."""

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
        self[name] = default
        return default


def sources() -> Iterator[str]:
    for name in DEPLOYED:
        path = ROOT / name
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
    """None is forgotten but the one that makes no sense where there is a vault."""
    assert read_by_the_code() - set(app_settings()) == LOCAL_ONLY | OF_THE_PLATFORM


def test_every_setting_that_is_deployed_is_read() -> None:
    """None is left over from code that is gone, and none of the host's is made up."""
    assert set(app_settings()) - read_by_the_code() == READ_BY_THE_HOST


def test_deployed_values_are_the_defaults() -> None:
    """What the templates write out as a value is what the code would take without it."""
    settings = app_settings()
    written = {name: settings[name] for name in ("KLAVIYO_URL", "HTTP_TIME_BUDGET", "TIMER_TIME_BUDGET")}
    assert Settings.from_environment(written) == Settings()


def test_the_example_shows_every_setting() -> None:
    """A copy of local.settings.json.example names all that the code reads, but for what the host and Azure's
    identity are told."""
    example = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
    storage = {"AzureWebJobsStorage__queueServiceUri", "AzureWebJobsStorage__accountName"}
    others = {"AZURE_CLIENT_ID"} | storage | OF_THE_PLATFORM
    assert read_by_the_code() - set(example) == others


# Where the templates take the settings from that name something they make, or were told.
WIRED = {
    "AzureWebJobsStorage__clientId": "identity.properties.clientId",
    "AzureWebJobsStorage__blobServiceUri": "storage.outputs.blobServiceUrl",
    "AzureWebJobsStorage__queueServiceUri": "storage.outputs.queueServiceUrl",
    "APPLICATIONINSIGHTS_CONNECTION_STRING": "monitoring.outputs.connectionString",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "ClientId=${identity.properties.clientId};Authorization=AAD",
    "AZURE_CLIENT_ID": "identity.properties.clientId",
    "SEGMENTS_URL": "segments.outputs.url",
    "STATE_URL": "storage.outputs.stateUrl",
    "KEY_VAULT_URL": "keys.outputs.url",
    "QUEUE_URL": "storage.outputs.queueUrl",
    "EXPORTS_PAUSED": "exportsPaused ? 'true' : 'false",
    "NOTIFY_SECRET": "notifySecret",
    "AUTH": "auth",
    "PUBLIC_URL": "publicUrl",
    "KLAVIYO_CLIENT_ID": "klaviyoClientId",
}


@pytest.mark.parametrize("name", WIRED)
def test_a_setting_is_what_its_name_says(name: str) -> None:
    """The app signs in as its own identity, and finds its segments, state, vault and telemetry."""
    assert app_settings()[name] == WIRED[name]


def test_the_host_listens_where_the_timer_sends() -> None:
    """Both addresses are made of the account's own, which ends in a slash; without workers, there is none."""
    outputs = declared(TEMPLATES["storage.bicep"], "output")
    service, url = (text(outputs[name].named_children[-1]) for name in ("queueServiceUrl", "queueUrl"))
    assert url == f"withQueue ? '${{{service}}}${{workQueue.name}}' : ''".strip("'")
    assert text(modules(MAIN)["storage"][1]["withQueue"]) == "workers == 'queue"
    queue = text(body(declared(TEMPLATES["storage.bicep"], "resource")["workQueue"])["name"])
    account = "https://stmade.queue.core.windows.net/"
    deployed = {"AzureWebJobsStorage__queueServiceUri": account, "QUEUE_URL": f"{account}{queue}"}
    assert Settings.from_environment(deployed).queue_url == f"{account}work"
    assert queue_of(deployed) == queue
    assert Settings.from_environment(deployed | {"QUEUE_URL": ""}).queue_url is None


def test_the_command_is_told_where_the_queue_is() -> None:
    """Like the stores: an output for each setting with which it sees what the app sees."""
    outputs = declared(MAIN, "output")
    for name in ("SEGMENTS_URL", "STATE_URL", "KEY_VAULT_URL", "QUEUE_URL"):
        assert text(outputs[name].named_children[-1]) == app_settings()[name]


def test_messages_are_worked_on_side_by_side() -> None:
    """The worker process has a thread for each message and each call that an instance may take at once."""
    queues = json.loads((ROOT / "host.json").read_text())["extensions"]["queues"]
    [calls] = re.findall(r"perInstanceConcurrency: (\d+)", text(TEMPLATES["app.bicep"]))
    threads = int(app_settings()["PYTHON_THREADPOOL_THREAD_COUNT"])
    assert threads >= max(queues["batchSize"] + queues["newBatchThreshold"], int(calls))


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
    assert app_settings()["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"] == "httpx"
    assert app_settings()["PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY"] == "true"


def test_the_timer_has_a_schedule() -> None:
    """`%EXPORT_SCHEDULE%` has no default: the templates give it one, in six fields."""
    assert app_settings()["EXPORT_SCHEDULE"] == "exportSchedule"
    default = text(declared(MAIN, "parameter")["exportSchedule"].named_children[-1])
    assert len(default.split()) == 6


def test_two_apps_never_share_a_lock() -> None:
    """The host's id, which names its locks, is the token that makes the app's name unique."""
    assert app_settings()["AzureFunctionsWebHost__hostid"] == "token"
    token = text(declared(MAIN, "variable")["token"].named_children[1])
    assert token == "uniqueString(subscription().id, resourceGroup().id, environmentName)"


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
