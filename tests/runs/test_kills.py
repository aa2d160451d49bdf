"""Runs whose holder dies: everybody is delivered, and one record tells it."""

import json
import signal
import subprocess
import sys
from itertools import count

from sandbox.people import People
from shared import state
from shared.ledger import read_ledger
from shared.runs.advance import start
from shared.runs.heads.head import read_head
from shared.runs.lock.export import ExportLock
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from tests.support.processes import break_leases, killed_after_a_job
from tests.support.world import LIST, World, environment_of

PEOPLE = People(12_000, dirt=True)


def an_export(world: World, number: int) -> tuple[str, str]:
    """An export of its own with a list of its own: their ids."""
    export, list_id = f"crash-{number}", f"L{number:05}"
    world.document("exports/vip.json")
    content = world.services.state.read("exports/vip.json").content.decode()
    content = content.replace('"vip"', f'"{export}"').replace(LIST, list_id)
    world.services.state.write(f"exports/{export}.json", content.encode())
    account = world.stand_in.accounts["SNDBOX"]
    world.stand_in.add_list(account, export, list_id)
    return export, list_id


def assert_told_truthfully(world: World, record: RunRecord, list_id: str) -> None:
    expected = PEOPLE.expected
    assert record.is_closed
    assert {member.email for member in world.stand_in.members(list_id)} == expected.emails
    counts = record.counts
    assert (counts.rows, counts.rejected, counts.duplicates) == (
        expected.rows,
        expected.rejected,
        expected.duplicates,
    )
    kept = {blob.name for blob in world.services.state.list(f"runs/{record.export}/")}
    left = {f"runs/{record.export}/{record.id}{end}" for end in (".json", ".rejected.csv")}
    if counts.unchanged:  # it was killed after its run had closed, so that this is the one after that
        earlier = RunRecord.model_validate_json(
            world.services.state.read(next(name for name in kept - left if name.endswith(".json"))).content
        )
        left |= {f"runs/{record.export}/{earlier.id}{end}" for end in (".json", ".rejected.csv")}
        assert (counts.sent, counts.unchanged) == (0, len(expected.emails))
        counts = earlier.counts
    assert counts.sent == counts.imported == len(expected.emails)
    assert kept == left
    assert len(world.rejected(record)) == len(set(world.rejected(record))) == expected.rejected
    head, _ = read_head(world.services.state, record.export)
    assert head.open is None
    assert [blob.name for blob in world.services.state.list(state.ledgers(record.export))] == [head.ledger]
    assert len(read_ledger(world.services.state, head.ledger or "").people) == len(expected.emails)
    assert head.last_success is not None
    assert head.last_success.run == record.id


def test_killed_before_any_write_and_resumed(shared_world: World) -> None:
    """kill -9 right before each change of the state in turn: the next run delivers everybody."""
    world = shared_world
    world.segment(PEOPLE)
    for nth in count(1):
        export, list_id = an_export(world, nth)
        killed = subprocess.run(
            [sys.executable, "-m", "tests.support.crashing", export, str(nth)],
            env=environment_of(world),
            check=False,
        ).returncode
        break_leases(world)

        if (
            killed == -signal.SIGKILL
            and nth > 1
            and not list(world.services.state.list(f"heads/{export}.json"))
        ):
            continue  # killed before the export was ever seen: there is nothing to go on with
        record = last_run(world, export) if killed == 0 else world.run(export)

        assert_told_truthfully(world, record, list_id)
        if killed == 0:
            break
        assert killed == -signal.SIGKILL
    assert nth > 12


def last_run(world: World, export: str) -> RunRecord:
    head, _ = read_head(world.services.state, export)
    assert head.last_attempt is not None
    content = world.services.state.read(f"runs/{export}/{head.last_attempt.run}.json").content
    return RunRecord.model_validate_json(content)


def test_other_code_after_a_kill_loses_nobody(shared_world: World) -> None:
    """A deployment in the middle makes other batches: everybody goes, some twice, and the record says so."""
    world = shared_world
    world.segment(People(25_000))
    killed_after_a_job(world, nth=3)
    # What another version of the code, or of the mapping, would make of the same rows.
    head = json.loads(world.services.state.read("heads/vip.json").content)
    head["open"]["plan"]["export"]["attributes"].pop("last_name")
    world.services.state.write("heads/vip.json", json.dumps(head).encode())

    record = world.run()

    assert world.members() == People(25_000).expected.emails
    assert record.counts.sent == record.counts.imported == 25_000
    (twice,) = [warning for warning in record.warnings if warning.code == "sent_twice"]
    assert twice.count == 20_000


def test_five_kills_in_a_row(shared_world: World) -> None:
    """However often its holder dies, a run that gets anywhere each time goes on to its end."""
    world = shared_world
    world.segment(People(55_000))
    for _ in range(5):
        killed_after_a_job(world, nth=2)

    record = world.run()

    assert record.status == "successful"
    assert world.members() == People(55_000).expected.emails
    assert record.counts.imported == 55_000


def test_a_run_that_gets_nowhere_fails(world: World) -> None:
    """Taken up five times and dead each time before anything was achieved: it fails, and says so."""
    world.segment(People(10))
    start(world.services, "vip", Request("command", "tester"))
    for _ in range(5):
        with ExportLock.acquire(world.services.state, "vip", world.clock) as hold:
            hold.run.begin_turn(world.clock.now())  # and then the process died
            hold.checkpoint()

    record = world.run()

    assert record.status == "failed"
    assert record.error is not None
    assert record.error.code == "no_progress"
