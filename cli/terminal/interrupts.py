"""Ctrl-C while a run goes on: the first one waits for the posts on their way, the second for nothing."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click
from rich.console import Console

from cli.terminal.entry import INTERRUPTED, print_error

LEFT_OPEN = "The run is open: nothing is lost, and the same command goes on with it."


@contextmanager
def stopping(as_json: bool) -> Iterator[None]:
    """Raises KeyboardInterrupt at Ctrl-C, as ever, and says at once what it waits for."""

    def first(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, second)
        # Not by click, which writes past the live display: this way it comes to stand above it.
        sys.stderr.write("Stopping after the posts on their way; Ctrl-C again stops at once.\n")
        sys.stderr.flush()
        raise KeyboardInterrupt

    def second(_number: int, _frame: FrameType | None) -> None:
        # A run survives its process, so nothing has to be waited for but the terminal's cursor.
        if sys.stderr.isatty():
            Console(stderr=True).show_cursor()
            click.echo(err=True)  # what moves there has no end of line
        print_error("interrupted", LEFT_OPEN, as_json)
        os._exit(INTERRUPTED)

    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:  # a job in the background hears no Ctrl-C
        yield
        return
    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
