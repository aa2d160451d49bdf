"""Every query is one that Microsoft's own analyzer takes, over the tables that the workspace has."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import blocks
from tests.infra.test_queries import ALERTS, PANELS
from tests.support.templates import ALERT_RULES, ROOT, split_by

ANALYZER = ROOT / "tests/kusto/analyze.cjs"

MISTAKES = [
    "AppMetrics | where Nam == 1",
    "AppMetrics | summarize sum(Name)",
    "AppThings",
    "AppMetrics | wher 1",
]

type Answers = Mapping[str, Any]


@pytest.fixture(scope="module")
def kusto() -> Answers:
    """Diagnostics and columns of each query, asked for at once: `make test` installs what it needs."""
    node = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))
    if not node or not (ANALYZER.parent / "node_modules/installed").exists():
        pytest.fail("The analyzer is not installed: run `make test`.")

    queries = [*ALERTS.values(), *PANELS.values(), *in_the_docs(), *MISTAKES]
    answers = subprocess.run(
        [node, str(ANALYZER)], input=json.dumps(queries), text=True, check=True, capture_output=True
    ).stdout
    return dict(zip(queries, json.loads(answers), strict=True))


def in_the_docs() -> list[str]:
    """The queries in blocks of their own, and within a sentence, which begin with a table or a union."""
    found = []
    for page in sorted(ROOT.glob("docs/*.md")):
        text = page.read_text().replace("\\|", "|")  # as a table has it
        found += [*blocks(text, "kusto"), *re.findall(r"`((?:App[A-Z]\w+|union )[^`]*)`", text)]
    return found


def test_every_query_is_understood(kusto: Answers) -> None:
    """Those of alerts, workbook and documentation: every table, column, function and type is there."""
    queries = [*ALERTS.values(), *PANELS.values(), *in_the_docs()]
    assert len(queries) >= len(ALERTS) + len(PANELS) + 5
    found = {query: kusto[query]["diagnostics"] for query in queries}
    assert {query: told for query, told in found.items() if told} == {}


def test_an_alert_is_split_by_a_column_of_its_result(kusto: Answers) -> None:
    """And by the one that says what it is about, where its query has groups."""
    for name, query in ALERTS.items():
        columns = split_by(ALERT_RULES[name])
        assert set(columns) <= set(kusto[query]["columns"]), name
        assert columns == re.findall(r"\bby (\w+) = ", query), name


@pytest.mark.parametrize("query", MISTAKES)
def test_a_mistake_is_noticed(kusto: Answers, query: str) -> None:
    """A column, a type, a table or an operator that is not there."""
    assert kusto[query]["diagnostics"]
