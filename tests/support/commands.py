"""The command's own commands, as a person can type them."""

import click

from cli.main import main


def commands(command: click.Command = main, path: str = "segment-export") -> dict[str, click.Command]:
    """A command and those below it, by what is typed."""
    found = {path: command}
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            found |= commands(child, f"{path} {name}")
    return found
