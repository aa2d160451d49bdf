"""The templates keep to checkov's policies, but for those that are skipped with a reason."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from tests.support.bicep import INFRA, ROOT

# `make test` makes it: checkov can't share an environment with today's pytest.
CHECKOV = ROOT / ".venv-checkov/bin/checkov"


def checked(*options: str | Path) -> Any:
    """What checkov says of the templates."""
    command = [CHECKOV, *options, "-o", "json", "--quiet"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert result.stdout, result.stderr
    return json.loads(result.stdout)


def test_no_policy_is_broken() -> None:
    """Every check that is not skipped passes, and checkov could read every template."""
    report = checked("--config-file", INFRA / "checkov.yaml")
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


def test_every_skipped_policy_would_be_broken() -> None:
    """No skip outlives its cause: without the list, exactly the skipped rules fail."""
    report = checked("-d", INFRA, "--framework", "bicep", "--skip-download")
    failed = {check["check_id"] for check in report["results"]["failed_checks"]}
    assert set(re.findall(r"CKV2?_AZURE_\d+", (INFRA / "checkov.yaml").read_text())) == failed
