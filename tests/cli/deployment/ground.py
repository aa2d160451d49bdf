"""What the tests of `doctor --deployment` share: the names of a deployment, and its findings."""

from typing import Any

from cli.doctor.deployment import Place, examine_deployment
from cli.doctor.deployment.azure import Azure
from shared.adapters.clock import Deadline, SystemClock
from shared.administration.checkup.finding import Finding
from tests.support.resource_manager import (
    SUBSCRIPTION,
    TOKEN,
    Subscription,
    running_azure,
)

PLACE = Place(
    subscription=SUBSCRIPTION,
    group="exports",
    segments="mysegments",
    segments_group="crm",
    container="exports",
    state="stmade",
    queue="work",
    vault="kv-made",
    vault_group="exports",
    app="func-made",
)
BEFORE = Place(subscription=SUBSCRIPTION, group="exports", segments="mysegments", container="exports")
# What the app needs, where nobody has told the names.
UNTOLD = {"app on the segments' container", "app on the state's account", "app on the vault"}


def found(made: Subscription, place: Place = PLACE, seconds: float = 60) -> dict[str, Finding]:
    """All findings, by name; asserts that every request only reads."""
    clock = SystemClock()
    deadline = Deadline(clock, seconds)
    with running_azure(made) as url, Azure(url, lambda: TOKEN, deadline, "a reader") as api:
        findings = list(examine_deployment(place, clock, api, api))
    assert {method for method, _ in made.asked} == {"GET"}
    by_name = {finding.name: finding for finding in findings}
    assert len(by_name) == len(findings)
    return by_name


def wrong(made: Subscription, place: Place = PLACE) -> dict[str, Finding]:
    return {name: finding for name, finding in found(made, place).items() if finding.fix}


def error(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "secret-of-azure"}}
