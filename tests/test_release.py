"""What is released: a zip that starts by itself, and holds nothing but what is deployed."""

import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest
from click.testing import CliRunner

from infra import package as packing
from infra import release
from sandbox.people import People
from shared.klaviyo.calls import USER_AGENT
from tests.infra.test_app_files import ignored
from tests.support.host import running_host
from tests.support.world import a_world, environment_of

ROOT = Path(__file__).parents[1]
PYPROJECT = (ROOT / "pyproject.toml").read_text()
# The host is this project's own, and so is what it needs; what the zip has must come from there, all of it.
HOST = """
import sys
from pathlib import Path
from sandbox.functions_host import serve
folder, site = Path(sys.argv[1]), Path(sys.argv[2])
def announce(line):
    for name, module in list(sys.modules.items()):
        file, path = getattr(module, "__file__", None), name.replace(".", "/")
        packed = [home / f"{path}{end}" for home in (folder, site) for end in (".py", "/__init__.py")]
        if file and folder not in Path(file).parents and any(each.exists() for each in packed):
            sys.exit(f"{name} comes from elsewhere")
    print(line, flush=True)
serve(folder, 0, "local", announce)
"""
# Isolated, and without any site-packages but the package's own: what the worker in Azure has.
ALONE = """
import sys
sys.path[:0] = sys.argv[1:]
import function_app
print(len(function_app.app.get_functions()))
files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
print(*filter(None, files), sep="\\n")
"""
BAIT = "pk_this_must_not_travel"
BAITS = [
    ".env",
    ".python_packages/lib/site-packages/mine.py",
    "data/secrets.json",
    "local.settings.json",
    "state/exports/vip.json",
    "key.txt",
    "shared/.env",
    "shared/local.settings.json",
    "shared/data/secrets.json",
    "shared/state/heads/vip.json",
    "shared/mine.py",
    "export_trigger/key.pem",
    "page_trigger/templates/.env",
    "dist/app/shared/left_over.py",
]


@pytest.fixture(scope="module")
def wheels() -> Path:
    """What `make test` fetches for Azure."""
    assert (packing.WHEELS / "requirements.txt").exists(), "Run `make .venv/linux/requirements.txt`."
    return packing.WHEELS


@pytest.fixture(scope="module")
def built(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[int, int]]:
    """The folder, and the bytes of ours and of the dependencies in it."""
    folder = tmp_path_factory.mktemp("package") / "built"
    return folder, packing.build(folder)


@pytest.fixture(scope="module")
def package(built: tuple[Path, tuple[int, int]]) -> Path:
    """Packed once for all tests that only read it."""
    folder, _ = built
    packing.pack(folder, folder.parent / "app.zip")
    return folder.parent / "app.zip"


@pytest.fixture(scope="module")
def unpacked(package: Path) -> Path:
    """A folder of its own, without anything else of this project."""
    folder = package.parent / "app"
    ZipFile(package).extractall(folder)
    return folder


def ours(package: Path) -> list[str]:
    """The names in a zip that are not a dependency's."""
    return [name for name in ZipFile(package).namelist() if not name.startswith(packing.SITE_PACKAGES)]


def test_the_zip_holds_what_is_deployed(package: Path) -> None:
    """Of the files that git knows, those that .funcignore would let through."""
    tracked = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines()
    assert ours(package) == sorted(name for name in tracked if not ignored(name))


def test_the_unpacked_zip_starts_alone(unpacked: Path) -> None:
    """With Python's own library and nothing else, the app has its functions, and loads what was packed."""
    paths = [str(unpacked / packing.SITE_PACKAGES), str(unpacked)]
    command = [sys.executable, "-I", "-S", "-c", ALONE, *paths]
    told = subprocess.check_output(command, cwd="/", env={"PATH": os.defpath}, text=True).splitlines()
    assert int(told[0]) > 10
    library = Path(os.__file__).parent
    loaded = [Path(file) for file in told[1:]]
    assert [
        file for file in loaded if not (file.is_relative_to(unpacked) or file.is_relative_to(library))
    ] == []
    assert not any("site-packages" in file.parts and not file.is_relative_to(unpacked) for file in loaded)


def test_the_unpacked_zip_exports(unpacked: Path, tmp_path: Path) -> None:
    """On the local host, where all that the zip has is loaded from it, it answers and runs an export."""
    paths = (str(unpacked), str(unpacked / packing.SITE_PACKAGES))
    with a_world(tmp_path, clock=time.time) as world:
        world.segment(People(10))
        environment = environment_of(world) | {
            "PYTHONPATH": ":".join(paths),
            "EXPORT_SCHEDULE": "0 0 0 1 1 *",
        }
        with running_host(environment, [sys.executable, "-P", "-c", HOST, *paths]) as client:
            assert client.get("/api/health").json()["status"] == "ok"
            record = client.post("/api/exports/vip/runs").json()
        assert (record["status"], record["counts"]["imported"]) == ("successful", 10)


def test_nothing_names_this_machine(package: Path) -> None:
    """Neither a path of it nor what its Python has compiled is packed."""
    with ZipFile(package) as archive:
        assert [name for name in archive.namelist() if str(ROOT).encode() in archive.read(name)] == []
        assert [name for name in archive.namelist() if "__pycache__" in name] == []


def test_dependencies_are_those_that_are_pinned(package: Path) -> None:
    """Each of requirements.txt, in its version, for Linux on x86-64 and Python 3.13, and no other."""
    pinned = re.findall(r"^([\w.-]+)==([^ ;\\]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    names = ZipFile(package).namelist()
    packed = {name.split("/")[3] for name in names if name.endswith(".dist-info/METADATA")}
    assert packed == {f"{name.replace('-', '_').lower()}-{version}.dist-info" for name, version in pinned}
    native = [name for name in names if name.endswith(".so")]
    assert len(native) > 5
    assert all(re.search(r"\.(cpython-313-x86_64-linux-gnu|abi3)\.so$", name) for name in native), native


def test_what_an_instance_loads_stays_small(built: tuple[Path, tuple[int, int]]) -> None:
    """Ours and what requirements.txt pins, unpacked, without bytecode: less than 60 MB."""
    _, (ours, dependencies) = built
    assert 100_000 < ours < 2_000_000
    assert 10_000_000 < dependencies < packing.MOST_BYTES - ours


def test_nothing_private_travels(repository: Path) -> None:
    """Keys, settings, data and left-overs in the tree, also in folders that are deployed, stay there."""
    for bait in BAITS:
        (repository / bait).parent.mkdir(parents=True, exist_ok=True)
        (repository / bait).write_text(BAIT)
    packed_in(repository)

    package = ZipFile(repository / "dist/app.zip")
    tracked = git(repository, "ls-files", "--", *packing.DEPLOYED).splitlines()
    assert ours(repository / "dist/app.zip") == sorted(tracked)
    assert [name for name in package.namelist() if BAIT.encode() in package.read(name)] == []
    assert f"{packing.SITE_PACKAGES}/pinned.py" in package.namelist()
    folder = repository / "dist/app"
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == sorted(
        package.namelist()
    )


def test_the_same_files_make_the_same_zip(repository: Path) -> None:
    """Who packs a release again can compare, whenever that is."""
    package = repository / "dist/app.zip"
    packed_in(repository)
    once = package.read_bytes()
    for path in (repository / "shared").rglob("*.py"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(0o600)
    packed_in(repository)
    assert package.read_bytes() == once


def test_other_dependencies_than_those_pinned_are_not_packed(repository: Path) -> None:
    """A requirements.txt that has changed since they were fetched."""
    with (repository / "requirements.txt").open("a") as requirements:
        requirements.write("other==1.0\n")
    command = [sys.executable, "-m", "infra.package"]
    result = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "Run make package" in result.stderr
    assert not (repository / "dist").exists()


def test_azd_deploys_the_packed_folder() -> None:
    """As it is: nothing is built in Azure, and the folder is filled before each packaging and deployment."""
    text = (ROOT / "azure.yaml").read_text()
    service = text.partition("services:\n")[2].partition("hooks:\n")[0]
    assert "    project: dist/app " in service
    assert "    remoteBuild: false\n" in service
    assert 'requiredVersions:\n  azd: ">= 1.23.13"' in text
    for hook in ("prepackage", "predeploy"):
        assert f"  {hook}:\n    shell: sh\n    run: make package\n" in text


def test_a_release_needs_its_heading_in_the_changelog() -> None:
    """A version that nobody described, or without its day, is not released."""
    assert release.is_in_changelog("1.2.0", "# Changelog\n\n## [1.2.0] - 2026-12-01\n\n- Something\n")
    assert not release.is_in_changelog("1.2.0", "## [1.2.0] - unreleased\n")
    assert not release.is_in_changelog("1.2.0", "## [1.2.1] - 2026-12-01\n")
    assert not release.is_in_changelog("1.2.0", "## [1x2.0] - 2026-12-01\n")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """This project as it is, with everything committed and a version 9.8.7 in its changelog; one file is all
    that was fetched for Azure."""
    folder = tmp_path / "repository"
    listed = ("ls-files", "--cached", "--others", "--exclude-standard")
    for name in git(ROOT, *listed).splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    with (folder / "CHANGELOG.md").open("a") as changelog:
        changelog.write("\n## [9.8.7] - 2026-12-01\n")
    fetched = folder / ".venv/linux"
    (fetched / "site-packages").mkdir(parents=True)
    (fetched / "site-packages/pinned.py").write_text("")
    shutil.copyfile(ROOT / "requirements.txt", fetched / "requirements.txt")
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    commit(folder)
    return folder


def git(folder: Path, *arguments: str) -> str:
    return subprocess.check_output(["git", *arguments], cwd=folder, text=True)


def commit(folder: Path) -> None:
    someone = ("-c", "user.name=Someone", "-c", "user.email=someone@example.org")
    git(folder, *someone, "commit", "--quiet", "--all", "--message", "Change something")


def packed_in(repository: Path) -> None:
    """What `make package` does there."""
    subprocess.run([sys.executable, "-m", "infra.package"], cwd=repository, check=True)


def released(repository: Path) -> subprocess.CompletedProcess[str]:
    """What `make release VERSION=9.8.7` does there."""
    command = [sys.executable, "-m", "infra.release", "9.8.7"]
    return subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)


def test_a_release_has_its_version_everywhere(repository: Path) -> None:
    """In the project's file and in what Klaviyo sees, in the zip too; nothing else is changed."""
    result = released(repository)

    assert result.returncode == 0, result.stderr
    changes = git(repository, "diff", "--unified=0").splitlines()
    assert [line for line in changes if line.startswith("+") and not line.startswith("+++")] == [
        '+version = "9.8.7"',
        '+USER_AGENT = "segment-export/9.8"',
    ]
    template = repository / "dist/segment-export-9.8.7.json"
    assert template.read_bytes() == (repository / "infra/main.json").read_bytes()
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
