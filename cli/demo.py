"""`demo`: an export from a synthetic segment to a list, on this machine only."""

import csv
import fcntl
import getpass
import io
import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.runs import run_export
from cli.terminal.entry import INTERRUPTED, exit_code_of_run, print_error
from cli.terminal.live import WatchedClock, watching
from cli.terminal.output import print_line
from cli.terminal.results import print_counts, print_notes, print_run
from cli.terminal.tables import print_table, table
from sandbox.people import COLUMNS, People, Row, email
from sandbox.sample import example_documents, write_segment
from shared.adapters.storage import open_store
from shared.adapters.storage.files import make_folder
from shared.errors import AlreadyRunning, InvalidRequest
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from shared.runs.views.history import read_rejected
from shared.services import Services
from shared.settings import Settings

if TYPE_CHECKING:
    from sandbox.klaviyo import StandIn

FOLDER = Path("data/demo")
SEGMENT = "HighValueSegment"
PEOPLE = 25_000
# The people of two refreshes.
LEFT, NEW, MOVED, REST = 250, 150, 100, 5_000
LIST = "Y6nRLr"


@click.command()
def demo() -> int:
    """Export a synthetic segment of 25,000 people to a stand-in Klaviyo, and show the result.

    Each demo starts over, in data/demo.

    Example: segment-export demo
    """
    with _alone():
        try:
            return _demo()
        except KeyboardInterrupt:
            print_error("interrupted", "Interrupted: the next demo starts over.", as_json=False)
            return INTERRUPTED


@contextmanager
def _alone() -> Iterator[None]:
    """Creates the folder, and keeps other demos out of it."""
    try:
        make_folder(FOLDER)
    except OSError as error:
        raise InvalidRequest(
            f"The folder {FOLDER} can't be created here: {error.strerror}. "
            "Remove what is in its place, or run the demo in another folder."
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
            f"Another demo is running in {FOLDER}. Wait until it is done, or run this one in another folder."
        ) from None


def _demo() -> int:
    from sandbox.klaviyo import app
    from sandbox.serving import serving

    stand_in = troubled_klaviyo()
    with serving(app(stand_in)) as url:
        shutil.rmtree(FOLDER, ignore_errors=True)
        settings = Settings(
            segments_url=f"file:{FOLDER}/segments",
            state_url=f"file:{FOLDER}/state",
            secrets_file=FOLDER / "secrets.json",
            klaviyo_url=url,
        )
        refreshed = datetime.now(UTC) - timedelta(minutes=2)
        write_demo(settings, refreshed)
        print_line(f"Created a segment of {PEOPLE:,} synthetic people in {FOLDER}/segments.")
        print_line(f"The stand-in Klaviyo at {url} throttles, fails, and loses a response.")
        with Services.from_settings(settings, WatchedClock()) as services:
            with watching(services, "vip"):
                record = run_export(services, "vip", Request("command", getpass.getuser()))
            print_run(record, settings.state_url, as_json=False)
            _print_refused(services, record)
            print_line(f"The list {LIST} of the stand-in has {len(stand_in.members(LIST)):,} members.")
            _refresh(services, stand_in, refreshed + timedelta(minutes=1))
            _lose_most(services, stand_in, refreshed + timedelta(minutes=2))
    _print_what_next(record)
    return exit_code_of_run(record)


def _refresh(services: Services, stand_in: "StandIn", refreshed: datetime) -> None:
    """Some leave, some are new, some have changed."""
    print_line("")
    print_line(
        f"A refresh later {LEFT:,} people have left the segment, {NEW:,} are new, {MOVED:,} have moved."
    )
    people = _moved(People(PEOPLE - LEFT + NEW, dirt=True, start=LEFT), MOVED)
    write_segment(services.segment_store, SEGMENT, people, refreshed=refreshed)
    _run_again(services, stand_in)


def _lose_most(services: Services, stand_in: "StandIn", refreshed: datetime) -> None:
    """Somebody has broken the segment: nobody is removed before somebody has looked."""
    print_line("")
    print_line(f"Then somebody breaks the segment: all but {REST:,} people are missing.")
    people = _moved(People(REST, dirt=True, start=LEFT), MOVED)
    write_segment(services.segment_store, SEGMENT, people, refreshed=refreshed)
    _run_again(services, stand_in)


def _run_again(services: Services, stand_in: "StandIn") -> None:
    with watching(services, "vip"):
        record = run_export(services, "vip", Request("command", getpass.getuser()))
    print_counts(record.counts.model_dump())
    print_notes({}, [warning for warning in record.warnings if warning.code == "removals_held"])
    print_line(f"The list now has {len(stand_in.members(LIST)):,} members.")


def _moved(people: Iterable[Row], count: int) -> list[Row]:
    """Of these people, the first so many live elsewhere."""
    city = list(COLUMNS).index("City")
    rows = list(people)
    return [(*row[:city], "Lisbon", *row[city + 1 :]) for row in rows[:count]] + rows[count:]


def troubled_klaviyo() -> "StandIn":
    """A stand-in with Klaviyo's rate limits and some of its failures."""
    from sandbox.klaviyo import Fault, ImportFailure, StandIn

    stand_in = StandIn(job_seconds=2)
    stand_in.faults.add(
        [
            Fault("error", method="POST", nth=1, status=429, retry_after=2),
            Fault("error", method="POST", nth=2, status=503),
            Fault("cut_after", method="POST", nth=3),
        ]
    )
    stand_in.refused_emails = {email(1_000), email(2_000)}
    stand_in.failures = {email(index): ImportFailure() for index in (15_000, 16_000, 17_000)}
    return stand_in


def write_demo(settings: Settings, refreshed: datetime) -> None:
    """Writes the synthetic segment, a connection and an export for it, and the stand-in's key."""
    segments, state = open_store(settings.segments_url), open_store(settings.state_url)
    write_segment(segments, SEGMENT, People(PEOPLE, dirt=True), refreshed=refreshed)
    documents = example_documents()
    documents["exports/vip.json"] |= {"sync": {"mode": "mirror"}}
    for name, document in documents.items():
        state.write(name, json.dumps(document, indent=1).encode())
    descriptor = os.open(settings.secrets_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"klaviyo-sandbox": "pk_sandbox"}, file)


def _print_refused(services: Services, record: RunRecord) -> None:
    """Prints how many rows were refused, by reason and by place."""
    content = read_rejected(services.state, record.id).decode()
    counts = Counter((row["reason"], row["stage"]) for row in csv.DictReader(io.StringIO(content)))
    by = {"check": "our checks", "import": "Klaviyo, on receipt", "job": "Klaviyo, in the job"}
    made = table("refused", "by", "rows", numbers=("rows",))
    for (reason, stage), count in counts.most_common():
        made.add_row(reason, by[stage], f"{count:,}")
    print_table(made)


def _print_what_next(record: RunRecord) -> None:
    runs = FOLDER / "state" / "runs" / record.export
    command = sys.argv[0]
    text = f"""
Files:
  {FOLDER}/segments  the segment, in the format of Customer Insights
  {FOLDER}/state/exports/vip.json  the export's document
  {runs}/{record.id}.json  the run's record
  {runs}/{record.id}.rejected.csv  place and reason of each refused row

Try next:
  export SEGMENTS_URL=file:{FOLDER}/segments STATE_URL=file:{FOLDER}/state
  export SECRETS_FILE={FOLDER}/secrets.json KLAVIYO_URL=http://127.0.0.1:8080
  {command} segments
  {command} run vip --dry-run
  {command} send people.csv --list ID --email COLUMN --dry-run  (your own CSV file)"""
    for line in text.splitlines():
        print_line(line)
