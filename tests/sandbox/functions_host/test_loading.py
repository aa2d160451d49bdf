"""Function apps that cannot be hosted: one clear error for each, and no wait."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DRIVER = """
import sys
from pathlib import Path
from sandbox.functions_host import FunctionsHost, HostError

for folder in sys.argv[1:]:
    try:
        FunctionsHost(Path(folder))
        print("loaded")
    except HostError as error:
        print(f"{error.code}: {error.message}")
"""
APP = "import azure.functions as func\napp = func.FunctionApp()\n"
ROUTE = "@app.function_name('same')\n@app.route(route='{0}')\ndef {0}(req: func.HttpRequest) -> str: ...\n"
TIMER = """
@app.timer_trigger(arg_name="timer", schedule="{}")
def tick(timer: func.TimerRequest) -> None: ...
"""
BLOB = """
@app.blob_trigger(arg_name="blob", path="container/{name}", connection="STORAGE")
def take(blob: func.InputStream) -> None: ...
"""
QUEUE = """
@app.queue_trigger(arg_name="message", queue_name="queue", connection="STORAGE")
def take(message: func.QueueMessage) -> None: ...
"""


def load(*folders: Path) -> list[str]:
    command = [sys.executable, "-W", "error", "-c", DRIVER, *map(str, folders)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("source", "says"),
    [
        pytest.param("import no_such_module\n", "'no_such_module'.*function_app.py, line 1", id="import"),
        pytest.param("\nraise KeyError('why')\n", "KeyError: 'why'.*function_app.py, line 2", id="raise"),
        pytest.param("def (:\n", "SyntaxError: .*line 1", id="syntax"),
        pytest.param("app = 1\n", "find top level function app", id="no app"),
        pytest.param(APP, "no function_app.py with functions", id="no function"),
        pytest.param(APP + ROUTE.format("a") + ROUTE.format("b"), "same .*unique function name", id="twice"),
        pytest.param(APP + BLOB, "take has a blobTrigger binding", id="blob"),
        pytest.param(APP + QUEUE, "Set STORAGE__queueServiceUri, STORAGE__accountName or", id="queue"),
        pytest.param(
            APP + TIMER.format("%NO_SETTING%"), "setting NO_SETTING, which is not set", id="setting"
        ),
        pytest.param(APP + TIMER.format("every day"), "tick is not NCRONTAB: every day", id="schedule"),
    ],
)
def test_a_broken_app_is_explained(tmp_path: Path, source: str, says: str) -> None:
    """The error has the cause's own words, and the app's line, if there is one."""
    (tmp_path / "host.json").write_text("{}")
    (tmp_path / "function_app.py").write_text(source)
    [line] = load(tmp_path)
    assert line.startswith("functions_host: ")
    assert re.search(says, line), line
    assert "sys.path" not in line


def test_a_folder_without_an_app_is_refused(tmp_path: Path) -> None:
    """host.json alone makes no function app."""
    (tmp_path / "host.json").write_text("{}")
    assert "has no function_app.py" in load(tmp_path)[0]


def test_a_process_hosts_one_app(tmp_path: Path) -> None:
    """A second app in the same process is refused, since the first one's modules would be served."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "host.json").write_text("{}")
        (tmp_path / name / "function_app.py").write_text(APP + ROUTE.format(name))
    first, second = load(tmp_path / "one", tmp_path / "two")
    assert first == "loaded"
    assert "A process can host one function app" in second
