"""Other processes that run exports in the same world, and die there."""

import time

from azure.storage.blob import BlobLeaseClient

from sandbox.klaviyo import Fault
from shared.errors import NotFound
from shared.runs.heads.head import read_head
from tests.support.azurite import client
from tests.support.forks import running
from tests.support.world import World, environment_of

RUN = ["run", "vip", "--json"]


def break_leases(world: World) -> None:
    """What 60 seconds would do: a dead holder's leases end. In a folder they end with the holder."""
    url = world.services.settings.state_url
    if url.startswith("file:"):
        return
    container = client(url)
    for blob in [*container.list_blobs("heads/"), *container.list_blobs("locks/")]:
        if blob.lease and blob.lease.state == "leased":
            BlobLeaseClient(container.get_blob_client(blob.name)).break_lease(0)


def killed_after_a_job(world: World, nth: int) -> None:
    """Leaves an open run of vip whose holder died over its n-th post, with all before it accepted."""
    before = accepted(world)
    # As many as are on their way at once.
    world.stand_in.faults.add([Fault("hang", method="POST", nth=number) for number in range(nth, nth + 9)])
    with running(RUN, environment_of(world)) as process:
        until = time.monotonic() + 30
        while accepted(world) < before + nth - 1:
            assert time.monotonic() < until
            time.sleep(0.02)
        process.kill()
    world.stand_in.faults.clear()
    break_leases(world)


def accepted(world: World) -> int:
    try:
        head, _ = read_head(world.services.state, "vip")
    except NotFound:
        return 0
    return len(head.open.deliveries.jobs) if head.open else 0
