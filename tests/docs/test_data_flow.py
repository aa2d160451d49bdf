"""docs/data-flow.md speaks of every module that is deployed, and of no other."""

import ast
from collections import Counter
from pathlib import Path

from tests.docs.pages import ROOT, names, page, rows


def does_something(path: Path) -> bool:
    """False for a package's file that only hands names on."""
    handing_on = (ast.Import, ast.ImportFrom, ast.Assign, ast.Expr)
    return not all(isinstance(node, handing_on) for node in ast.parse(path.read_text()).body)


def modules() -> set[str]:
    """As the page names them: those of shared/ without their first folder."""
    paths = [
        path
        for folder in (
            "shared",
            "admin_trigger",
            "export_trigger",
            "page_trigger",
            "schedule_trigger",
            "work_trigger",
        )
        for path in (ROOT / folder).rglob("*.py")
    ]
    return {
        str(path.relative_to(ROOT)).removeprefix("shared/")
        for path in paths
        if path.name != "__init__.py" or does_something(path)
    }


def test_every_module_is_listed_once() -> None:
    """A new module must state whose data it sees."""
    listed = Counter(name for row in rows(page("docs/data-flow.md")) for name in names(row[0]))
    assert set(listed) ^ modules() == set()
    assert set(listed.values()) == {1}
