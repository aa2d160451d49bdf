"""The codes that the program can show, collected from its source."""

import ast
import re
from collections.abc import Iterator

from tests.docs.pages import ROOT

FOLDERS = (
    "shared",
    "admin_trigger",
    "export_trigger",
    "page_trigger",
    "schedule_trigger",
    "work_trigger",
    "cli",
    "sandbox/functions_host",
)
# Modules whose functions return a reason, in the place of a row's cells or as a part of an answer.
REASONS = ("shared/segments/csv/record.py", "shared/segments/csv/cells.py", "shared/klaviyo/answers.py")
# Functions that take a code by its place.
TAKES_CODE = {"problem_reply": 1, "print_error": 0, "_document": 3}

_CODE = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")


def error_codes() -> set[str]:
    """The codes of error classes, and those set where an error is raised or reported."""
    found: set[str] = set()
    for tree in _trees(*FOLDERS):
        for node in ast.walk(tree):
            match node:
                case ast.ClassDef():
                    found.update(_class_codes(node))
                case ast.Call():
                    found.update(_call_codes(node))
    return found


def warning_codes() -> set[str]:
    """Codes that are counted as warnings, of a run or of one profile."""
    found: set[str] = set()
    for tree in _trees(*FOLDERS):
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Attribute(attr="warn") | ast.Name(id="warn"), args=[code, *_]):
                    found.update(_codes(code))
                case ast.Call(func=ast.Attribute(value=ast.Name(id="warnings"), attr="append"), args=[code]):
                    found.update(_codes(code))
    return found


def reasons() -> set[str]:
    """Why a row is refused, in our own words; Klaviyo has words of its own."""
    found: set[str] = set()
    for tree in _trees("shared"):
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Name(id="Refusal"), args=[_, reason]):
                    found.update(_codes(reason))
                case ast.Call(func=ast.Name(id="Rejected"), args=[_, _, ast.Constant(), reason, *_]):
                    found.update(_codes(reason))
                case ast.Assign(targets=[ast.Name(id="UNNAMED")], value=reason):
                    found.update(_codes(reason))
    for name in REASONS:
        for node in ast.walk(ast.parse((ROOT / name).read_text())):
            match node:
                case ast.Return(value=ast.Tuple(elts=parts)):
                    found.update(code for part in parts for code in _codes(part))
                case ast.Return(value=ast.expr() as value) | ast.Yield(value=ast.expr() as value):
                    found.update(_codes(value))
    return found


def _trees(*folders: str) -> Iterator[ast.Module]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield ast.parse(path.read_text())


def _class_codes(node: ast.ClassDef) -> Iterator[str]:
    for statement in node.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="code")], value=value):
                yield from _codes(value)


def _call_codes(call: ast.Call) -> Iterator[str]:
    for keyword in call.keywords:
        if keyword.arg == "code":
            yield from _codes(keyword.value)
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name) if len(call.args) > TAKES_CODE.get(name, 99):
            yield from _codes(call.args[TAKES_CODE[name]])


def _codes(node: ast.expr) -> Iterator[str]:
    """The code that an expression is, or may be: `"a" if … else "b"` is both."""
    match node:
        case ast.Constant(value=str(text)) if _CODE.fullmatch(text):
            yield text
        case ast.IfExp():
            yield from _codes(node.body)
            yield from _codes(node.orelse)
