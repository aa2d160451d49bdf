"""What the pages name exists: other pages, headings, make's targets, commands, the version."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.docs.pages import ROOT
from tests.support.commands import commands

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("infra/*.md")])
BY_NAME = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_COMMAND = re.compile(r"segment-export((?: [a-z]+(?:-[a-z]+)*)+)")
_TARGET = re.compile(r"`make ([a-z]+)`|^(?:\$ )?make ([a-z_./]+)", re.MULTILINE)


def anchors(text: str) -> set[str]:
    """The headings as GitHub links to them."""
    headings = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(text))
    return {heading.replace(" ", "-") for heading in headings}


def unknown_commands(text: str) -> Iterator[str]:
    """What is named as a command and is none; what follows a command's words is its argument."""
    known = commands()
    for words in _COMMAND.findall(text):
        path = "segment-export"
        for word in words.split():
            if not isinstance(known.get(path), click.Group):
                break
            path = f"{path} {word}"
        if path not in known:
            yield words


@BY_NAME
def test_links_lead_somewhere(path: Path) -> None:
    """A link within the project leads to a file, and to a heading of it."""
    for link in _LINK.findall(path.read_text()):
        if not link.startswith("https://"):
            name, _, anchor = link.partition("#")
            target = path.parent / name if name else path
            assert target.exists(), link
            assert not anchor or anchor in anchors(target.read_text()), link


@BY_NAME
def test_commands_exist(path: Path) -> None:
    """A command that a page names is one, and a target of make too."""
    text = path.read_text()
    assert not list(unknown_commands(text))
    makefile = (ROOT / "Makefile").read_text()
    for target in filter(None, (name for names in _TARGET.findall(text) for name in names)):
        assert re.search(rf"(^|\s){re.escape(target)}(:|\s|$)", makefile, re.MULTILINE), target


def test_the_changelog_has_the_version() -> None:
    """Its newest part is about the version that is built, and states what happens to data."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    newest = (ROOT / "CHANGELOG.md").read_text().split("\n## ")[1]
    assert newest.startswith(f"[{version}]")
    assert "\n- **Data**: " in newest
