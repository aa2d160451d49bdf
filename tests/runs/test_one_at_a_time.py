"""One holder at a time: whoever comes second, or wakes up too late, leaves the run alone."""

import json
import signal
import subprocess
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.klaviyo import Fault
from sandbox.people import People
from shared.errors import AlreadyRunning, InvalidDocument, LeaseLost
from shared.runs.advance import start
from shared.runs.heads.head import LONGEST_HEAD
from shared.runs.lock.export import ExportLock
from shared.runs.starting import Request
from shared.runs.steps.parts import Parts, RejectedLines
from tests.support.azurite import Azurite
from tests.support.forks import running
from tests.support.host import COMMAND
from tests.support.processes import RUN, accepted, break_leases
from tests.support.small_batches import UnusualPeople
from tests.support.world import World, a_world, environment_of


def test_three_starts_at_once(shared_world: World) -> None:
    """One wins, the others hear that somebody is at it already, and leave no second run."""
    world = shared_world
    world.segment(UnusualPeople(1_250))
    world.stand_in.faults.add([Fault("slow", method="POST", nth=None, seconds=2)])
    outputs = [world.folder / f"{number}.json" for number in range(3)]
    with ExitStack() as stack:
        processes = [stack.enter_context(running(RUN, environment_of(world), output)) for output in outputs]
    answers = [json.loads(output.read_bytes()) for output in outputs]

    assert sorted(process.exitcode or 0 for process in processes) == [0, 75, 75]
    codes = [answer["error"]["code"] for answer in answers if "status" not in answer]
    assert codes == ["already_running"] * 2
    assert len([blob for blob in world.services.state.list("runs/vip/") if blob.name.endswith(".json")]) == 1
    assert len(world.stand_in.accounts["SNDBOX"].jobs) == 3


@pytest.mark.long
def test_a_paused_holder_posts_nothing_more(tmp_path: Path, azurite: Azurite) -> None:
    """Stopped for longer than its lease, a holder that wakes up has lost the export, and knows it."""
    urls = {"segments_url": azurite.container(), "state_url": azurite.container()}
    with a_world(tmp_path, **urls, clock=time.time, limits=False) as world:
        world.segment(UnusualPeople(1_250))
        # Two batches go at once, and the third has to wait: nothing is on its way when the holder is stopped.
        world.stand_in.faults.add([Fault("error", method="POST", nth=3, status=429, retry_after=30)])
        with subprocess.Popen(
            [str(COMMAND), *RUN], env=environment_of(world), stdout=subprocess.PIPE
        ) as process:
            while accepted(world) < 2 or 429 not in [request.status for request in world.stand_in.requests]:
                time.sleep(0.02)
            process.send_signal(signal.SIGSTOP)
            with pytest.raises(AlreadyRunning):
                world.run()
            time.sleep(61)  # the lease's own time: nothing but waiting shows that it ends
            # The holder has written down, by its own clock, how long Klaviyo wants no post.
            world.clock.sleep((datetime.now(UTC) - world.clock.now()).total_seconds())
            record = world.run()
            posts = [request.method for request in world.stand_in.requests].count("POST")
            process.send_signal(signal.SIGCONT)
            said = json.loads(process.communicate()[0])

        assert said["error"]["code"] == "lease_lost"
        assert process.returncode == 75
        assert [request.method for request in world.stand_in.requests].count("POST") == posts
        assert record.status == "successful"
        assert world.members() == UnusualPeople(1_250).expected.emails


def test_a_lease_lost_in_the_middle_stops_the_run(tmp_path: Path, azurite: Azurite) -> None:
    """Whoever finds another hand in the head writes nothing over it."""
    urls = {"segments_url": azurite.container(), "state_url": azurite.container()}
    with a_world(tmp_path, **urls) as world:
        world.segment(UnusualPeople(1_250))

        def take_over(_: object) -> None:
            break_leases(world)
            head = json.loads(world.services.state.read("heads/vip.json").content)
            head["epoch"] += 1
            world.services.state.write("heads/vip.json", json.dumps(head).encode())

        world.stand_in.on_import(take_over)

        with pytest.raises(LeaseLost):
            world.run()

        assert accepted(world) == 0
        assert len(world.stand_in.accounts["SNDBOX"].jobs) <= 3


def test_a_corrupt_head_is_named(world: World) -> None:
    """A head that can't be read stops this export only, and the message says how to start afresh."""
    world.segment(People(10))
    world.run()
    world.services.state.write("heads/vip.json", b'{"version": 1, "export": "v')

    with pytest.raises(InvalidDocument, match=r"heads/vip\.json.*remove it"):
        world.run()

    world.services.state.delete("heads/vip.json")
    assert world.run().warning_codes() == {"ledger_lost"}


def test_a_head_without_bounds_is_no_head(world: World) -> None:
    """It is refused by its size, whatever is in it, and stops this export only."""
    world.segment(People(10))
    world.run()
    head = world.services.state.read("heads/vip.json").content
    world.services.state.write("heads/vip.json", head.ljust(LONGEST_HEAD + 1))

    with pytest.raises(InvalidDocument, match=r"heads/vip\.json.* bytes at most"):
        world.run()


def test_who_has_lost_the_export_writes_nothing_beside_it(tmp_path: Path, azurite: Azurite) -> None:
    """The parts of a run, and its refused rows, are its holder's alone."""
    with a_world(tmp_path, state_url=azurite.container()) as world:
        world.segment(People(1))
        start(world.services, "vip", Request("command", "tester"))
        with ExportLock.acquire(world.services.state, "vip", world.clock) as hold:
            parts = Parts(hold)
            world.clock.sleep(60)  # for so long, as far as the holder knows, it was paused
            break_leases(world)
            for write in (
                lambda: parts.write_rejected("check", RejectedLines()),
                lambda: parts.join_rejected([], set(), 0, 1),
            ):
                with pytest.raises(LeaseLost):
                    write()
        assert list(world.services.state.list("runs/")) == []
