"""`doctor --deployment`: resources that can't be read, and an Azure that is slow or broken."""

from dataclasses import replace
from typing import Any

import pytest

from cli.doctor.deployment import azure, examine_deployment
from cli.doctor.deployment.azure import MOST_BYTES, Azure
from shared.adapters.clock import Deadline, SystemClock
from tests.cli.deployment.ground import BEFORE, PLACE, error, found, wrong
from tests.support.resource_manager import (
    CONTAINER,
    ROOT,
    SEGMENTS,
    STATE,
    TOKEN,
    TOPICS,
    VAULT,
    Subscription,
)


@pytest.mark.parametrize(
    ("status", "body", "said", "fix"),
    [
        (401, error("ExpiredAuthenticationToken"), "401 ExpiredAuthenticationToken", "az login"),
        (403, error("AuthorizationFailed"), "403 AuthorizationFailed", "Ask a reader to run this"),
        (404, error("ResourceNotFound"), "404 ResourceNotFound", "Check the names"),
        (429, error("TooManyRequests"), "429 TooManyRequests", "Try again in 17 seconds"),
        (400, error("InvalidApiVersionParameter"), "400 InvalidApiVersionParameter", "report it"),
        (503, b"<html>busy</html>", "Azure is unavailable (503)", "Try again later"),
        (302, b"", "refused the request (302)", "report it"),
        (200, b"<html>a proxy</html>", "not Azure's", "no proxy"),
        (200, b'{"unexpected": 1}', "not Azure's", "no proxy"),
        (403, error("a code with blanks"), "read it (403)", "Ask a reader"),
    ],
)
def test_what_can_not_be_seen_is_never_ok(
    made: Subscription, status: int, body: Any, said: str, fix: str
) -> None:
    """A warning has the cause and who can read it, but nothing of the response except its code."""
    made.refused["/"] = (status, body)
    made.headers = {"retry-after": "17"}

    findings = found(made)

    seen = [name for name, finding in findings.items() if not finding.fix]
    assert seen == ["clock"]
    del findings["clock"]
    if status == 404:
        assert not findings.pop("resource group").warning
    assert {finding.warning for finding in findings.values()} == {True}
    assert said in findings["providers"].message
    assert fix in findings["providers"].fix
    assert "secret-of-azure" not in str(findings)


@pytest.mark.parametrize("date", ["yesterday", "Fri, 27 Nov 2026 20:00:00 -0000"])
def test_an_answer_without_a_time(made: Subscription, date: str) -> None:
    """Then the clock is not spoken of."""
    made.refused["/"], made.headers = (503, b""), {"date": date}
    assert "clock" not in found(made)


def test_a_clock_that_is_wrong(made: Subscription) -> None:
    """Each response has Azure's own time."""
    made.refused["/"], made.headers = (503, b""), {"date": "Fri, 27 Nov 2020 20:00:00 GMT"}
    assert "time server" in found(made)["clock"].fix


@pytest.mark.parametrize(
    "resource_id", ["/subscriptions/x", "mysegments", f"{SEGMENTS}; rm -r", f"{SEGMENTS}?a=b"]
)
def test_an_id_that_is_none(made: Subscription, resource_id: str) -> None:
    """A response's text is used in an address or a command only if it is a resource's id."""
    made.refused[f"{ROOT}/resources"] = (200, {"value": [{"id": resource_id}]})
    findings = wrong(made)
    assert findings["segments account mysegments"].message.endswith("not Azure's")
    assert all(finding.warning for finding in findings.values())


def test_one_thing_that_can_not_be_seen_hides_no_other(made: Subscription) -> None:
    """Someone who may not read the vault still sees the rest."""
    made.refused[VAULT] = (403, error("AuthorizationFailed"))
    assert wrong(made).keys() == {"vault kv-made", "app on kv-made"}


def test_an_account_that_is_not_shown(made: Subscription) -> None:
    """Azure omits from a list what the caller may not read."""
    del made.things[SEGMENTS]
    findings = wrong(made, replace(PLACE, segments_group=None))
    assert findings.keys() == {"segments account mysegments", "app on mysegments/exports"}
    assert all(finding.warning and "Reader" in finding.fix for finding in findings.values())


@pytest.mark.parametrize(
    ("path", "name"), [(SEGMENTS, "segments account mysegments"), (VAULT, "vault kv-made")]
)
def test_what_is_not_where_a_deployment_looks(made: Subscription, path: str, name: str) -> None:
    """Neither a list nor its group has it: maybe it is in another subscription. A warning where that can't
    be seen."""
    del made.things[path]
    finding = wrong(made)[name]
    assert not finding.warning
    assert "another subscription" in finding.fix

    made.refused[path] = (403, error("AuthorizationFailed"))
    assert wrong(made)[name].warning
    made.refused = {path: (200, {}), f"{ROOT}/resources": (200, {"value": []})}
    assert wrong(made)[name].warning


@pytest.mark.parametrize(
    ("changes", "name", "fixes"),
    [
        (
            {"segments_group": "exports"},
            "group of mysegments",
            ("azd env set SEGMENTS_RESOURCE_GROUP crm;", "segmentsResourceGroupName=crm,"),
        ),
        (
            {"vault_group": "crm"},
            "group of kv-made",
            ("azd env set KEY_VAULT_RESOURCE_GROUP exports;", "keyVaultResourceGroupName=exports,"),
        ),
    ],
)
def test_what_lies_in_another_group(
    made: Subscription, changes: dict[str, str], name: str, fixes: tuple[str, ...]
) -> None:
    """Azure would refuse the deployment; the fix names the setting. Group names are case-insensitive."""
    findings = wrong(made, replace(PLACE, **changes))
    assert findings.keys() == {name}
    assert not findings[name].warning
    assert all(fix in findings[name].fix for fix in fixes)
    assert wrong(made, replace(PLACE, segments_group="CRM", vault_group="Exports")) == {}


def test_a_container_that_is_not_there(made: Subscription) -> None:
    """This holds before and after the deployment; an unreadable container is not called missing."""
    del made.things[CONTAINER]
    findings = wrong(made)
    assert findings.keys() == {"container exports"}
    assert not findings["container exports"].warning
    assert findings["container exports"].fix.endswith(
        "az storage container-rm create --storage-account mysegments --resource-group crm --name exports"
    )
    assert wrong(made, BEFORE).keys() == {"container exports", "app"}

    made.refused[CONTAINER] = (403, error("AuthorizationFailed"))
    assert wrong(made)["container exports"].warning


def test_an_answer_without_end(made: Subscription) -> None:
    made.refused[VAULT] = (200, b" " * (MOST_BYTES + 1))
    assert "bytes" in wrong(made)["vault kv-made"].message


def test_a_list_without_end(made: Subscription) -> None:
    """The check stops, and does not call the resource missing."""
    made.lists[TOPICS] = [{"name": "t", "properties": {"source": STATE}}] * 100
    [finding] = wrong(made).values()
    assert (finding.name, finding.warning) == ("events of mysegments", True)
    assert sum(path == TOPICS for _, path in made.asked) == azure.MOST_PAGES


def test_a_list_that_goes_on_elsewhere(made: Subscription) -> None:
    """The token goes to no other address."""
    made.refused[TOPICS] = (200, {"value": [], "nextLink": "https://example.org/more?api-version=1"})
    [finding] = wrong(made).values()
    assert "another address" in finding.message


@pytest.mark.parametrize(("slow", "trickle"), [(0.2, 0), (0, 0.05)])
def test_an_azure_that_is_slow(made: Subscription, slow: float, trickle: float) -> None:
    """The whole check ends in time, however many requests are left and however slow a response is."""
    made.slow, made.trickle = slow, trickle
    clock = SystemClock()
    began = clock.monotonic()

    findings = found(made, seconds=1)

    assert clock.monotonic() - began < 10
    assert findings["providers"].warning
    assert "no response" in findings["app func-made"].message


def test_no_azure_at_all() -> None:
    clock = SystemClock()
    deadline = Deadline(clock, 60)
    with Azure("http://127.0.0.1:1", lambda: TOKEN, deadline, "a reader") as api:
        findings = list(examine_deployment(PLACE, clock, api, api))
    assert all(finding.warning and "no response (ConnectError)" in finding.message for finding in findings)
