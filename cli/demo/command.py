"""The command `demo`."""

import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from cli.demo import story
from cli.demo.ground import FOLDER, settings_of, troubled_klaviyo
from cli.demo.staying import stay
from cli.demo.week import PastClock, Week
from cli.servers import PORT, check_app, has_app
from cli.terminal.entry import INTERRUPTED, OK, exit_code_of_run, print_error
from cli.terminal.live import WatchedClock
from cli.terminal.output import print_line
from shared.adapters.storage.files import make_folder
from shared.errors import AlreadyRunning, InvalidRequest
from shared.runs.record import RunRecord
from shared.services import Services


@click.command()
@click.option(
    "--stay",
    "stays",
    is_flag=True,
    help="Then serve the page with a week of these runs, for an administrator, until Ctrl-C.",
)
@click.option("--port", type=PORT, help="With --stay: the port on 127.0.0.1; a free one by default.")
def demo(stays: bool, port: int | None) -> int:
    """Export a synthetic segment of 25,000 people to a stand-in Klaviyo, and show the result.

    Each demo starts over, in the folder data/demo.

    Example: segment-export demo
    """
    if port is not None and not stays:
        raise click.UsageError("--port needs --stay.")
    if stays:
        check_app()
    with _alone():
        try:
            return _demo_and_stay(port or 0) if stays else _demo()
        except KeyboardInterrupt:
            print_error("interrupted", "The demo was interrupted. The next one starts over.", as_json=False)
            return INTERRUPTED


@contextmanager
def _alone() -> Iterator[None]:
    """Creates the folder, and locks it against other demos."""
    try:
        make_folder(FOLDER)
    except OSError as error:
        raise InvalidRequest(
            f"The folder {FOLDER} can't be created here: {error.strerror}. "
            "Remove what is there, or run the demo in another folder."
        ) from None
    descriptor = os.open(FOLDER.parent, os.O_RDONLY)
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise AlreadyRunning(
            f"Another demo is running in {FOLDER}. Stop it, or run this one in another folder."
        ) from None


def _demo() -> int:
    from sandbox.klaviyo import app
    from sandbox.serving import serving

    stand_in = troubled_klaviyo()
    with serving(app(stand_in)) as url, _services(url, WatchedClock()) as services:
        record = story.tell(services, stand_in)
    _print_files(record)
    _print_what_next()
    return exit_code_of_run(record)


def _demo_and_stay(port: int) -> int:
    from sandbox.klaviyo import app
    from sandbox.serving import serving

    clock = PastClock()
    stand_in = troubled_klaviyo(clock.epoch)
    with serving(app(stand_in)) as url:
        with _services(url, clock) as services:
            record = Week(services, clock, stand_in).tell()
        _print_files(record)
        stay(services.settings, port)
    return OK


def _services(klaviyo_url: str, clock: WatchedClock) -> Services:
    shutil.rmtree(FOLDER, ignore_errors=True)
    return Services.from_settings(settings_of(klaviyo_url), clock)


def _print_files(record: RunRecord) -> None:
    runs = FOLDER / "state" / "runs" / record.export
    _print(f"""
Files:
  {FOLDER}/segments  the segment, in the format of Customer Insights
  {FOLDER}/state/exports/vip.json  the export's document
  {runs}/{record.id}.json  the run's record
  {runs}/{record.id}.rejected.csv  place and reason of each refused row""")


def _print_what_next() -> None:
    command = sys.argv[0]
    _print(f"""
Try next:
  export SEGMENTS_URL=file:{FOLDER}/segments STATE_URL=file:{FOLDER}/state
  export SECRETS_FILE={FOLDER}/secrets.json KLAVIYO_URL=http://127.0.0.1:8080
  {command} sandbox &  (a new stand-in Klaviyo, in the background)
  {command} segments
  {command} run vip --dry-run
  {command} send people.csv --list ID --email COLUMN --dry-run  (your own file)""")
    if has_app():
        _print(f"""
See a week of these runs in your browser, until Ctrl-C:
  {command} demo --stay""")


def _print(text: str) -> None:
    for line in text.splitlines():
        print_line(line)
