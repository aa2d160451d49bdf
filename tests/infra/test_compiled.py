"""What is compiled is in step with its sources: by compiling where there is a Bicep CLI, else by digests."""

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra import compile as compiler
from tests.support.templates import INFRA, MAIN, PARAMETERS

needs_bicep = pytest.mark.skipif(compiler.bicep() is None, reason="there is no Bicep CLI")


def without_generator(template: Any) -> Any:
    """A compiled template without the compiler's version and digest."""
    if isinstance(template, dict):
        return {name: without_generator(value) for name, value in template.items() if name != "_generator"}
    return list(map(without_generator, template)) if isinstance(template, list) else template


def test_nothing_has_changed_since_it_was_compiled() -> None:
    """A change in infra/ without `make templates` is noticed on every machine."""
    assert (INFRA / "main.sha256").read_text() == compiler.digests()


def test_the_digests_can_be_checked_by_hand() -> None:
    """`sha256sum --check main.sha256` understands them."""
    for line in (INFRA / "main.sha256").read_text().splitlines():
        digest, name = line.split("  ")
        assert digest == hashlib.sha256((INFRA / name).read_bytes()).hexdigest()


@needs_bicep
def test_the_template_compiles_without_a_warning(tmp_path: Path) -> None:
    """To what is in main.json, but for the version of the compiler."""
    result = compiler.run("build", "main.bicep", "--outfile", tmp_path / "main.json")
    assert (result.returncode, result.stderr) == (0, "")
    assert without_generator(json.loads((tmp_path / "main.json").read_text())) == without_generator(MAIN)


@needs_bicep
@pytest.mark.parametrize("choice", ["plainest", "everything"])
def test_a_snapshot_is_what_would_be_deployed(choice: str) -> None:
    """What a change of the templates changes in a deployment shows in the snapshots' own change.

    The digests hold the other snapshots to the same sources: all are made at once.
    """
    result = compiler.snapshot(PARAMETERS[choice], "validate")
    assert (result.returncode, result.stderr) == (0, ""), result.stdout


@needs_bicep
def test_the_linter_is_content() -> None:
    """With main.bicep and all that it uses."""
    result = compiler.run("lint", "main.bicep")
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


@needs_bicep
def test_the_sources_are_formatted(tmp_path: Path) -> None:
    """As the CLI's own formatter writes them."""
    folder = shutil.copytree(INFRA, tmp_path / "infra")
    for pattern in ("**/*.bicep", "**/*.bicepparam"):
        command = [str(compiler.bicep()), "format", "--pattern", pattern]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    sources = [file.relative_to(folder) for file in folder.rglob("*.bicep*")]
    assert len(sources) > 10
    assert [name for name in sources if (folder / name).read_text() != (INFRA / name).read_text()] == []


def test_what_is_disabled_has_its_reason() -> None:
    """A warning that does not fit is switched off for one line, which says why."""
    for file in INFRA.glob("*.bicep"):
        for line in file.read_text().splitlines():
            if "#disable" in line:
                assert re.fullmatch(r" *#disable-next-line [\w-]+ // .{15,}", line), line
    assert not (INFRA / "bicepconfig.json").exists()
