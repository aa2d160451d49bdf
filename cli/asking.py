"""Asks for missing options in a terminal; without a terminal, a missing option is an error."""

import os
import sys
from collections.abc import Callable, Sequence

import click

from cli.terminal.output import agrees, note
from shared.text import shown

# Names that a question shows.
MOST_SHOWN = 30


def can_ask() -> bool:
    """Whether standard input is a terminal, so that a person can answer."""
    return sys.stdin.isatty()


def needs(option: str) -> click.UsageError:
    """The error for a missing option without a terminal."""
    return click.UsageError(f"{option} is missing. Give it, or run the command in a terminal to be asked.")


def pick[T](question: str, items: Sequence[T], name: Callable[[T], str], option: str, *, asks: bool) -> T:
    """Lets the person pick an item by its number; takes the only item without asking."""
    if not items:
        raise click.UsageError(f"{option} has nothing to choose from. Add one first.")
    if len(items) == 1:
        note(f"{question}: {name(items[0])}")
        return items[0]
    if not asks:
        raise needs(option)
    for number, item in enumerate(items[:MOST_SHOWN], 1):
        note(f"  {number:>2}  {name(item)}")
    if len(items) > MOST_SHOWN:
        note(f"  and {len(items) - MOST_SHOWN:,} more: give {option}")
    number = click.prompt(shown(question), type=click.IntRange(1, min(len(items), MOST_SHOWN)), err=True)
    return items[number - 1]


def api_key(check: Callable[[str], None] = lambda _: None) -> str:
    """The key from KLAVIYO_API_KEY, or typed and not shown; asks again if the typed one fails `check`."""

    def checked(text: str) -> str:
        key = _key(text)
        check(key)
        return key

    if key := os.environ.get("KLAVIYO_API_KEY", "").strip():
        return key
    if not can_ask():
        return _piped(checked)
    typed: str = click.prompt("Klaviyo's private API key (not shown)", hide_input=True, value_proc=checked)
    return typed


def _piped(checked: Callable[[str], str]) -> str:
    """The first line of standard input that passes; a pipe has no echo to turn off."""
    for line in sys.stdin:
        try:
            return checked(line)
        except click.UsageError as refusal:
            note(f"Error: {refusal.message}")
    raise click.Abort


def _key(text: str) -> str:
    key = text.strip()
    if not key or not key.isascii() or not key.isprintable():
        raise click.UsageError("A key must be printable ASCII text.")
    return key


def is_sure(question: str, *, yes: bool, as_json: bool) -> bool:
    """Asks a person before something is deleted for good; does not ask scripts."""
    return yes or as_json or not can_ask() or agrees(question)
