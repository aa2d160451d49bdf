"""The command in this process, in a world of its own."""

import csv
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from zipfile import ZipFile

import pytest
from click.testing import CliRunner, Result

from cli.main import main
from sandbox.people import COLUMNS, People
from tests.support.world import LIST, World, a_world, environment_of

type Command = Callable[..., Result]

# What `send` needs, and columns for it.
KEY = {"KLAVIYO_API_KEY": "pk_sandbox"}
MAPS = ["--email", "EMail", "--map", "first_name=FirstName", "--map", "location.city=City"]


# A file with consents, and what `send` needs for it.
MAIL = ["--list", LIST, "--email", "E-Mail"]
PEOPLE = (
    "E-Mail,Telefon,Opted In\n"
    "yes@example.org,0151 12345678,Yes\n"
    "no@example.org,+4915112345679,No\n"
    "blank@example.org,,\n"
    "maybe@example.org,,Maybe\n"
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An installation whose Klaviyo goes by the machine's clock, as the command does."""
    with a_world(tmp_path, clock=time.time, limits=False, keep_attributes=True) as world:
        yield world


@pytest.fixture
def command(world: World) -> Command:
    """Runs `segment-export` with these arguments in the world's environment; `input` is typed."""

    def run(*arguments: str, input: str | None = None, **environment: str) -> Result:
        return CliRunner(env=environment_of(world) | environment).invoke(main, arguments, input=input)

    return run


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A file of 200 people."""
    return file_of(tmp_path / "people.csv", list(People(200, dirt=True)))


def file_of(path: Path, rows: Sequence[Sequence[str]], delimiter: str = ",") -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    return path


SHEET = """<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData>{}</worksheet>"""
WORKBOOK = """<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"
xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>
<sheet name="Kunden" sheetId="1"{} r:id="r1"/><sheet name="Other" sheetId="2" r:id="r2"/>
</sheets></workbook>"""
RELATIONS = """<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>"""
TYPE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"


def workbook(
    path: Path, *rows: tuple[str | int | float | bool, ...], hides: bool = False, merged: str = ""
) -> Path:
    """Writes an .xlsx file whose first sheet has these rows; with `hides` it is hidden, and the second sheet
    has only the first two rows. `merged` is a range of its cells."""

    def cell(value: str | int | float | bool) -> str:
        match value:
            case bool():
                return f'<c t="b"><v>{int(value)}</v></c>'
            case str():
                return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
            case _:
                return f"<c><v>{value}</v></c>"

    def relations(kind: str, *targets: str) -> str:
        made = (
            f'<Relationship Id="r{number}" Type="{TYPE}{kind}" Target="{target}"/>'
            for number, target in enumerate(targets, 1)
        )
        return RELATIONS.format("".join(made))

    content = [f"<row>{''.join(map(cell, row))}</row>" for row in rows]
    merges = f'<mergeCells><mergeCell ref="{merged}"/></mergeCells>' if merged else ""
    with ZipFile(path, "w") as archive:
        archive.writestr("_rels/.rels", relations("officeDocument", "xl/workbook.xml"))
        archive.writestr("xl/workbook.xml", WORKBOOK.format(' state="hidden"' if hides else ""))
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            relations("worksheet", "worksheets/sheet1.xml", "worksheets/sheet2.xml"),
        )
        archive.writestr("xl/worksheets/sheet1.xml", SHEET.format("".join(content), merges))
        second = "".join(content[:2]) if hides else ""
        archive.writestr("xl/worksheets/sheet2.xml", SHEET.format(second, ""))
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with consents."""
    path = tmp_path / "people.csv"
    path.write_text(PEOPLE)
    return path
