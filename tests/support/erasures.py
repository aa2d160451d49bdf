"""Erasures of the example's people, and what is known of them afterwards, in a few words."""

from typing import Any

from shared import state
from shared.adapters.clock import Deadline
from shared.errors import NotFound
from shared.ledger import Erased, read_erased, read_key, read_ledger
from shared.profiles import Digests
from shared.runs.advance import run
from shared.runs.forget import Forgotten, forget
from shared.runs.heads.head import read_head
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from tests.support.world import World

ERASURES = "/api/data-privacy-deletion-jobs"


def erase(world: World, *addresses: str, dry_run: bool = False) -> Forgotten:
    return forget(world.services, list(addresses), world.deadline(), dry_run=dry_run)


def left_open(world: World) -> RunRecord:
    """Runs the export for a minute of the made clock, which is not enough."""
    record = run(world.services, "vip", Request("command", "tester"), Deadline(world.clock, 60))
    assert not record.is_closed
    return record


def erasures(world: World) -> int:
    """How many deletion jobs Klaviyo has accepted."""
    requests = [request for request in world.stand_in.requests if request.path.startswith(ERASURES)]
    return [request.status for request in requests].count(202)


def digest(world: World, address: str) -> bytes:
    key = read_key(world.services.vault)
    assert key is not None
    return Digests(key.key).person(address)


def listed(world: World) -> Erased | None:
    """The do-not-send list."""
    return read_erased(world.services.state)


def files_with(world: World, address: str) -> list[str]:
    """The names of what in the state has the digest of this person, but for the do-not-send list."""
    store, person = world.services.state, digest(world, address)
    names = [blob.name for blob in store.list() if person in store.read(blob.name).content]
    return [name for name in names if name != state.ERASED]


def on_ledger(world: World, address: str, export: str = "vip") -> bool:
    """Whether the ledger that holds has this person."""
    try:
        head, _ = read_head(world.services.state, export)
    except NotFound:
        return False
    if head.ledger is None:
        return False
    return read_ledger(world.services.state, head.ledger).people.find(digest(world, address)) >= 0


def imported(world: World) -> list[Any]:
    """From now on, the addresses of each post in turn, whether it is accepted or not."""
    posts: list[Any] = []

    def watch(body: Any) -> None:
        profiles = body["data"]["attributes"]["profiles"]["data"]
        posts.append([profile["attributes"]["email"] for profile in profiles])

    world.stand_in.on_import(watch)
    return posts
