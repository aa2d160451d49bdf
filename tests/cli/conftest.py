"""The command in this process, in a world of its own."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import main
from tests.support.world import World, a_world, environment_of

type Command = Callable[..., Result]


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
