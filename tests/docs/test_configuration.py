"""docs/configuration.md has every setting and every member of the documents, with its default."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.vault import FileVault
from shared.catalog import Connection, Export
from shared.catalog.attributes import Column, PhoneColumn, PropertyColumn
from shared.settings import Settings
from tests.docs.documents import check
from tests.docs.pages import ROOT, blocks, names, page, rows, section

CONFIGURATION = page("docs/configuration.md")
EXAMPLES = blocks(CONFIGURATION, "json")
# Types that the page explains once, below the table of the export.
SOURCES = {"Source", "PhoneSource", "PropertySource"}


class Asked(dict[str, str]):
    """An environment that records which names were read."""

    def get(self, name: str, *default: Any) -> Any:
        self[name] = ""
        return ""


def defaults(text: str) -> dict[str, str]:
    """The second column by the names in the first, without backquotes."""
    return {name: row[1].strip("`") for row in rows(text) for name in names(row[0])}


def members(kind: Any, schema: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every member of an object, and of the objects below it, with its default as the page has it."""
    for name, member in kind.get("properties", {}).items():
        if name in kind.get("required", ()):
            default = "required"
        else:
            value = member.get("default")
            default = "none" if value is None or isinstance(value, dict) else json.dumps(value)
        yield prefix + name, default
        for below in objects(member, schema):
            yield from members(below, schema, f"{prefix}{name}.")


def objects(member: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Any]:
    """The objects that a member may be."""
    for branch in (member, *member.get("anyOf", ()), *member.get("oneOf", ())):
        name = branch.get("$ref", "").rpartition("/")[2]
        if name and name not in SOURCES:
            yield schema["$defs"][name]


def test_every_setting_is_there_with_its_default() -> None:
    """The page lists exactly the settings that the app reads."""
    environment = Asked()
    Settings.from_environment(environment)
    listed = defaults(section(CONFIGURATION, "## Settings").partition("Read elsewhere")[0])
    assert set(listed) == set(environment)
    for name, value in asdict(Settings()).items():
        text = {None: "none", False: "false"}.get(
            value, f"{value:g}" if isinstance(value, float) else str(value)
        )
        assert listed[name.upper()] == text


def test_what_others_read_is_there() -> None:
    """The page also explains names that the code reads from the environment directly."""
    sources = [
        path.read_text()
        for room in ("shared", "cli", "schedule_trigger", "work_trigger")
        for path in (ROOT / room).rglob("*.py")
    ]
    read = re.compile(
        r'environ(?:\.get\(|\.setdefault\(|\[)"([A-Z_]+)"|schedule="%([A-Z_]+)%"|envvar="([A-Z_]+)"'
    )
    found = {name for text in sources for groups in read.findall(text) for name in groups if name}
    listed = defaults(section(CONFIGURATION, "## Settings").partition("Read elsewhere")[2])
    assert set(listed) == found


@pytest.mark.parametrize("kind", [Connection, Export])
def test_every_member_of_the_documents_is_there(kind: type[Connection | Export]) -> None:
    """A member that a document may have is in its table, with its default, and no other is."""
    schema = kind.model_json_schema()
    table = section(CONFIGURATION, f"## {kind.__name__}").partition("A source is")[0]
    assert sorted(defaults(table).items()) == sorted(members(schema, schema))


def test_sources_are_there() -> None:
    """The page explains each member of a source once."""
    fields = {name for kind in (Column, PhoneColumn, PropertyColumn) for name in kind.model_fields}
    assert set(defaults(CONFIGURATION.partition("A source is")[2])) == fields


@pytest.mark.parametrize("text", [text for text in EXAMPLES if '"id"' in text])
def test_the_examples_are_valid(text: str) -> None:
    """The app accepts a copied example."""
    check(text)


def test_the_secrets_file_can_be_read(tmp_path: Path) -> None:
    """The example of the secrets file is one."""
    (text,) = (text for text in EXAMPLES if '"id"' not in text)
    path = tmp_path / "secrets.json"
    path.write_text(text)
    path.chmod(0o600)
    assert FileVault(path).secret("klaviyo-eu-key") == "pk_..."
