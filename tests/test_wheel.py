"""The command on a machine without this folder: a wheel holds all that it needs."""

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from infra.package import ROOT, files

STARTED = "import sys; sys.path.insert(0, sys.argv.pop(1)); import cli.main as c; print(c.__file__); c.main()"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make wheel` makes, from a copy of what git knows."""
    copy = tmp_path_factory.mktemp("copy")
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True)
    for name in listed.rstrip("\0").split("\0"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes((ROOT / name).read_bytes())
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", "dist", "."], cwd=copy, check=True)
    [made] = (copy / "dist").glob("*.whl")
    return made


def start(wheel: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command of the wheel, unpacked, from a folder that has nothing else."""
    ZipFile(wheel).extractall(folder / "installed")
    command = [sys.executable, "-c", STARTED, str(folder / "installed"), *arguments]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.long
def test_a_wheel_has_all_that_is_deployed(wheel: Path) -> None:
    """And the command and the stand-in; the pages' templates too."""
    names = set(ZipFile(wheel).namelist())
    assert set(files()) - names == {"host.json", "requirements.txt"}
    assert {"cli/main.py", "sandbox/klaviyo/stand_in.py"} <= names
    assert not [name for name in names if name.startswith(("tests/", "bench/", "infra/"))]


@pytest.mark.long
def test_a_wheel_runs_without_the_folder_that_it_was_made_of(wheel: Path, tmp_path: Path) -> None:
    """A file is looked at from anywhere, by the wheel's own modules."""
    (tmp_path / "people.csv").write_text("EMail\nada@example.org\n")
    arguments = ["send", "people.csv", "--list", "Y6nRLr", "--email", "EMail", "--dry-run"]

    done = start(wheel, tmp_path, *arguments)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path / "installed/cli/main.py"))
    assert "would send         1" in done.stdout


@pytest.mark.long
@pytest.mark.parametrize("arguments", [["serve"], ["demo", "--stay"]])
def test_what_needs_the_folder_says_so_at_once(wheel: Path, tmp_path: Path, arguments: list[str]) -> None:
    """Before it does anything."""
    done = start(wheel, tmp_path, *arguments)

    assert done.returncode == 2
    assert "The functions run only from the project's folder" in done.stderr
    assert not (tmp_path / "data").exists()
