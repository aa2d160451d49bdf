"""Alerts fire when docs/runbook.md says that they do, as often, as loud, and only then."""

import re
from collections.abc import Sequence
from typing import Any

import pytest

from tests.docs.pages import names, page, rows, section
from tests.support.kusto import Metric, answer
from tests.support.templates import (
    ALERT_RULES,
    MAIN,
    PLAINEST,
    SNAPSHOTS,
    alert_rules,
    all_of,
    one_of,
    query,
    split_by,
)

RUNBOOK = section(page("docs/runbook.md"), "## Alerts")
PROMISED = {names(row[0])[0]: row[1:] for row in rows(RUNBOOK)}
SEVERITIES = ["critical", "error", "warning", "informational"]


def minutes(duration: str) -> int:
    """Of a duration as Azure writes it, PT6H, or as the runbook does, 6 hours."""
    iso = re.fullmatch(r"PT(\d+)([MH])", duration) or re.fullmatch(r"(\d+) ([mh])\w+", duration)
    assert iso is not None, duration
    return int(iso[1]) * (60 if iso[2].upper() == "H" else 1)


@pytest.mark.parametrize("alert", ALERT_RULES)
def test_an_alert_is_as_loud_and_as_quick_as_the_runbook_says(alert: str) -> None:
    """Its severity, how often it looks and how far back, beyond the last look, stand in the table."""
    rule = ALERT_RULES[alert]
    severity, every, window = PROMISED[alert]
    number = rule["severity"]
    assert f"{number}, {SEVERITIES[number]}" == severity
    assert minutes(rule["evaluationFrequency"]) == minutes(every)
    assert minutes(rule["windowSize"]) == minutes(window) > minutes(every)


def test_the_runbook_lists_every_alert() -> None:
    """The table has the rules of the template, in their order, and no other."""
    assert list(PROMISED) == list(ALERT_RULES)


@pytest.mark.parametrize("alert", ALERT_RULES)
def test_an_alert_is_on_and_fires_at_one_row_of_one_look(alert: str) -> None:
    """It looks at the workspace, calls the action group, and ends when its cause has."""
    rule = ALERT_RULES[alert]
    assert rule["enabled"] is rule["autoMitigate"] is rule["skipQueryValidation"] is True
    workspace, group = (
        one_of(PLAINEST, kind)["id"]
        for kind in ("Microsoft.OperationalInsights/workspaces", "Microsoft.Insights/actionGroups")
    )
    assert rule["scopes"] == [workspace]
    assert rule["actions"] == {"actionGroups": [group]}
    [criterion] = rule["criteria"]["allOf"]
    assert criterion == {
        "query": query(rule),
        "timeAggregation": "Count",
        "operator": "GreaterThan",
        "threshold": 0,
        "dimensions": [{"name": column, "operator": "Include", "values": ["*"]} for column in split_by(rule)],
        "failingPeriods": {"numberOfEvaluationPeriods": 1, "minFailingPeriodsToAlert": 1},
    }


def receivers(choice: str) -> dict[str, Any]:
    """Who is told, by the kind of way."""
    group = one_of(SNAPSHOTS[choice], "Microsoft.Insights/actionGroups")["properties"]
    assert group["enabled"] is True
    return {name: value for name, value in group.items() if name.endswith("Receivers")}


def test_who_is_told_of_alerts_is_who_was_named() -> None:
    """By mail, as JSON, as a card: each where an address is named, all in the common alert schema."""
    assert set(map(str, receivers("plainest").values())) == {"[]"}
    assert not all_of(PLAINEST, "Microsoft.Logic/workflows")
    told = receivers("everything")
    assert {name: [each["name"] for each in value] for name, value in told.items()} == {
        "emailReceivers": ["operator"],
        "webhookReceivers": ["webhook"],
        "logicAppReceivers": ["teams"],
    }
    [mail], [webhook], [teams] = told.values()
    assert mail["emailAddress"] == "operator@example.org"
    assert webhook["serviceUri"] == "https://alerts.example.org/segments?key=made-up"
    workflow = one_of(SNAPSHOTS["everything"], "Microsoft.Logic/workflows")["id"]
    assert teams["resourceId"] == workflow
    assert teams["callbackUrl"] == f"[listCallbackUrl('{workflow}/triggers/alert', '2019-05-01').value]"
    assert all(each["useCommonAlertSchema"] is True for each in (mail, webhook, teams))


@pytest.mark.parametrize("parameter", ["alertWebhookUrl", "alertTeamsUrl"])
def test_an_address_that_is_a_secret_is_kept_as_one(parameter: str) -> None:
    """Readers of the group's deployments do not see it."""
    assert MAIN["parameters"][parameter]["type"] == "securestring"
    alerts = MAIN["resources"]["alerts"]["properties"]
    assert alerts["template"]["parameters"][INNER[parameter]]["type"] == "securestring"
    assert alerts["parameters"][INNER[parameter]] == {"value": f"[parameters('{parameter}')]"}


INNER = {"alertWebhookUrl": "webhookUrl", "alertTeamsUrl": "teamsUrl"}


def behind(*values: float) -> list[Metric]:
    """How many are behind, told in even steps over the last six hours, the newest last."""
    step = 360 / len(values)
    return [
        Metric("segment_export.behind", value, {"export": "vip"}, 359 - step * number)
        for number, value in enumerate(values)
    ]


def runs(*statuses: str) -> list[Metric]:
    return [Metric("segment_export.runs", 1, {"export": "vip", "status": status}) for status in statuses]


def ages(*hours: float) -> list[Metric]:
    """The age of an open run, told every five minutes, the newest last."""
    return [
        Metric("segment_export.open_run.age", 3600 * age, {"export": "vip"}, 5 * (len(hours) - number))
        for number, age in enumerate(hours)
    ]


def posts(accepted: int, throttled: int) -> list[Metric]:
    counts = {"202": accepted, "429": throttled}
    return [
        Metric("segment_export.posts", count, {"account": "AbC123", "status": status})
        for status, count in counts.items()
    ]


def profiles(**outcomes: int) -> list[Metric]:
    return [
        Metric("segment_export.profiles", count, {"export": "vip", "outcome": outcome})
        for outcome, count in outcomes.items()
    ]


def exceeded(*warnings: str) -> list[Metric]:
    return [Metric("segment_export.alerts", 1, {"export": "vip", "warning": warning}) for warning in warnings]


def poisoned(*counts: int) -> list[Metric]:
    """How many messages have failed for good, told every five minutes, the newest last."""
    return [
        Metric("segment_export.messages.poisoned", count, minutes_ago=5 * (len(counts) - number))
        for number, count in enumerate(counts)
    ]


def waits(*minutes: float) -> list[Metric]:
    """How long an account waits, told every five minutes, the newest last."""
    return [
        Metric("segment_export.account.wait", 60 * wait, {"account": "AbC123"}, 5 * (len(minutes) - number))
        for number, wait in enumerate(minutes)
    ]


TICK = Metric("segment_export.ticks", 1)
REFUSAL = Metric("segment_export.vault.refusals", 1, {"secret": "klaviyo-eu-key"})


@pytest.mark.parametrize(
    ("alert", "metrics", "fires_for"),
    [
        ("behind", behind(1, 1, 1), {"Export": "vip"}),
        ("behind", behind(1, 0, 1), None),
        ("behind", behind(0, 0, 0), None),
        ("behind", behind(1, 1, 1)[1:], None),
        ("failed", runs("successful", "failed"), {"Export": "vip"}),
        ("failed", runs("successful", "completed_with_warnings", "canceled"), None),
        ("open", ages(6.1), {"Export": "vip"}),
        ("open", ages(6.1, 0.1), None),
        ("open", ages(5.9), None),
        ("silent", [], {}),
        ("silent", [TICK], None),
        ("vault", [REFUSAL], {"Secret": "klaviyo-eu-key"}),
        ("vault", [], None),
        ("throttled", posts(79, 21), {"Account": "AbC123"}),
        ("throttled", posts(80, 20), None),
        ("throttled", posts(7, 3), {"Account": "AbC123"}),
        ("throttled", posts(6, 3), None),
        ("refused", profiles(imported=94, rejected=3, failed=3), {"Export": "vip"}),
        ("refused", profiles(imported=95, rejected=3, failed=2), None),
        ("refused", profiles(imported=10, filtered=80, duplicates=10), None),
        ("refused", profiles(imported=3, unchanged=947, rejected=50), None),
        ("unusual", exceeded("rows_grew", "many_rejected"), {"Export": "vip"}),
        ("unusual", [], None),
        ("poison", poisoned(0, 1), {}),
        ("poison", poisoned(1, 0), None),
        ("poison", [], None),
        ("waiting", waits(10, 15), {"Account": "AbC123"}),
        ("waiting", waits(9, 14.9), None),
        ("waiting", waits(15, 0), None),
    ],
)
def test_an_alert_fires_when_the_runbook_says_so(
    alert: str, metrics: Sequence[Metric], fires_for: dict[str, str] | None
) -> None:
    """It names whom it is about, ends when that is over, and stays quiet a little below its threshold."""
    rule = ALERT_RULES[alert]
    others = [Metric("segment_export.other", 1000, {"export": "other", "status": "failed"})]
    found = answer(query(rule), [*metrics, *others], minutes(rule["windowSize"]))
    named = [{column: row[column] for column in split_by(rule)} for row in found]
    assert named == ([] if fires_for is None else [fires_for])


CHOSEN = alert_rules(SNAPSHOTS["everything"])


@pytest.mark.parametrize(
    ("alert", "fires", "stays_quiet"),
    [
        ("behind", behind(*[1] * 24), behind(*[0] * 14, *[1] * 5)),
        ("open", ages(12.1), ages(11.9)),
        ("throttled", posts(49, 51), posts(50, 50)),
        ("throttled", posts(0, 100), posts(0, 99)),
        ("refused", profiles(imported=98, rejected=2), profiles(imported=99, rejected=1)),
        ("waiting", waits(60), waits(59.9)),
    ],
)
def test_a_threshold_that_was_chosen_counts(
    alert: str, fires: Sequence[Metric], stays_quiet: Sequence[Metric]
) -> None:
    """Two hours behind, twelve hours open, half of a hundred posts, one percent, an hour of waiting."""
    rule = CHOSEN[alert]
    for metrics, expected in ((fires, 1), (stays_quiet, 0)):
        assert len(answer(query(rule), metrics, minutes(rule["windowSize"]))) == expected


def test_a_window_follows_its_threshold() -> None:
    """Azure knows few of them: whole hours up to six, and some quarters of an hour."""
    assert CHOSEN["behind"]["windowSize"] == "PT2H"
    assert CHOSEN["silent"]["windowSize"] == "PT30M"
    thresholds = next(iter(MAIN["definitions"].values()))["properties"]
    assert (thresholds["behindHours"]["minValue"], thresholds["behindHours"]["maxValue"]) == (1, 6)
    assert thresholds["silentMinutes"]["allowedValues"] == [15, 30, 45]


def test_a_title_says_the_threshold_that_was_chosen() -> None:
    """Whoever is told reads the number that counted."""
    titles = {name: rule["displayName"] for name, rule in CHOSEN.items()}
    for alert, number in (
        ("behind", 2),
        ("open", 12),
        ("silent", 30),
        ("throttled", 50),
        ("refused", 1),
        ("waiting", 60),
    ):
        assert re.findall(r"\d+", titles[alert])[0] == str(number), titles[alert]


def test_the_runbook_has_every_threshold() -> None:
    """With its default and its bounds, in the order of the type; a default is what the plainest one has."""
    [thresholds] = MAIN["definitions"].values()
    bounds = {
        name: f"{each['minValue']} to {each['maxValue']}" if "minValue" in each else "15, 30 or 45"
        for name, each in thresholds["properties"].items()
    }
    table = rows(section(page("docs/runbook.md"), "## Notifications and thresholds"))
    assert {names(name)[0]: may_be for name, _, may_be, _ in table} == bounds
    for (name, default, *_), each in zip(table, thresholds["properties"].values(), strict=True):
        assert f" {default} by default" in each["metadata"]["description"], name
        alert = re.match("[a-z]+", names(name)[0])
        assert alert is not None
        rule = ALERT_RULES[alert[0]]
        assert re.search(rf"\b{default}\b", f"{rule['displayName']} {query(rule)}"), name
