"""What is released: a zip that starts by itself, and holds nothing but what is deployed."""

import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest
from click.testing import CliRunner

from infra import release
from sandbox.people import People
from shared.klaviyo.calls import USER_AGENT
from tests.infra.test_app_files import ignored
from tests.support.host import running_host
from tests.support.world import a_world, environment_of

ROOT = Path(__file__).parents[1]
PYPROJECT = (ROOT / "pyproject.toml").read_text()
# The host is this project's own; what it hosts must come from the folder, all of it.
HOST = """
import sys
from pathlib import Path
from sandbox.functions_host import serve
folder = Path(sys.argv[1])
def announce(line):
    for name, module in list(sys.modules.items()):
        room = name.partition(".")[0]
        if room in ("function_app", "shared") or room.endswith("_trigger"):
            if folder not in Path(module.__file__).parents:
                sys.exit(f"{name} comes from elsewhere")
    print(line, flush=True)
serve(folder, 0, "local", announce)
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "app.zip"
    release.pack(path)
    return path


def test_the_zip_holds_what_azd_would_deploy(package: Path) -> None:
    """Both ways of deploying bring the same files: those that .funcignore lets through."""
    tracked = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines()
    assert [name for name in ZipFile(package).namelist() if name in tracked] == sorted(
        name for name in tracked if not ignored(name)
    )


def test_the_unpacked_zip_exports(package: Path, tmp_path: Path) -> None:
    """In a folder of its own, without anything else of this project, it answers and runs an export."""
    folder = tmp_path / "app"
    ZipFile(package).extractall(folder)
    with a_world(tmp_path, clock=time.time) as world:
        world.segment(People(10))
        environment = environment_of(world) | {"PYTHONPATH": str(folder), "EXPORT_SCHEDULE": "0 0 0 1 1 *"}
        with running_host(environment, [sys.executable, "-P", "-c", HOST, str(folder)]) as client:
            assert client.get("/api/health").json() == {"status": "ok"}
            record = client.post("/api/exports/vip/runs").json()
        assert (record["status"], record["counts"]["imported"]) == ("successful", 10)


def test_the_same_files_make_the_same_zip(package: Path, tmp_path: Path) -> None:
    """Who packs a release again can compare."""
    again = tmp_path / "again.zip"
    release.pack(again)
    assert again.read_bytes() == package.read_bytes()


def test_what_an_instance_loads_stays_small() -> None:
    """Ours and what requirements.txt pins, unpacked, without bytecode: less than 60 MB."""
    ours, dependencies = release.sizes()
    assert 100_000 < ours < 2_000_000
    assert 10_000_000 < dependencies < release.MOST_BYTES - ours


def test_a_release_needs_its_heading_in_the_changelog() -> None:
    """A version that nobody described, or without its day, is not released."""
    assert release.is_in_changelog("1.2.0", "# Changelog\n\n## [1.2.0] - 2026-12-01\n\n- Something\n")
    assert not release.is_in_changelog("1.2.0", "## [1.2.0] - unreleased\n")
    assert not release.is_in_changelog("1.2.0", "## [1.2.1] - 2026-12-01\n")
    assert not release.is_in_changelog("1.2.0", "## [1x2.0] - 2026-12-01\n")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """This project as it is, with everything committed and a version 9.8.7 in its changelog."""
    folder = tmp_path / "repository"
    listed = ("ls-files", "--cached", "--others", "--exclude-standard")
    for name in git(ROOT, *listed).splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    with (folder / "CHANGELOG.md").open("a") as changelog:
        changelog.write("\n## [9.8.7] - 2026-12-01\n")
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    commit(folder)
    return folder


def git(folder: Path, *arguments: str) -> str:
    return subprocess.check_output(["git", *arguments], cwd=folder, text=True)


def commit(folder: Path) -> None:
    someone = ("-c", "user.name=Someone", "-c", "user.email=someone@example.org")
    git(folder, *someone, "commit", "--quiet", "--all", "--message", "Change something")


def released(repository: Path) -> subprocess.CompletedProcess[str]:
    """What `make release VERSION=9.8.7` does there."""
    command = [sys.executable, str(repository / "infra/release.py"), "9.8.7"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_release_has_its_version_everywhere(repository: Path) -> None:
    """In the project's file and in what Klaviyo sees, in the zip too; nothing else is changed."""
    result = released(repository)

    assert result.returncode == 0, result.stderr
    changes = git(repository, "diff", "--unified=0").splitlines()
    assert [line for line in changes if line.startswith("+") and not line.startswith("+++")] == [
        '+version = "9.8.7"',
        '+USER_AGENT = "segment-export/9.8"',
    ]
    packed = ZipFile(repository / "dist/segment-export-9.8.7.zip").read("shared/klaviyo/calls.py")
    assert packed == (repository / "shared/klaviyo/calls.py").read_bytes()


def test_a_version_is_released_once(repository: Path) -> None:
    """What has its tag stays what it is: nothing is packed, and nothing changed."""
    git(repository, "tag", "v9.8.7")
    result = released(repository)
    assert result.returncode == 1
    assert "v9.8.7" in result.stderr
    assert git(repository, "status", "--porcelain") == ""
    assert not (repository / "dist").exists()


def test_what_is_not_committed_is_not_released(repository: Path) -> None:
    """A zip can be made again from its tag."""
    (repository / "host.json").write_text("{}")
    assert released(repository).returncode == 1
    assert not (repository / "dist").exists()


@pytest.mark.parametrize("version", ["", "1.2", "v1.2.0", "1.2.0; rm", "1.2.0\n"])
def test_a_version_has_three_numbers(version: str) -> None:
    """Anything else is refused before anything is looked at."""
    assert CliRunner().invoke(release.release, [version]).exit_code == 2


def test_klaviyo_sees_the_version() -> None:
    """The user agent names the version that is released, but for its last number."""
    version = tomllib.loads(PYPROJECT)["project"]["version"]
    assert f"segment-export/{version.rpartition('.')[0]}" == USER_AGENT
