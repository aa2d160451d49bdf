"""Workers for real: the app in local Functions hosts, over Azurite's blobs and queues."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.queue import QueueClient

from sandbox.klaviyo import SCOPES, Fault
from sandbox.people import People
from sandbox.sample import example_documents
from shared import state
from shared.adapters.clock import SystemClock
from shared.adapters.credential import EMULATOR_KEY
from shared.adapters.queue import open_queue
from shared.runs.advance import start
from shared.runs.queue import marker
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from shared.runs.work.tick import tick
from tests.support.azurite import Azurite, AzuriteQueues, left
from tests.support.forks import running
from tests.support.host import SELDOM
from tests.support.processes import accepted, break_leases
from tests.support.small_batches import small_batches
from tests.support.world import MONDAY, World, a_world, environment_of

pytestmark = pytest.mark.long
SERVE = ["serve", "--port", "0"]
# Three accounts beside the example's.
OTHERS = ("one", "two", "three")


@pytest.fixture
def world(tmp_path: Path, azurite: Azurite, azurite_queues: AzuriteQueues) -> Iterator[World]:
    """Stores and a queue that several processes share; the timer is in this one."""
    urls = {"segments_url": azurite.container(), "state_url": azurite.container()}
    with a_world(tmp_path, **urls, clock=time.time, limits=False) as world:
        settings = replace(world.services.settings, queue_url=azurite_queues.queue().url)
        world.services = replace(
            world.services, settings=settings, queue=open_queue(settings.queue_url or ""), clock=SystemClock()
        )
        world.segment(People(1))
        yield world


def environment(world: World) -> dict[str, str]:
    """That of a host whose functions are the workers: the timer is this process."""
    url = world.services.settings.queue_url or ""
    return environment_of(world) | {
        "QUEUE_URL": url,
        "AzureWebJobsStorage__queueServiceUri": url.rpartition("/")[0],
        "EXPORT_SCHEDULE": SELDOM,
        "AzureWebJobs.advance_runs.Disabled": "true",
    }


def timer(world: World) -> None:
    tick(world.services, 240)


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def closed(world: World) -> list[RunRecord]:
    store = world.services.state
    names = (blob.name for blob in store.list(state.RUNS) if state.run_of_record(blob.name))
    return [RunRecord.model_validate_json(store.read(name).content) for name in names]


def queue_client(world: World) -> QueueClient:
    """Azure's own client of the world's queue."""
    key = AzureNamedKeyCredential("devstoreaccount1", EMULATOR_KEY)
    return QueueClient.from_queue_url(world.services.settings.queue_url or "", key)


def accounts(world: World) -> None:
    """Each with an export of its own."""
    for name in OTHERS:
        world.stand_in.add_account(name, name, keys={f"pk-{name}": SCOPES}, lists={name: "VIP"})
        connection = example_documents()["connections/sandbox.json"] | {"id": name, "secret_name": name}
        world.services.state.write(f"connections/{name}.json", json.dumps(connection).encode())
        export = example_documents()["exports/vip.json"] | {"id": name, "connection": name, "list_id": name}
        world.services.state.write(f"exports/{name}.json", json.dumps(export).encode())
    world.secrets({name: f"pk-{name}" for name in OTHERS} | {"klaviyo-sandbox": "pk_sandbox"})


@contextmanager
def hosts(world: World, count: int) -> Iterator[list[ForkServerProcess]]:
    """So many processes of workers, which end with the block as by Ctrl-C."""
    with ExitStack() as stack:
        started = [stack.enter_context(running(SERVE, environment(world))) for _ in range(count)]
        try:
            yield started
        finally:
            for process in started:
                process.terminate()


def test_two_hosts_share_the_accounts(world: World) -> None:
    """Every account's people arrive once, nothing is left in the queue, and nothing is poison."""
    accounts(world)
    timer(world)
    world.segment(People(50), MONDAY + timedelta(hours=1))
    timer(world)
    with hosts(world, 2):
        wait_for(lambda: len(closed(world)) == 1 + len(OTHERS))
        wait_for(lambda: not list(world.services.state.list(state.WORK)))
    assert {(record.status, record.counts.imported) for record in closed(world)} == {("successful", 50)}
    assert [len(account.jobs) for account in world.stand_in.accounts.values()] == [1] * (1 + len(OTHERS))
    assert left(queue_client(world)) == 0


def test_a_long_run_stops_no_other_account(world: World) -> None:
    """Of the same host: who comes due after it has begun does not wait for its end."""
    export = example_documents()["exports/vip.json"] | {"id": "one", "connection": "one", "list_id": "one"}
    accounts(world)
    for name in OTHERS:
        world.services.state.delete(f"exports/{name}.json")
    timer(world)
    world.segment(small_batches(4), MONDAY + timedelta(hours=1))
    timer(world)
    world.stand_in.faults.add([Fault("hang", method="POST", nth=number) for number in range(2, 5)])
    with hosts(world, 1) as (host,):
        wait_for(lambda: accepted(world) == 1)
        world.services.state.write("exports/one.json", json.dumps(export).encode())
        start(world.services, "one", Request("on_demand", "tester"))
        wait_for(lambda: [record.export for record in closed(world)] == ["one"])
        host.kill()


def test_a_killed_host_s_account_goes_on_in_another(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its message is hidden for ten minutes; the timer's next look sends another one."""
    timer(world)
    people = small_batches(4)
    world.segment(people, MONDAY + timedelta(hours=1))
    timer(world)
    world.stand_in.faults.add([Fault("hang", method="POST", nth=number) for number in range(3, 12)])
    with hosts(world, 1) as (host,):
        wait_for(lambda: accepted(world) >= 2)
        host.kill()
    world.stand_in.faults.clear()
    break_leases(world)
    assert left(queue_client(world)) == 1  # hidden
    monkeypatch.setattr(marker, "SILENT", timedelta())  # so that nobody has to wait a minute
    timer(world)
    with hosts(world, 2):
        wait_for(lambda: len(closed(world)) == 1)
        wait_for(lambda: not list(world.services.state.list(state.WORK)))
    assert [record.status for record in closed(world)] == ["successful"]
    assert world.members() == people.expected.emails


def test_a_poison_message_is_counted_and_stops_nobody(world: World) -> None:
    """What is no message of ours is dropped; what can't be read at all is poison, as on the real host."""
    queue = queue_client(world)
    queue.send_message(base64.b64encode(b"rubbish").decode())
    queue.send_message("no base64!")
    timer(world)
    world.segment(People(50), MONDAY + timedelta(hours=1))
    timer(world)
    with hosts(world, 1):
        wait_for(lambda: len(closed(world)) == 1)
        wait_for(lambda: left(queue_client(world)) == 0)
    assert world.services.queue is not None
    assert world.services.queue.poisoned() == 1
    assert [record.status for record in closed(world)] == ["successful"]
