"""`run` and `runs`: exports that are configured."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.klaviyo import Fault, JobPlan
from sandbox.people import People
from shared.catalog import Catalog
from shared.runs.lock.export import ExportLock
from shared.runs.starting import Request, ensure_head, open_run
from shared.runs.views.preview import preview
from tests.cli.conftest import Command
from tests.support.forks import in_terminal
from tests.support.small_batches import UnusualPeople
from tests.support.stores import CountingStore
from tests.support.world import MONDAY, World, environment_of


def test_run_prints_the_record(command: Command, world: World) -> None:
    """--json prints the run's record as its file has it; a person sees counts and reasons."""
    world.segment(People(200, dirt=True))

    result = command("run", "vip", "--json")

    assert (result.exit_code, result.stderr) == (0, "")
    record = json.loads(result.stdout)
    stored = world.services.state.read(f"runs/vip/{record['id']}.json").content
    assert record == json.loads(stored)

    said = command("runs", "show", record["id"]).stdout
    assert f"Run {record['id']}: completed_with_warnings" in said
    assert "rejected, missing_email: 2" in said
    assert json.loads(command("runs", "list", "vip", "--json").stdout) == {"runs": [record]}
    assert record["id"] in command("runs", "list", "vip").stdout


def test_run_that_fails_exits_with_1(command: Command, world: World) -> None:
    """The record has the reason."""
    result = command("run", "vip")

    assert result.exit_code == 1
    assert "error, unknown_segment" in result.stdout


def test_run_that_somebody_else_holds_exits_with_75(command: Command, world: World) -> None:
    """Two processes never run the same export; the second one reports the open run, and how to end it."""
    world.segment(People(5))
    services = world.services
    ensure_head(services, services.catalog.export("vip"))
    with ExportLock.acquire(services.state, "vip", services.clock) as hold:
        open_run(hold, Request("command", "somebody"))
        result = command("run", "vip", "--json")

    assert result.exit_code == 75
    error = json.loads(result.stdout)["error"]
    assert error["code"] == "already_running"
    assert "the export vip" in error["message"]
    assert f"runs cancel {hold.run.record.id}" in error["message"]


def test_a_trial_while_a_run_is_open_is_wrong_usage(command: Command, world: World) -> None:
    """2, since waiting alone does not help: the open run has to end first."""
    world.segment(People(5))
    world.document("connections/sandbox.json", paused=True)
    assert world.run().status == "running"

    result = command("run", "vip", "--limit", "3", "--json")

    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["code"] == "run_is_open"


def test_where_the_refused_rows_are(command: Command, world: World) -> None:
    """The path of their file can be copied; a run without refused rows shows none."""
    world.segment(People(200, dirt=True))
    said = command("run", "vip").stdout
    (line,) = (line for line in said.splitlines() if line.startswith("refused rows: "))
    assert Path(line.removeprefix("refused rows: ")).read_text().startswith("partition,row,")

    world.segment(People(3), refreshed=MONDAY + timedelta(days=1))
    assert "refused rows" not in command("run", "vip").stdout


def test_in_a_terminal_speed_has_a_line_of_its_own(world: World) -> None:
    """At 80 columns none of the moving lines wraps; how long nothing has happened is counted."""
    world.segment(UnusualPeople(1_250))
    world.stand_in.faults.add([Fault("error", method="POST", nth=3, status=429, retry_after=7)])

    code, said = in_terminal(["run", "vip"], environment_of(world))

    assert code == 0, said
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said).replace("\r", "\n").splitlines()
    for pattern in (
        r"  [\d,]+ rows read, .* \d jobs confirmed *",
        r"  ([\d,]+ a second, )?[\d:]+ left *",
        r"  .*nothing new for [5-9] s, [\d:]+ left *",
    ):
        assert any(re.fullmatch(pattern, line) for line in lines), pattern


def test_cancel(command: Command, world: World) -> None:
    """A closed run can't be canceled: exit code 1, since it is too late."""
    world.segment(People(5))
    run = json.loads(command("run", "vip", "--json").stdout)["id"]

    result = command("runs", "cancel", run, "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"]["code"] == "already_closed"


def test_limit_sends_the_first_ones_only(command: Command, world: World) -> None:
    """A trial is marked as one."""
    world.segment(People(50))

    result = command("run", "vip", "--limit", "7")

    assert result.exit_code == 0
    assert len(world.members()) == 7
    assert "warning, limited (7)" in result.stdout


def test_dry_run_shows_what_a_run_then_does(command: Command, world: World) -> None:
    """Its counts are those of the run that follows."""
    world.segment(UnusualPeople(600, dirt=True))
    world.document("exports/vip.json", only_if={"column": "Newsletter consent", "equals": "True"})

    shown = json.loads(command("run", "vip", "--dry-run", "--json").stdout)

    assert {request.method for request in world.stand_in.requests} == {"GET"}
    record = json.loads(command("run", "vip", "--json").stdout)
    assert shown["counts"].pop("would_send") == record["counts"]["sent"] == record["counts"]["new"] > 0
    assert shown["counts"].pop("would_remove") == record["counts"]["removed"]
    assert shown["counts"].pop("would_subscribe") == record["counts"]["subscribed"]
    assert shown["counts"].items() <= record["counts"].items()
    assert shown["rejected_by_reason"] == record["rejected_by_reason"]
    assert shown["batches"] == len(record["jobs"])
    assert shown["segments"] == record["segments"]


def test_dry_run_names_all_fields_that_would_leave(command: Command, world: World) -> None:
    """The fields are those that Klaviyo would get, by its names."""
    world.segment(People(1))

    shown = json.loads(command("run", "vip", "--dry-run", "--json").stdout)

    command("run", "vip")
    (member,) = world.stand_in.members("Y6nRLr")
    assert member.attributes is not None
    sent = ["email", "phone_number"]
    for name, value in member.attributes.items():
        sent += [f"{name}.{part}" for part in value] if isinstance(value, dict) else [name]
    assert sorted(shown["fields"]) == sorted(sent)


def test_dry_run_writes_nothing(world: World) -> None:
    """It writes no head and takes no lock."""
    world.segment(People(20))
    state, files = CountingStore(world.services.state), CountingStore(world.services.segment_store)
    services = replace(world.services, state=state, segment_store=files, catalog=Catalog(state))

    made = preview(services, services.catalog.export("vip"), limit=5)

    assert (made.counts.would_send, made.counts.rows) == (5, 5)
    assert {what for what, _ in state.calls + files.calls} == {"read", "stream"}
    assert {request.method for request in world.stand_in.requests} == {"GET"}


def test_dry_run_says_when_the_limit_is_passed(command: Command, world: World) -> None:
    """A dry run warns of more profiles than limits.max_profiles before a run fails."""
    world.segment(People(20))
    world.document("exports/vip.json", limits={"max_profiles": 10})

    result = command("run", "vip", "--dry-run")

    assert result.exit_code == 0
    assert "warning, too_many_profiles (20): The run would fail" in result.stdout
    assert command("run", "vip").exit_code == 1


def test_a_run_shows_how_it_goes(command: Command, world: World) -> None:
    """Without a terminal, a line on standard error shows each new state."""
    world.segment(People(10))
    world.stand_in.plans.append(JobPlan(seconds=1))

    result = command("run", "vip")

    assert result.exit_code == 0
    assert "vip: all sent; Klaviyo is importing; 10 rows read, 10 profiles sent" in result.stderr


@pytest.mark.parametrize("status", [429, 503])
def test_a_run_that_klaviyo_holds_back_says_so(command: Command, world: World, status: int) -> None:
    """Waiting posts are shown; a rate limit is not blamed for another problem."""
    world.segment(People(10))
    world.stand_in.faults.add([Fault("error", method="POST", status=status, retry_after=2)])

    said = command("run", "vip").stderr

    assert "vip: sending; waiting for Klaviyo" in said
    assert "throttled" not in said
