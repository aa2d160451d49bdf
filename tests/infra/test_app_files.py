"""The files at the root that the Functions host, Core Tools and azd read."""

import json
import logging
import os
import re
import subprocess
import sys
from datetime import timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

import function_app
from admin_trigger.routes import ALL_ROUTES
from shared.settings import Settings
from tests.support.templates import PLAINEST, one_of
from work_trigger.worker import WORKS_FOR

ROOT = Path(__file__).parents[2]

type Triggers = dict[str, dict[str, Any]]


@pytest.fixture
def host() -> Any:
    return json.loads((ROOT / "host.json").read_text())


def ignored(path: str) -> bool:
    """Whether .funcignore keeps a path, with `/` after folders, out of the package."""
    lines = (ROOT / ".funcignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    *folders, file = path.split("/")
    return any(
        fnmatch(folder, pattern.removesuffix("/")) for folder in folders for pattern in patterns
    ) or any(fnmatch(file, pattern) for pattern in patterns)


def test_the_host_lets_a_function_outlast_its_budget(host: Any) -> None:
    """What the timer or a worker has begun when its time is over still comes to its checkpoint."""
    hours, minutes, seconds = map(int, host["functionTimeout"].split(":"))
    timeout = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    longest = timedelta(seconds=max(Settings().timer_time_budget, WORKS_FOR))
    assert longest + timedelta(minutes=5) <= timeout <= timedelta(minutes=15)


QUEUE = {
    "QUEUE_URL": "http://127.0.0.1:10001/devstoreaccount1/work",
    "AzureWebJobsStorage__queueServiceUri": "http://127.0.0.1:10001/devstoreaccount1",
}


@pytest.mark.parametrize(
    ("environment", "queue"),
    [({}, None), ({"QUEUE_URL": " "}, None), ({"QUEUE_URL": "https://a/B"}, None), (QUEUE, "work")],
)
def test_the_queue_has_a_function_where_there_is_one(environment: dict[str, str], queue: str | None) -> None:
    """Without a queue, or with a setting that is wrong, the app is there all the same, with its timer."""
    script = (
        "import json, function_app\n"
        "for function in function_app.app.get_functions():\n"
        "    binding = json.loads(function.get_function_json())['bindings'][0]\n"
        "    if 'queueName' in binding: print(json.dumps(binding))\n"
        "    if 'schedule' in binding: print(json.dumps('timer'))"
    )
    told = subprocess.check_output(
        [sys.executable, "-c", script], cwd=ROOT, text=True, env=os.environ | environment
    )
    bindings = list(map(json.loads, told.split("\n")[:-1]))
    assert "timer" in bindings
    found = [(each["queueName"], each["connection"]) for each in bindings if each != "timer"]
    assert found == ([(queue, "AzureWebJobsStorage")] if queue else [])


@pytest.fixture(scope="module")
def triggers() -> Triggers:
    """The functions that the host finds, by name, each with its trigger."""
    return {
        str(function.get_function_name()): json.loads(function.get_function_json())["bindings"][0]
        for function in function_app.app.get_functions()
    }


def test_every_route_but_health_wants_a_key(triggers: Triggers) -> None:
    """A function key opens a route, and nothing less: without one the host answers 401. Pages take no key,
    and show nothing where people don't sign in."""
    levels = {name: trigger["authLevel"] for name, trigger in triggers.items() if "route" in trigger}
    assert levels.pop("health") == "ANONYMOUS"
    pages = {name for name in levels if name.startswith("page_")}
    assert {levels.pop(name) for name in pages} == {"ANONYMOUS"}
    assert set(levels.values()) == {"FUNCTION"}
    assert levels.keys() == {route.name for route in ALL_ROUTES} - {"health"}


@pytest.mark.parametrize("auth", ["entra", "local"])
def test_where_people_sign_in_a_key_opens_nothing(auth: str) -> None:
    """No route asks for one: the app itself asks who is calling."""
    script = (
        "import json, function_app\n"
        "for function in function_app.app.get_functions():\n"
        "    binding = json.loads(function.get_function_json())['bindings'][0]\n"
        "    if 'route' in binding: print(binding['authLevel'])"
    )
    told = subprocess.check_output(
        [sys.executable, "-c", script], cwd=ROOT, text=True, env=os.environ | {"AUTH": auth}
    )
    assert set(told.split()) == {"ANONYMOUS"}


def test_the_timer_ticks_when_it_is_due_and_only_then(triggers: Triggers) -> None:
    """On the schedule that the templates set; not at each start; and once more for a tick that was missed."""
    [timer] = [trigger for trigger in triggers.values() if trigger["type"] == "timerTrigger"]
    assert timer["schedule"] == "%EXPORT_SCHEDULE%"
    assert timer["runOnStartup"] is False
    assert timer["useMonitor"] is True


def test_the_app_keeps_urls_out_of_its_own_logs() -> None:
    """Libraries that log full URLs are quiet in the worker too, before any function is called."""
    script = "import logging, function_app; print(logging.getLogger('httpx').level)"
    told = subprocess.check_output([sys.executable, "-c", script], cwd=ROOT, text=True)
    assert int(told) == logging.WARNING


def test_pages_lie_at_the_root_and_routes_under_api(host: Any, triggers: Triggers) -> None:
    """The host adds no prefix of its own. Nothing takes what is the platform's, or all of the rest."""
    assert host["extensions"]["http"]["routePrefix"] == ""
    routes = {name: trigger["route"] for name, trigger in triggers.items() if "route" in trigger}
    assert all(route.startswith("api/") != name.startswith("page_") for name, route in routes.items())
    assert not [route for route in routes.values() if re.match("admin|runtime|[.]auth|[{][*]", route)]


def test_the_host_keeps_urls_out_of_its_logs(host: Any) -> None:
    """Libraries that log full URLs at Information, where a filter may hold an address, log at Warning."""
    levels = host["logging"]["logLevel"]
    assert {levels[name] for name in ("httpx", "httpcore", "azure")} == {"Warning"}
    assert levels["default"] == "Information"


def test_the_host_knows_the_version_two_model(host: Any) -> None:
    """Functions declared in Python need version 2.0, and a bundle of the fourth generation."""
    assert host["version"] == "2.0"
    assert host["extensionBundle"]["version"] == "[4.*, 5.0.0)"
    assert host["telemetryMode"] == "OpenTelemetry"


def test_the_example_settings_are_the_defaults() -> None:
    """A copy of local.settings.json.example changes nothing and gives the timer its schedule."""
    values = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
    assert Settings.from_environment(values) == Settings()
    assert len(values["EXPORT_SCHEDULE"].split()) == 6


def test_the_package_holds_the_app_and_nothing_else() -> None:
    """.funcignore lets through what runs in Azure, and holds back tests, sandbox, secrets and data."""
    deployed = ["host.json", "function_app.py", "requirements.txt", "shared/adapters/storage/store.py"]
    deployed += ["admin_trigger/__init__.py", "export_trigger/__init__.py", "schedule_trigger/__init__.py"]
    deployed += ["work_trigger/__init__.py", "page_trigger/templates/layout.html", "page_trigger/codes.json"]
    assert [path for path in deployed if ignored(path)] == []
    kept = ["local.settings.json", "data/secrets.json", ".venv/bin/python", ".git/config", ".funcignore"]
    kept += ["cli/main.py", "sandbox/sample.py", "tests/infra/test_app_files.py", "infra/main.bicep"]
    kept += [
        "requirements-dev.txt",
        "requirements-checkov.txt",
        "bench/run.py",
        "pyproject.toml",
        "docs/index.md",
        "shared/__pycache__/errors.pyc",
    ]
    assert [path for path in kept if not ignored(path)] == []


def test_azd_finds_the_app_by_its_tag() -> None:
    """The service in azure.yaml has the name that the app is tagged with."""
    [service] = re.findall(r"^services:\n  (\w+):$", (ROOT / "azure.yaml").read_text(), re.MULTILINE)
    assert one_of(PLAINEST, "Microsoft.Web/sites")["tags"]["azd-service-name"] == service
