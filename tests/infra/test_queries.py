"""Alerts and workbook ask for metrics by names that the code emits, with attributes that it gives them."""

import json
import re
from collections import defaultdict
from pathlib import Path

import pytest

from sandbox.klaviyo import Fault, JobPlan
from sandbox.people import People
from shared.adapters import telemetry
from shared.errors import Denied
from shared.runs.work.tick import tick
from tests.support.queue import work
from tests.support.small_batches import small_batches
from tests.support.telemetry import Metrics
from tests.support.templates import ALERT_RULES, PLAINEST, ROOT, one_of
from tests.support.templates import query as query_of
from tests.support.vault import KeyVaultServer
from tests.support.webhook import notify_of, receiving
from tests.support.world import a_world

WORKBOOK = json.loads(one_of(PLAINEST, "Microsoft.Insights/workbooks")["properties"]["serializedData"])
ALERTS = {name: query_of(rule) for name, rule in ALERT_RULES.items()}
PANELS = {
    item["content"]["title"]: item["content"]["query"] for item in WORKBOOK["items"] if item["type"] == 3
}
every_query = pytest.mark.parametrize("query", [*ALERTS.values(), *PANELS.values()], ids=[*ALERTS, *PANELS])


def asked_for(query: str) -> set[str]:
    return set(re.findall(r"segment_export\.[\w.]+", query))


def names_in_the_code() -> set[str]:
    """The names of the instruments that telemetry.py makes."""
    source = Path(str(telemetry.__file__)).read_text()
    return set(re.findall(r"create_\w+\(\s*\"(segment_export\.[\w.]+)\"", source))


def test_the_workbook_shows_every_metric() -> None:
    """The workbook asks for what the code has, all of it, and for nothing else."""
    assert set().union(*map(asked_for, PANELS.values())) == names_in_the_code()


@every_query
def test_a_query_asks_for_metrics_that_there_are(query: str) -> None:
    """Of Application Insights' metrics as a workspace keeps them, by the names in the code."""
    assert re.match(r"\s*(union isfuzzy=true )?AppMetrics\b", query)
    assert set() != asked_for(query) <= names_in_the_code()


def test_queries_ask_for_attributes_that_the_metrics_have(
    tmp_path: Path, key_vault: KeyVaultServer, metrics: Metrics
) -> None:
    """Runs that succeed, are throttled, stay open, are unusual, fail, lack a key and wait for a worker tell
    all that is asked for."""
    key_vault.secrets["key"] = "pk_made"
    key_vault.refused["key"] = "ForbiddenByRbac"
    with pytest.raises(Denied):
        key_vault.vault().secret("key")
    with a_world(tmp_path) as world, receiving() as receiver:
        notify_of(world, receiver.address)
        world.document("exports/vip.json", alerts={"rejected_share": 0.01})
        tick(world.services, 240)
        world.segment(People(1000, dirt=True))
        world.stand_in.plans.append(JobPlan(seconds=300))
        world.stand_in.faults.add([Fault("error", method="POST", status=429, retry_after=7)])
        for _ in range(4):
            tick(world.services, 240)
            world.clock.sleep(600)
        world.document("exports/vip.json", list_id="Nowher")
        world.run()
    with a_world(tmp_path / "queue") as world:
        world.add_queue()
        tick(world.services, 240)
        world.segment(small_batches(12))
        for _ in range(2):
            tick(world.services, 240)
            world.clock.sleep(60)
        assert work(world.services, world.queue) == 1
    emitted: dict[str, set[str]] = defaultdict(set)
    for name, attributes, _ in metrics.points():
        emitted[name] |= set(attributes)

    assert names_in_the_code() <= set(emitted)
    for title, query in (ALERTS | PANELS).items():
        used = set(re.findall(r"Properties\.(\w+)", query))
        for name in asked_for(query):
            assert used <= emitted[name], (title, name)


def test_alerts_look_at_their_window_alone() -> None:
    """Azure widens what a query with `ago` sees to two days, unless it says itself how far it looks."""
    for name, query in ALERTS.items():
        if "ago(" in query:
            window = ALERT_RULES[name]["windowSize"].removeprefix("PT").lower()
            assert f"| where TimeGenerated > ago({window})\n" in query, name


def test_every_alert_has_its_place_in_the_runbook() -> None:
    """An alert sends to the runbook by its name, which stands in a heading there."""
    headings = re.findall(r"^### .*: `(\w+)`$", (ROOT / "docs/runbook.md").read_text(), re.MULTILINE)
    assert headings == list(ALERTS)


def test_the_runbook_asks_for_what_there_is() -> None:
    """Its query over a run's trace names spans and attributes that the code makes."""
    runbook = (ROOT / "docs/runbook.md").read_text()
    spans = set(re.findall(r"`(\w+)`", re.findall(r"^Spans are (.*)", runbook, re.MULTILINE)[0]))
    code = "".join(file.read_text() for file in (ROOT / "shared").rglob("*.py"))
    assert spans == set(re.findall(r"span\(\s*\"(\w+)\"", code))
