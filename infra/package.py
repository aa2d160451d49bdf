"""`make package`: packs the app into the folder dist/app, for azd, and into dist/app.zip, for az.

Both contain our files and their dependencies, for Linux x86-64 and Python 3.13: Azure builds nothing.
"""

import shutil
import subprocess
import sys
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
# Where the Functions host looks for dependencies.
SITE_PACKAGES = ".python_packages/lib/site-packages"
# Kept between builds, with the requirements.txt that it was made from.
WHEELS = ROOT / ".venv/linux"
TARGET = ("--platform", "manylinux2014_x86_64", "--python-version", "3.13", "--only-binary=:all:")
# Unpacked: every start of an instance loads it.
MOST_BYTES = 60_000_000
# The same commit makes the same zip, whenever it is packed.
LONG_AGO = (1980, 1, 1, 0, 0, 0)


def main() -> None:
    """Packs the working tree, except files that git does not track."""
    if sys.argv[1:] == ["wheels"]:
        fetch()
        return
    ours, dependencies = build(ROOT / "dist/app")
    pack(ROOT / "dist/app", ROOT / "dist/app.zip")
    click.echo(f"dist/app, dist/app.zip: {ours:,} bytes of code, {dependencies:,} of dependencies, unpacked.")


def fetch() -> None:
    """Installs the pins of requirements.txt for Azure's platform into WHEELS, on any machine."""
    shutil.rmtree(WHEELS, ignore_errors=True)
    target = WHEELS / "site-packages"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    pip += ["--target", str(target), *TARGET, "--no-deps", "--require-hashes", "-r", "requirements.txt"]
    subprocess.run(pip, cwd=ROOT, check=True)  # noqa: S603 - our own
    # Scripts contain this machine's path to Python, and are never called.
    shutil.rmtree(target / "bin", ignore_errors=True)
    for record in target.glob("*.dist-info/RECORD"):
        lines = record.read_text().splitlines(keepends=True)
        record.write_text("".join(line for line in lines if not line.startswith("../../bin/")))
    shutil.copyfile(ROOT / "requirements.txt", WHEELS / "requirements.txt")


def build(folder: Path) -> tuple[int, int]:
    """Fills an empty folder with the app; returns the bytes of our files, and of the dependencies."""
    requirements = WHEELS / "requirements.txt"
    if not requirements.exists() or requirements.read_bytes() != (ROOT / "requirements.txt").read_bytes():
        raise click.ClickException(
            f"{WHEELS.relative_to(ROOT)} does not match requirements.txt. Run make package."
        )
    shutil.rmtree(folder, ignore_errors=True)
    for name in files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    ours = _bytes(folder)
    shutil.copytree(WHEELS / "site-packages", folder / SITE_PACKAGES)
    dependencies = _bytes(folder) - ours
    if ours + dependencies > MOST_BYTES:
        raise click.ClickException(
            f"The package has more than {MOST_BYTES:,} bytes unpacked. Remove dependencies."
        )
    return ours, dependencies


def files() -> list[str]:
    """Our files to deploy, in order: only those that git tracks, so nothing gets in by accident."""
    command = ["git", "ls-files", "--cached", "-z", "--", *DEPLOYED]
    listed = subprocess.check_output(command, cwd=ROOT, text=True)  # noqa: S603
    return sorted(listed.rstrip("\0").split("\0"))


def pack(folder: Path, package: Path) -> None:
    """Writes the zip of a folder."""
    with ZipFile(package, "w") as archive:
        for name in sorted(
            path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
        ):
            entry = ZipInfo(name, LONG_AGO)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, (folder / name).read_bytes(), ZIP_DEFLATED)


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
