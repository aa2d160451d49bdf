"""Processes that are forked from one that has imported the command: starting Python afresh takes a second."""

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Any

from cli.main import main

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        *{each.module for section in main.sections.values() for each in section},
        "sandbox.functions_host.serve",
        "shared.adapters.credential",
        "shared.adapters.storage.blobs",
        "azure.functions",
        # What pages and API are made of; not `shared.api`, which reads a setting as it is imported.
        "jinja2",
        "shared.administration.exports",
        "shared.administration.overview",
        "shared.runs.work.tick",
        "pytest",
    ]
)


@contextmanager
def forked(work: Callable[..., None], *arguments: Any) -> Iterator[ForkServerProcess]:
    """A process that does this work: its exit code is that of `sys.exit`, or of the signal that killed it.

    The block ends when it has ended.
    """
    process = _FORKS.Process(target=work, args=arguments)
    process.start()
    try:
        yield process
    except BaseException:
        process.kill()
        raise
    finally:
        process.join()


@contextmanager
def running(
    arguments: Sequence[str], environment: Mapping[str, str], output: str | Path = os.devnull
) -> Iterator[ForkServerProcess]:
    """`segment-export` with these arguments, whose standard output goes into a file."""
    with forked(_command, arguments, environment, output) as process:
        yield process


def in_terminal(arguments: Sequence[str], environment: Mapping[str, str], typed: str = "") -> tuple[int, str]:
    """Runs `segment-export` in a terminal of 80 columns; its exit code and what the screen got.

    Behind what is typed comes the end of input: a question too many ends the command.
    """
    terminal, screen = os.openpty()
    environment = {**environment, "COLUMNS": "80", "TERM": "xterm"}
    os.write(terminal, f"{typed}\x04".encode())
    said = b""
    with forked(_command_in_terminal, arguments, environment, DupFd(screen)) as process:
        os.close(screen)
        while chunk := _read(terminal):
            said += chunk
    os.close(terminal)
    assert process.exitcode is not None
    return process.exitcode, said.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # the other end is gone
        return b""


def _command(arguments: Sequence[str], environment: Mapping[str, str], output: str | Path) -> None:
    with Path(output).open("wb") as file:
        os.dup2(file.fileno(), 1)
    _run(arguments, environment)


def _command_in_terminal(arguments: Sequence[str], environment: Mapping[str, str], screen: Any) -> None:
    os.login_tty(screen.detach())
    _run(arguments, environment)


def _run(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    set_environment(environment)
    # What they lead to has changed.
    sys.stdin, sys.stdout = open(0), open(1, "w")  # noqa: SIM115
    sys.stderr = open(2, "w", errors="backslashreplace")  # noqa: SIM115
    sys.argv = ["segment-export", *arguments]
    main()


def set_environment(environment: Mapping[str, str]) -> None:
    """In place of the environment of the process that this one was forked from."""
    os.environ.clear()
    os.environ.update(environment)
