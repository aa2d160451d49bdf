"""Refused rows by the million: counted exactly, listed once, and never all of them in memory."""

import csv
import io
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.people import COLUMNS, People
from shared.profiles import Rejected
from shared.runs.advance import start
from shared.runs.lock.export import ExportLock
from shared.runs.starting import Request
from shared.runs.steps.parts import CheckedRows, Parts, RejectedLines
from shared.runs.steps.rejected import CHUNK, MOST_LISTED, inert
from shared.runs.views.history import read_rejected
from tests.docs.pages import page
from tests.support.host import COMMAND
from tests.support.processes import killed_after_a_job
from tests.support.small_batches import UnusualPeople
from tests.support.world import World, a_world, environment_of

# So long that a part is full after a hundred rows.
COLUMN = "c" * (CHUNK // 100)


@contextmanager
def held(world: World) -> Iterator[tuple[Parts, str]]:
    """The parts of an open run, and where its rejected file will be."""
    world.segment(People(1))
    record = start(world.services, "vip", Request("command", "tester"))
    with ExportLock.acquire(world.services.state, "vip", world.clock) as hold:
        yield Parts(hold), f"runs/vip/{record.id}.rejected.csv"


def a_pass(parts: Parts, rows: int, column: str = COLUMN, *, ends: bool = True) -> None:
    """A pass over so many rows that are all refused; without an end, its process dies."""
    checked = CheckedRows(parts)
    for row in range(1, rows + 1):
        checked.add(Rejected(0, row, column, "missing_email"))
    if ends:
        checked.flush()


def listed(world: World, name: str) -> list[str]:
    """The rows' numbers in the rejected file."""
    content = world.services.state.read(name).content.decode()
    return [line["row"] for line in csv.DictReader(io.StringIO(content))]


def test_a_pass_that_ends_earlier_leaves_nothing_of_the_longer_one(world: World) -> None:
    """The parts of the pass before are replaced, or left out: its rows are not this pass's."""
    with held(world) as (parts, file):
        a_pass(parts, 1_000)
        a_pass(parts, 350)

        assert parts.join_rejected(["a.csv"], set(), 350, MOST_LISTED) == 350

    assert listed(world, file) == [str(row) for row in range(1, 351)]


def test_a_pass_that_died_is_completed_from_the_one_before(world: World) -> None:
    """What it had refused and not yet written stands in the parts of the pass before: each row once."""
    with held(world) as (parts, file):
        a_pass(parts, 1_000)
        a_pass(parts, 350, ends=False)

        assert parts.join_rejected(["a.csv"], set(), 350, MOST_LISTED) == 350

    assert listed(world, file) == [str(row) for row in range(1, 351)]


def test_other_code_lists_no_row_twice(world: World) -> None:
    """After a deployment parts may end elsewhere; where they overlap, a row is listed once."""
    with held(world) as (parts, file):
        a_pass(parts, 1_000, COLUMN[:-2_000])
        a_pass(parts, 350, ends=False)
        parts.join_rejected(["a.csv"], set(), 1_000, MOST_LISTED)

    rows = listed(world, file)
    assert len(rows) == len(set(rows))
    assert rows == sorted(rows, key=int)


def test_what_klaviyo_refused_is_listed_beside_the_checks(world: World) -> None:
    """Parts of batches come first, whole; those of another life are left out."""
    with held(world) as (parts, file):
        a_pass(parts, 250)
        parts.write_rejected("ours", RejectedLines([Rejected(0, 7_000, "EMail", "invalid", "import")]))
        parts.write_rejected("theirs", RejectedLines([Rejected(0, 8_000, "EMail", "invalid", "import")]))

        assert parts.join_rejected(["a.csv"], {"ours"}, 250, MOST_LISTED) == 251

    assert listed(world, file) == ["7000", *(str(row) for row in range(1, 251))]


@pytest.fixture
def real_time(tmp_path: Path) -> Iterator[World]:
    """An installation that other processes work in."""
    with a_world(tmp_path, clock=time.time, limits=False) as world:
        yield world


def test_a_run_that_died_and_is_cancelled_counts_its_refused_rows(real_time: World) -> None:
    """The record has all that were refused until the last checkpoint, and says which are not listed."""
    world = real_time
    world.segment(UnusualPeople(1_250, dirt=True))
    # Its holder dies with the first rows refused, and none of them on file.
    killed_after_a_job(world, 2)
    run_id = json.loads(world.services.state.read("heads/vip.json").content)["open"]["record"]["id"]

    done = subprocess.run(
        [str(COMMAND), "runs", "cancel", run_id, "--json"],
        env=environment_of(world),
        capture_output=True,
        check=True,
    )

    record = json.loads(done.stdout)
    warnings = {warning["code"]: warning["count"] for warning in record["warnings"]}
    lines = read_rejected(world.services.state, run_id).splitlines()[1:]
    assert record["status"] == "canceled"
    assert record["counts"]["rejected"] > 0
    assert record["counts"]["rejected"] == sum(record["rejected_by_reason"].values())
    assert record["counts"]["rejected"] == len(lines) + warnings.get("refused_rows_incomplete", 0)


# The command where a smaller file is full, and its memory before and after.
MEASURED = """
import sys
from cli.main import main
from shared.runs.steps import close, parts
close.MOST_LISTED = parts.MOST_LISTED = int(sys.argv.pop())
def measure():
    sys.stderr.write(open("/proc/self/status").read())
measure()
try:
    main(sys.argv[1:])
finally:
    measure()
"""


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the memory")
def test_more_refused_rows_than_the_file_lists(real_time: World) -> None:
    """So many are listed, all are counted, a warning says how many are not listed; memory stays small."""
    world, most, rows = real_time, 280_000, 300_000
    world.segment([("",) * len(COLUMNS)] * rows, partitions=1)
    world.document("exports/vip.json", limits={"max_profiles": 2 * rows})

    done = subprocess.run(
        [sys.executable, "-c", MEASURED, "run", "vip", "--json", str(most)],
        env=environment_of(world),
        capture_output=True,
        check=True,
    )

    record = json.loads(done.stdout)
    warnings = {warning["code"]: warning["count"] for warning in record["warnings"]}
    assert record["counts"]["rows"] == record["counts"]["rejected"] == rows
    assert record["rejected_by_reason"] == {"missing_email": rows}
    assert warnings["rejected_not_listed"] == rows - most
    assert read_rejected(world.services.state, record["id"]).count(b"\n") == 1 + most
    before, after = map(int, re.findall(rb"VmHWM:\s+(\d+) kB", done.stderr))
    assert after - before < 24_000  # kilobytes; were the rows kept, their bytes alone would be 20,000 more


def test_a_million_are_listed() -> None:
    """The file has as many as the pages say."""
    assert f"The refused rows' file lists {MOST_LISTED:,} rows at most." in page("docs/codes.md")


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u3000=1", "\uff1d1", "\ttext"],
)
def test_no_cell_is_a_formula(world: World, cell: str) -> None:
    """Names and codes from outside stand behind an apostrophe, and the file stays CSV of five columns."""
    with held(world) as (parts, file):
        parts.write_rejected("ours", RejectedLines([Rejected(0, 7, cell, cell, "job")]))
        parts.join_rejected([cell], {"ours"}, 0, 1)

    content = world.services.state.read(file).content.decode()
    _, line = csv.reader(io.StringIO(content, newline=""))
    assert line == [f"'{cell}", "7", f"'{cell}", f"'{cell}", "job"]


@pytest.mark.parametrize("cell", ["", "EMail", "a=b", "Runs/2026-11-26/a.csv", "'=1", "(Do Not Modify) E"])
def test_other_cells_stay_as_they_are(cell: str) -> None:
    """Only what a spreadsheet would calculate is changed."""
    assert inert(cell) == cell
