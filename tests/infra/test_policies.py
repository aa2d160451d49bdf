"""The templates keep to checkov's policies, but for those that are skipped with a reason."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.templates import INFRA, ROOT

type Checkov = Callable[..., Any]


@pytest.fixture
def checkov() -> Checkov:
    """Runs checkov, which `make test` installs apart from today's pytest, and returns its report."""

    def run(*options: str | Path) -> Any:
        command = [ROOT / ".venv-checkov/bin/checkov", *options, "-o", "json", "--quiet"]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
        assert result.stdout, result.stderr
        return json.loads(result.stdout)

    return run


@pytest.mark.long
def test_no_policy_is_broken(checkov: Checkov) -> None:
    """Every check that is not skipped passes, and checkov could read every template."""
    report = checkov("--config-file", INFRA / "checkov.yaml")
    summary = report["summary"]
    broken = [(check["check_id"], check["resource"]) for check in report["results"]["failed_checks"]]
    assert broken == []
    assert summary["parsing_errors"] == 0
    assert summary["passed"] > 20


def test_every_skipped_policy_has_its_reason() -> None:
    """A line of the skip list says why the rule does not fit; no rule stands there twice."""
    lines = (INFRA / "checkov.yaml").read_text().partition("skip-check:\n")[2].splitlines()
    skipped = [re.fullmatch(r"  - (CKV2?_AZURE_\d+) +# \S.{15,}", line) for line in lines]
    assert None not in skipped
    ids = [match[1] for match in skipped if match]
    assert len(set(ids)) == len(ids) > 0


@pytest.mark.long
def test_every_skipped_policy_would_be_broken(checkov: Checkov) -> None:
    """No skip outlives its cause: without the list, exactly the skipped rules fail."""
    report = checkov("-d", INFRA, "--framework", "bicep", "--skip-download")
    failed = {check["check_id"] for check in report["results"]["failed_checks"]}
    assert set(re.findall(r"CKV2?_AZURE_\d+", (INFRA / "checkov.yaml").read_text())) == failed
