"""Prints text for people, or one JSON document.

All output of the commands passes through here. It shows control, format and bidi characters in outside names
as codes, so a name can't move the cursor or forge a line.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from shared.text import folded, quoted, shown

if TYPE_CHECKING:
    from rich.console import Console

# Wide enough for any line: output into a pipe does not wrap.
NO_EDGE = 10_000
# Characters of a line, such as one with the names of all segments.
LONGEST = 10_000


def console() -> "Console":
    """Standard output. It wraps only in a terminal, and never treats names as markup."""
    from rich.console import Console  # imported only to print

    width = None if sys.stdout.isatty() else NO_EDGE
    return Console(highlight=False, markup=False, emoji=False, width=width)


def print_line(text: str = "") -> None:
    """Prints a line without wrapping it, so that paths can be copied in a terminal of any width."""
    console().print(shown(text, LONGEST), soft_wrap=True)


def note(text: str) -> None:
    """Prints a line on standard error."""
    click.echo(shown(text, LONGEST), err=True)


def agrees(question: str, *, default: bool = False) -> bool:
    """Asks a yes-or-no question."""
    return click.confirm(shown(question, LONGEST), default=default)


def choose(question: str, names: Sequence[str], default: str | None) -> str:
    """Asks for one of the listed names; capitals do not matter if only one name fits."""

    def named(typed: str) -> str:
        alike = [name for name in names if folded(name) == folded(typed)]
        if typed in names or len(alike) == 1:
            return typed if typed in names else alike[0]
        raise click.UsageError(f"{quoted(typed)} is not one of these.")

    suggested = "" if default is None else f" [{shown(default)}]"
    text = shown(f"{question} ({', '.join(names)})", LONGEST) + suggested
    answer: str = click.prompt(text, default=default, show_default=False, value_proc=named)
    return answer


def print_json(document: object) -> None:
    """Prints one document; unprintable characters are JSON escapes."""
    text = json.dumps(document, default=_members, ensure_ascii=False, indent=2)
    if not text.isascii() or "\x7f" in text:
        text = "".join(each if each.isprintable() or each == "\n" else _escape(each) for each in text)
    click.echo(text)


def _members(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value))


def _escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))
