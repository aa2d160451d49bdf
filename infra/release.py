"""`make release VERSION=…`: sets the version, looks at the changelog, and packs what is deployed."""

import re
import subprocess
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import click

ROOT = Path(__file__).parents[1]
DEPLOYED = (
    "host.json",
    "function_app.py",
    "requirements.txt",
    "admin_trigger",
    "export_trigger",
    "page_trigger",
    "schedule_trigger",
    "work_trigger",
    "shared",
)
# Unpacked, with what requirements.txt installs and without bytecode: every start of an instance loads it.
MOST_BYTES = 60_000_000
# The same commit makes the same zip, whenever it is packed.
LONG_AGO = (1980, 1, 1, 0, 0, 0)


@click.command()
@click.argument("version")
def release(version: str) -> None:
    """Packs dist/segment-export-VERSION.zip from a tree in which everything is committed."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise click.UsageError("VERSION has three numbers, such as 1.2.0.")
    if _git("status", "--porcelain"):
        raise click.ClickException("There are changes that are not committed.")
    if _git("tag", "--list", f"v{version}"):
        raise click.ClickException(f"There is a tag v{version}: what is released stays as it is.")
    if not is_in_changelog(version, (ROOT / "CHANGELOG.md").read_text()):
        raise click.ClickException(f"CHANGELOG.md has no heading `## [{version}] - <year>-<month>-<day>`.")
    content, dependencies = sizes()
    if content + dependencies > MOST_BYTES:
        raise click.ClickException(f"Unpacked it has more than {MOST_BYTES:,} bytes.")
    set_version(version)
    package = ROOT / f"dist/segment-export-{version}.zip"
    package.parent.mkdir(exist_ok=True)
    pack(package)
    click.echo(f"{package.relative_to(ROOT)}: {package.stat().st_size:,} bytes.")
    click.echo(f"Unpacked: {content:,} bytes of ours, {dependencies:,} of dependencies.")
    click.echo(f"Then: git commit --all --message 'Release {version}'; git tag v{version}")


def is_in_changelog(version: str, changelog: str) -> bool:
    """Whether the version has its heading, with the day of its release."""
    return bool(re.search(rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE))


def set_version(version: str) -> None:
    """Writes the version into the project's file, and without its last number into what Klaviyo sees."""
    seen = f"segment-export/{version.rpartition('.')[0]}"
    _set_line("pyproject.toml", "version", version)
    _set_line("shared/klaviyo/calls.py", "USER_AGENT", seen)


def _set_line(file: str, name: str, value: str) -> None:
    path = ROOT / file
    line = re.compile(rf'^{name} = ".*"$', re.MULTILINE)
    path.write_text(line.sub(f'{name} = "{value}"', path.read_text(), count=1))


def files() -> list[str]:
    """The names of the files that are deployed, in order."""
    listed = _git("ls-files", "--cached", "--others", "--exclude-standard", "--", *DEPLOYED)
    return sorted(listed.splitlines())


def pack(package: Path) -> None:
    """Writes the zip."""
    with ZipFile(package, "w") as archive:
        for name in files():
            entry = ZipInfo(name, LONG_AGO)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, (ROOT / name).read_bytes(), ZIP_DEFLATED)


def sizes() -> tuple[int, int]:
    """Bytes of the files that are deployed, and of what requirements.txt has Azure install beside them."""
    requirements = (ROOT / "requirements.txt").read_text()
    pinned = re.findall(r"^([\w.-]+)(?:\[.*?\])?==([^ ;\\]+)", requirements, re.MULTILINE)
    return sum((ROOT / name).stat().st_size for name in files()), sum(_installed(*each) for each in pinned)


def _installed(name: str, version: str) -> int:
    """Bytes of a package in this environment, which has the very versions that are pinned for Azure."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return 0  # another system's
    if found.version != version:
        raise click.ClickException(f"{name} is not what requirements.txt pins: run `make install`.")
    paths = (Path(str(file.locate())) for file in found.files or () if file.suffix != ".pyc")
    return sum(path.stat().st_size for path in paths if path.is_file())


def _git(*arguments: str) -> str:
    return subprocess.check_output(["git", *arguments], cwd=ROOT, text=True)  # noqa: S603, S607 - our own


if __name__ == "__main__":
    release()
