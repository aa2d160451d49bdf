"""The setting of the queue: one queue of the account at which the host listens, or a clear word."""

import pytest

from shared.errors import InvalidSettings
from shared.settings import Settings, queue_of

AZURE = "https://account.queue.core.windows.net"
EMULATOR = "http://127.0.0.1:10001/devstoreaccount1"


def environment(url: str, service: str = "") -> dict[str, str]:
    return {"QUEUE_URL": url, "AzureWebJobsStorage__queueServiceUri": service}


@pytest.mark.parametrize(
    ("url", "service", "queue"),
    [
        ("", "", None),
        ("  ", AZURE, None),
        (f"{AZURE}/work", "", "work"),
        (f"{AZURE}/work/", f"{AZURE}/", "work"),
        (f"{AZURE}/exports-of-2026", AZURE, "exports-of-2026"),
        (f"{EMULATOR}/work", EMULATOR, "work"),
        (f"{EMULATOR}/work", f"{EMULATOR}/", "work"),
        ("https://account.z01.queue.storage.azure.net/work", "", "work"),
    ],
)
def test_a_queue_or_none(url: str, service: str, queue: str | None) -> None:
    """With or without a slash at the end; blank is none."""
    settings = Settings.from_environment(environment(url, service))
    assert settings.queue_url == (url.rstrip("/") if queue else None)
    assert queue_of(environment(url, service)) == queue


@pytest.mark.parametrize(
    "url",
    [
        AZURE,
        f"{AZURE}/",
        f"{AZURE}/Work",
        f"{AZURE}/a",
        f"{AZURE}/exports/more",
        f"{AZURE}/-work",
        f"{AZURE}/wo--rk",
        f"{AZURE}/{'w' * 57}",
        f"{AZURE}/work?sig=secret",
        f"{AZURE}/wo\nrk",
        f"{AZURE}/work-poison",
        "https://account.blob.core.windows.net/work",
        "https://*.queue/work",
        "https://a .queue.core.windows.net/work",
        f"https://user:secret@{AZURE.removeprefix('https://')}/work",
        "http://account.queue.core.windows.net/work",
        "http://127.0.0.1:10001/work",
        "file:./data/queue",
        "work",
    ],
)
def test_what_is_no_queue_is_refused(url: str) -> None:
    """By name, without its value; the host then listens to nothing, and starts all the same."""
    with pytest.raises(InvalidSettings, match="QUEUE_URL") as refused:
        Settings.from_environment(environment(url))
    assert "secret" not in refused.value.message
    assert queue_of(environment(url)) is None


@pytest.mark.parametrize("service", ["https://other.queue.core.windows.net", EMULATOR])
def test_the_host_must_listen_where_the_timer_sends(service: str) -> None:
    """Else messages lie where nobody looks."""
    with pytest.raises(InvalidSettings, match="AzureWebJobsStorage__queueServiceUri"):
        Settings.from_environment(environment(f"{AZURE}/work", service))
    assert queue_of(environment(f"{AZURE}/work", service)) is None


@pytest.mark.parametrize("url", [f"{AZURE.replace('account', 'ACCOUNT')}/work", f"{AZURE}:443/work/"])
@pytest.mark.parametrize("service", [AZURE, f"{AZURE}:443/", AZURE.replace("account", "Account")])
def test_what_makes_no_difference_makes_none(url: str, service: str) -> None:
    """Upper case in the host's name, and the port that https has anyway."""
    assert Settings.from_environment(environment(url, service)).queue_url == f"{AZURE}/work"
    assert queue_of(environment(url, service)) == "work"


@pytest.mark.parametrize(
    ("setting", "value", "right"),
    [
        ("AzureWebJobsStorage__accountName", "account", True),
        ("AzureWebJobsStorage__accountName", "other", False),
        ("AzureWebJobsStorage", "DefaultEndpointsProtocol=https;AccountName=account;AccountKey=a==", True),
        ("AzureWebJobsStorage", "AccountName=other;AccountKey=secret", False),
        ("AzureWebJobsStorage", "AccountName=account;EndpointSuffix=core.chinacloudapi.cn", False),
        ("AzureWebJobsStorage", f"AccountName=x;QueueEndpoint={AZURE}/", True),
        ("AzureWebJobsStorage", "UseDevelopmentStorage=true", False),
        ("AzureWebJobsStorage", "rubbish", True),
    ],
)
def test_every_way_to_name_the_host_s_storage(setting: str, value: str, *, right: bool) -> None:
    """A name, or a connection string: the refusal says which setting, and nothing of its value."""
    given = {"QUEUE_URL": f"{AZURE}/work", setting: value}
    if right:
        assert queue_of(given) == "work"
        return
    with pytest.raises(InvalidSettings, match=setting) as refused:
        Settings.from_environment(given)
    assert "secret" not in refused.value.message
    assert queue_of(given) is None


def test_the_emulator_by_its_short_name() -> None:
    """As local.settings.json.example has it."""
    given = {"QUEUE_URL": f"{EMULATOR}/work", "AzureWebJobsStorage": "UseDevelopmentStorage=true"}
    assert queue_of(given) == "work"
