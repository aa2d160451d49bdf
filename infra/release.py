"""`make release VERSION=…`: sets the version, checks the changelog, and packs the app."""

import re
import shutil
import subprocess

import click

from infra.package import ROOT, build, pack


@click.command()
@click.argument("version")
def release(version: str) -> None:
    """Packs dist/segment-export-VERSION.zip and its template, from a clean working tree."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise click.UsageError("VERSION must have three numbers, such as 1.2.0.")
    if _git("status", "--porcelain"):
        raise click.ClickException("The tree has uncommitted changes. Commit them first.")
    if _git("tag", "--list", f"v{version}"):
        raise click.ClickException(f"The tag v{version} already exists. Choose another version.")
    if not is_in_changelog(version, (ROOT / "CHANGELOG.md").read_text()):
        raise click.ClickException(
            f"CHANGELOG.md has no heading `## [{version}] - <year>-<month>-<day>`. Add it."
        )
    set_version(version)
    ours, dependencies = build(ROOT / "dist/app")
    package = ROOT / f"dist/segment-export-{version}.zip"
    pack(ROOT / "dist/app", package)
    template = ROOT / f"dist/segment-export-{version}.json"
    shutil.copyfile(ROOT / "infra/main.json", template)
    click.echo(f"{package.relative_to(ROOT)}: {package.stat().st_size:,} bytes.")
    click.echo(f"Unpacked: {ours:,} bytes of code, {dependencies:,} of dependencies.")
    click.echo(f"{template.relative_to(ROOT)}: the template, for the portal.")
    click.echo(f"Then: git commit --all --message 'Release {version}'; git tag v{version}")


def is_in_changelog(version: str, changelog: str) -> bool:
    """Whether the changelog has a heading for the version, with the date of its release."""
    return bool(re.search(rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE))


def set_version(version: str) -> None:
    """Writes the version to pyproject.toml, and without its last number to the client's User-Agent."""
    seen = f"segment-export/{version.rpartition('.')[0]}"
    _set_line("pyproject.toml", "version", version)
    _set_line("shared/klaviyo/calls.py", "USER_AGENT", seen)


def _set_line(file: str, name: str, value: str) -> None:
    path = ROOT / file
    line = re.compile(rf'^{name} = ".*"$', re.MULTILINE)
    path.write_text(line.sub(f'{name} = "{value}"', path.read_text(), count=1))


def _git(*arguments: str) -> str:
    return subprocess.check_output(["git", *arguments], cwd=ROOT, text=True)  # noqa: S603, S607 - our own


if __name__ == "__main__":
    release()
