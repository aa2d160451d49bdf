"""docs/commands.md matches the commands' help."""

import click

from cli.reference import reference
from tests.docs.pages import page
from tests.support.commands import commands


def test_the_page_is_up_to_date() -> None:
    """A change of a command changes its page: `python -m cli.reference > docs/commands.md`."""
    assert page("docs/commands.md") == reference()


def test_every_command_has_an_example() -> None:
    """Its help shows how to call it, and what each option does."""
    for path, command in commands().items():
        assert f": {path}" in (command.help or ""), path
        assert all(option.help for option in command.params if isinstance(option, click.Option)), path
