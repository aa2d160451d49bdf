"""Runs whose holder dies: everybody is delivered, and one record tells it."""

import json
import signal
from itertools import count

from sandbox.people import Expected, People
from shared import state
from shared.ledger import read_ledger
from shared.runs.advance import start
from shared.runs.heads.head import read_head
from shared.runs.lock.export import ExportLock
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from tests.support.crashing import crash
from tests.support.forks import forked
from tests.support.processes import break_leases, killed_after_a_job
from tests.support.small_batches import small_batches, unusual
from tests.support.world import LIST, World, environment_of

_DIRTY = People(100, dirt=True)
# In two posts and a bit.
ROWS = [*small_batches(2), *_DIRTY]
EXPECTED = Expected(
    len(ROWS), _DIRTY.expected.rejected, _DIRTY.expected.emails | {unusual(index) for index in range(1_000)}
)


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
    assert record.is_closed
    assert {member.email for member in world.stand_in.members(list_id)} == EXPECTED.emails
    counts = record.counts
    assert (counts.rows, counts.rejected, counts.duplicates) == (
        EXPECTED.rows,
        EXPECTED.rejected,
        EXPECTED.duplicates,
    )
    kept = {blob.name for blob in world.services.state.list(f"runs/{record.export}/")}
    left = {f"runs/{record.export}/{record.id}{end}" for end in (".json", ".rejected.csv")}
    if counts.unchanged:  # it was killed after its run had closed, so that this is the one after that
        earlier = RunRecord.model_validate_json(
            world.services.state.read(next(name for name in kept - left if name.endswith(".json"))).content
        )
        left |= {f"runs/{record.export}/{earlier.id}{end}" for end in (".json", ".rejected.csv")}
        assert (counts.sent, counts.unchanged) == (0, len(EXPECTED.emails))
        counts = earlier.counts
    assert counts.sent == counts.imported == len(EXPECTED.emails)
    assert kept == left
    assert len(world.rejected(record)) == len(set(world.rejected(record))) == EXPECTED.rejected
    head, _ = read_head(world.services.state, record.export)
    assert head.open is None
    assert [blob.name for blob in world.services.state.list(state.ledgers(record.export))] == [head.ledger]
    assert len(read_ledger(world.services.state, head.ledger or "").people) == len(EXPECTED.emails)
    assert head.last_success is not None
    assert head.last_success.run == record.id


def test_killed_before_any_write_and_resumed(shared_world: World) -> None:
    """kill -9 right before each change of the state in turn: the next run delivers everybody.

    In a folder before one of two, and in Azurite, where each takes longer, before one of four of the others.
    """
    world = shared_world
    world.segment(ROWS)
    is_folder = world.services.settings.state_url.startswith("file:")
    for nth in count(1, 2) if is_folder else count(2, 8):
        export, list_id = an_export(world, nth)
        with forked(crash, environment_of(world), export, nth) as process:
            pass
        killed = process.exitcode
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
    world.segment(small_batches(3))
    killed_after_a_job(world, nth=3)
    # What another version of the code, or of the mapping, would make of the same rows.
    head = json.loads(world.services.state.read("heads/vip.json").content)
    head["open"]["plan"]["export"]["attributes"].pop("last_name")
    world.services.state.write("heads/vip.json", json.dumps(head).encode())

    record = world.run()

    assert world.members() == {unusual(index) for index in range(1_500)}
    assert record.counts.sent == record.counts.imported == 1_500
    (twice,) = [warning for warning in record.warnings if warning.code == "sent_twice"]
    assert twice.count == 1_000


def test_five_kills_in_a_row(shared_world: World) -> None:
    """However often its holder dies, a run that gets anywhere each time goes on to its end."""
    world = shared_world
    world.segment(small_batches(6))
    for _ in range(5):
        killed_after_a_job(world, nth=2)

    record = world.run()

    assert record.status == "successful"
    assert world.members() == {unusual(index) for index in range(3_000)}
    assert record.counts.imported == 3_000


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
