"""Ctrl-C during a run: the first one waits for the posts in flight, the second one does not."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click
from rich.console import Console

from cli.terminal.entry import INTERRUPTED, print_error

LEFT_OPEN = "The run is still open, and nothing is lost. Run the same command again to resume it."


@contextmanager
def stopping(as_json: bool) -> Iterator[None]:
    """Raises KeyboardInterrupt at Ctrl-C, as usual, and immediately shows what it waits for."""

    def first(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, second)
        # Not with click, which bypasses the live display: written like this, the line appears above it.
        sys.stderr.write("Stopping after the posts in flight. Press Ctrl-C again to stop immediately.\n")
        sys.stderr.flush()
        raise KeyboardInterrupt

    def second(_number: int, _frame: FrameType | None) -> None:
        # A run survives its process: only the terminal's cursor needs restoring.
        if sys.stderr.isatty():
            Console(stderr=True).show_cursor()
            click.echo(err=True)  # the live display does not end in a newline
        print_error("interrupted", LEFT_OPEN, as_json)
        os._exit(INTERRUPTED)

    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:  # a background job receives no Ctrl-C
        yield
        return
    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
