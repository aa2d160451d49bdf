"""What people find in the repository: its workflow, forms, editor tasks and requests."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from admin_trigger.routes import ROUTES as ADMINISTRATION
from export_trigger.routes import ROUTES as EXPORTS
from tests.docs.pages import ROOT

WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))
FORMS = sorted(ROOT.glob(".github/ISSUE_TEMPLATE/*.yml"))


def loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_least_rights_and_pinned_actions(path: Path) -> None:
    """It may read the code, keeps no credentials, and runs actions by digest."""
    workflow = loaded(path)
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert "permissions" not in job
        for step in job["steps"]:
            if "uses" in step:
                assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", step["uses"])
            if "checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False


def test_the_workflow_runs_the_readme_s_command() -> None:
    """It uses the project's version of Python."""
    [job] = loaded(ROOT / ".github/workflows/test.yml")["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == ["make test"]
    assert job["steps"][1]["with"] == {"python-version-file": ".python-version"}


def test_dependencies_are_looked_at_wherever_they_are_pinned() -> None:
    """Actions, Python's and each package of Node's."""
    updates = loaded(ROOT / ".github/dependabot.yml")["updates"]
    places = {each["package-ecosystem"]: each.get("directories") or [each["directory"]] for each in updates}
    locks = sorted(f"/{path.parent.relative_to(ROOT)}" for path in ROOT.glob("tests/*/package-lock.json"))
    assert places == {"github-actions": ["/"], "pip": ["/"], "npm": locks}


@pytest.mark.parametrize(
    "path", [path for path in FORMS if path.stem != "config"], ids=lambda path: path.stem
)
def test_a_form_is_complete(path: Path) -> None:
    """Each question has a label and an id of its own."""
    form = loaded(path)
    assert {"name", "description", "body"} <= set(form)
    questions = [each for each in form["body"] if each["type"] != "markdown"]
    assert all(each["attributes"]["label"] for each in questions)
    assert len({each["id"] for each in questions}) == len(questions) > 0


def test_the_editor_s_tasks_are_commands_that_exist() -> None:
    """They are the README's commands."""
    makefile = (ROOT / "Makefile").read_text()
    readme = (ROOT / "README.md").read_text()
    for task in json.loads((ROOT / ".vscode/tasks.json").read_text())["tasks"]:
        command: str = task["command"]
        if command.startswith("make "):
            assert f"\n{command.removeprefix('make ')}:" in makefile
        else:
            assert command.removesuffix(" --as administrator") in readme
        for name, value in task.get("options", {}).get("env", {}).items():
            assert f"{name}={value}" in readme


def test_the_container_has_the_project_s_python() -> None:
    """It installs what `make install` installs."""
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    assert container["image"].endswith(f":{(ROOT / '.python-version').read_text().strip()}")
    assert container["postCreateCommand"] == "make install"


def test_the_requests_go_to_routes_that_exist() -> None:
    """With the methods that they have."""
    known = {
        (method, "api/" + re.sub(r"\{[^}]+\}", "*", route.path))
        for route in (*ADMINISTRATION, *EXPORTS)
        for method in route.operations
    }
    asked = re.findall(r"^(GET|POST) \{\{url\}\}/(\S+)", (ROOT / "test.http").read_text(), re.MULTILINE)
    assert len(asked) > 5
    for method, path in asked:
        path = re.sub(r"\{\{[^}]+\}\}|(?<=exports/)\w+", "*", path.partition("?")[0])
        assert (method, path) in known, path
