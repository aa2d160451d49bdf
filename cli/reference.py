"""The commands as a page of the documentation: `python -m cli.reference > docs/commands.md` writes it."""

import re
import textwrap
from collections.abc import Iterator

import click

from cli.main import main
from cli.terminal.entry import FAILED, INTERRUPTED, LEFT_OPEN, OK, TAKEN, USAGE

INTRODUCTION = f"""\
# Commands

Made from the command's own help by `python -m cli.reference > docs/commands.md`.

A person gets progress and tables; with `--json`, standard output has one JSON document and nothing else: for
a run its [record](http.md#run-an-export), for an error `{{"error": {{"code", "message"}}}}` with one of the
[codes](codes.md). The [settings](configuration.md#settings) come from the environment.

| exit code | meaning |
|---|---|
| {OK} | successful, or completed with warnings |
| {FAILED} | failed or cancelled |
| {USAGE} | wrong usage, settings, documents, or something that only people can mend |
| {LEFT_OPEN} | left open, after 20 minutes without progress: the same command goes on with it |
| {TAKEN} | somebody else is running this export |
| {INTERRUPTED} | interrupted by Ctrl-C; an open run stays open |
"""

_EXAMPLE = re.compile(r"(Example[^:]*): (.+)", re.DOTALL)


def reference() -> str:
    """The page, in Markdown."""
    return "\n".join([INTRODUCTION, *_sections(click.Context(main, info_name="segment-export"))])


def _sections(context: click.Context) -> Iterator[str]:
    """The section of a command, and those of the commands below it."""
    command = context.command
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"## {context.command_path}\n\n```text\n{usage}\n```\n"
    yield from map(_paragraph, textwrap.dedent(command.help or "").strip().split("\n\n"))
    options = [_row(option) for option in command.params if isinstance(option, click.Option)]
    if options:
        yield "\n".join(["| option | default | meaning |", "|---|---|---|", *options]) + "\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.commands[name]
            yield from _sections(click.Context(below, info_name=name, parent=context))


def _paragraph(text: str) -> str:
    line = " ".join(text.removeprefix("\b\n").split())
    example = _EXAMPLE.fullmatch(line)
    return f"{example[1]}:\n\n```text\n{example[2]}\n```\n" if example else f"{line}\n"


def _row(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    value = "" if option.is_flag else f" `{option.make_metavar(click.Context(main))}`"
    default = f"`{option.default}`" if option.show_default else ""
    return f"| {names}{value} | {default} | {option.help or ''} |"


if __name__ == "__main__":
    click.echo(reference(), nl=False)
