"""What would be deployed keeps to checkov's policies, but for those that are skipped with a reason.

Checkov reads the snapshots, since its parser of Bicep knows neither functions nor conditions over lines.
"""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.templates import INFRA, ROOT, SNAPSHOTS

SKIPPED = (INFRA / "checkov.yaml").read_text().partition("skip-check:\n")[2].splitlines()
OF_A_SIGN_IN = {f"CKV_AZURE_{number}" for number in (13, 63, 65, 66, 80, 88)}
OF_A_PUBLIC_NETWORK = {"CKV_AZURE_35", "CKV_AZURE_59", "CKV_AZURE_109", "CKV_AZURE_189"}
SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


def test_every_skipped_policy_has_its_reason() -> None:
    """A line of the skip list says why the rule does not fit; no rule stands there twice."""
    ids = [re.fullmatch(r"  - (CKV2?_AZURE_\d+) +# \S.{15,}", line) for line in SKIPPED]
    assert None not in ids
    assert len({match[1] for match in ids if match}) == len(ids) > 0


@pytest.mark.tools
@pytest.mark.long
def test_only_skipped_policies_are_broken(tmp_path: Path) -> None:
    """Every other check passes for each choice; and no skip outlives its cause.

    With a network of the app's own, storage and vault break none of those on networks.
    """
    for choice, resources in SNAPSHOTS.items():
        template = {"$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": resources}
        (tmp_path / f"{choice}.json").write_text(json.dumps(template))
    report = checked(tmp_path)
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 20 * len(SNAPSHOTS)
    broken = {check["check_id"] for check in report["results"]["failed_checks"]}
    assert broken == set(re.findall(r"CKV2?_AZURE_\d+", "\n".join(SKIPPED)))
    in_private = {
        check["check_id"]
        for check in report["results"]["failed_checks"]
        if check["file_path"] == "/private.json"
    }
    assert in_private == broken - OF_A_PUBLIC_NETWORK - OF_A_SIGN_IN - {"CKV_AZURE_206"}


def checked(folder: Path) -> Any:
    """The report of checkov, which `make test` installs apart from today's pytest."""
    options: list[str | Path] = [
        "-d",
        folder,
        "--framework",
        "arm",
        "--skip-download",
        "-o",
        "json",
        "--quiet",
    ]
    command = [ROOT / ".venv-checkov/bin/checkov", *options]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert result.stdout, result.stderr
    return json.loads(result.stdout)
