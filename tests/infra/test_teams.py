"""An alert becomes a card in a channel of Teams."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.logic_apps import evaluate
from tests.support.templates import SNAPSHOTS, one_of

WORKFLOW = one_of(SNAPSHOTS["everything"], "Microsoft.Logic/workflows")["properties"]
DEFINITION = WORKFLOW["definition"]
CHANNEL = "https://teams.example.org/workflows/made-up?sig=made-up"


def alert(condition: str = "Fired", dimensions: list[dict[str, str]] | None = None) -> dict[str, Any]:
    """As Azure Monitor tells a rule over logs.

    Source: https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema
    """
    return {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {
            "essentials": {
                "alertRule": "alert-failed-made",
                "severity": "Sev1",
                "monitorCondition": condition,
                "signalType": "Log",
                "firedDateTime": "2026-08-24T15:33:00.000Z",
                "description": 'What to do: docs/runbook.md, "failed".',
            },
            "alertContext": {
                "conditionType": "LogQueryCriteria",
                "condition": {"allOf": [{"metricValue": 1.0, "dimensions": dimensions or []}]},
            },
        },
    }


def posted(body: Any) -> dict[str, Any]:
    """What the workflow posts for a call with this body, its two actions one after the other."""
    facts, post = (DEFINITION["actions"][name] for name in ("facts", "post"))
    assert post["runAfter"] == {"facts": ["Succeeded"]}
    functions: dict[str, Callable[..., Any]] = {
        "triggerBody": lambda: body,
        "parameters": {"channel": CHANNEL}.__getitem__,
    }
    selected = [
        evaluate(facts["inputs"]["select"], functions | {"item": lambda each=each: each})
        for each in evaluate(facts["inputs"]["from"], functions)
    ]
    request: dict[str, Any] = evaluate(post["inputs"], functions | {"body": {"facts": selected}.__getitem__})
    return request


def card(body: Any) -> dict[str, Any]:
    """The card in what is posted: https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors"""
    request = posted(body)
    assert (request["method"], request["uri"]) == ("POST", CHANNEL)
    assert request["body"]["type"] == "message"
    [attachment] = request["body"]["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    content: dict[str, Any] = attachment["content"]
    assert (content["type"], content["version"]) == ("AdaptiveCard", "1.4")
    return content


def test_a_card_says_what_has_happened_to_whom_and_what_to_do() -> None:
    """With the export, account or secret that the alert is about."""
    title, what_to_do, about, when = card(alert(dimensions=[{"name": "Export", "value": "vip"}]))["body"]
    assert (title["text"], title["color"]) == ("Fired: alert-failed-made", "Attention")
    assert what_to_do["text"] == 'What to do: docs/runbook.md, "failed".'
    assert (about["type"], about["facts"]) == ("FactSet", [{"title": "Export", "value": "vip"}])
    assert when["text"] == "Sev1, 2026-08-24T15:33:00.000Z"


def test_an_alert_that_has_ended_looks_like_it() -> None:
    """Its cause is over, or it has no dimension."""
    title, _, about, _ = card(alert("Resolved"))["body"]
    assert (title["text"], title["color"]) == ("Resolved: alert-failed-made", "Good")
    assert about["facts"] == []


@pytest.mark.parametrize("body", [None, {}, {"data": {"alertContext": None, "essentials": {}}}])
def test_a_call_that_is_no_alert_makes_a_card_too(body: Any) -> None:
    """A test of the action group, or another schema: an empty card says that something called."""
    assert card(body)["body"][2]["facts"] == []


def test_neither_address_nor_alert_can_be_read_in_the_history() -> None:
    """Inputs and outputs of the trigger and of each action are hidden; the address is a secret."""
    assert DEFINITION["parameters"] == {"channel": {"type": "SecureString"}}
    assert WORKFLOW["parameters"] == {"channel": {"value": CHANNEL}}
    assert CHANNEL not in json.dumps(DEFINITION)
    for step in [*DEFINITION["triggers"].values(), *DEFINITION["actions"].values()]:
        assert step["runtimeConfiguration"] == {"secureData": {"properties": ["inputs", "outputs"]}}


def test_the_workflow_needs_nobody_to_sign_in() -> None:
    """It is called by its own address, and has no connection to another service."""
    assert {name: (each["type"], each["kind"]) for name, each in DEFINITION["triggers"].items()} == {
        "alert": ("Request", "Http")
    }
    assert {each["type"] for each in DEFINITION["actions"].values()} == {"Select", "Http"}
