"""Writes the reference of the commands: `python -m cli.reference > docs/commands.md`."""

import re
import textwrap
from collections.abc import Iterator

import click

from cli.main import main
from cli.terminal.entry import FAILED, INTERRUPTED, LEFT_OPEN, OK, TAKEN, USAGE

INTRODUCTION = f"""\
# Commands

Generated from the commands' help texts by `python -m cli.reference > docs/commands.md`.

By default, the commands print progress and tables. With `--json`, standard output is exactly one JSON
document, such as the [record](http.md#run-an-export) of a run, or
`{{"error": {{"code", "message"}}}}` with one of the error [codes](codes.md). The commands read their
[settings](configuration.md#settings) from the environment.

| exit code | meaning |
|---|---|
| {OK} | successful, or completed with warnings |
| {FAILED} | failed or canceled |
| {USAGE} | wrong usage, settings or documents, or a problem that a person has to fix |
| {LEFT_OPEN} | left open after 20 minutes without progress: the same command resumes it |
| {TAKEN} | another process is running this export |
| {INTERRUPTED} | interrupted by Ctrl-C; an open run stays open, and the same command resumes it |
"""

_EXAMPLE = re.compile(r"(Example[^:]*): (.+)", re.DOTALL)


def reference() -> str:
    """The page as Markdown."""
    return "\n".join([INTRODUCTION, *_sections(click.Context(main, info_name="segment-export"))])


def _sections(context: click.Context) -> Iterator[str]:
    """The section of a command, then those of its subcommands."""
    command = context.command
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"## {context.command_path}\n\n```text\n{usage}\n```\n"
    yield from map(_paragraph, textwrap.dedent(command.help or "").strip().split("\n\n"))
    options = [_row(option) for option in command.params if isinstance(option, click.Option)]
    if options:
        yield "\n".join(["| option | default | meaning |", "|---|---|---|", *options]) + "\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            if below := command.get_command(context, name):
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
