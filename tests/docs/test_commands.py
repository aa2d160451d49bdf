"""docs/commands.md is what the command says of itself."""

import click

from cli.main import main
from cli.reference import reference
from tests.docs.pages import page


def commands(command: click.Command, path: str) -> dict[str, click.Command]:
    """A command and those below it, by what is typed."""
    below = command.commands if isinstance(command, click.Group) else {}
    found = {path: command}
    for name, child in below.items():
        found |= commands(child, f"{path} {name}")
    return found


def test_the_page_is_up_to_date() -> None:
    """A change of a command changes its page: `python -m cli.reference > docs/commands.md`."""
    assert page("docs/commands.md") == reference()


def test_every_command_has_an_example() -> None:
    """Whoever asks a command for help sees how it is called, and what each option does."""
    for path, command in commands(main, "segment-export").items():
        assert f": {path}" in (command.help or ""), path
        assert all(option.help for option in command.params if isinstance(option, click.Option)), path
