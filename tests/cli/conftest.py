"""The command in this process, in a world of its own."""

import csv
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import main
from sandbox.people import COLUMNS, People
from tests.support.world import World, a_world, environment_of

type Command = Callable[..., Result]

# What `send` needs, and columns for it.
KEY = {"KLAVIYO_API_KEY": "pk_sandbox"}
MAPS = ["--email", "EMail", "--map", "first_name=FirstName", "--map", "location.city=City"]


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


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A file of 200 people."""
    return file_of(tmp_path / "people.csv", list(People(200, dirt=True)))


def file_of(path: Path, rows: Sequence[Sequence[str]], delimiter: str = ",") -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    return path
