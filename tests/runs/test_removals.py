"""Removals in particular: what is looked up, what is uncertain, and what a changed mapping does."""

import pytest

from sandbox.klaviyo import JobPlan
from sandbox.people import People, email
from shared.adapters.storage.store import Store
from shared.errors import NotFound
from shared.runs.advance import run
from shared.runs.starting import Request
from tests.support.dying import Died, dying
from tests.support.refreshes import briefly, codes, emails, refresh, row, rows, sent
from tests.support.stores import WatchedStore, with_segments
from tests.support.world import World

MIRROR = {"mode": "mirror"}


@pytest.fixture
def world(world: World) -> World:
    """An export that mirrors its segment."""
    world.document("exports/vip.json", sync=MIRROR)
    return world


def test_a_changed_mapping_removes_who_has_left(world: World) -> None:
    """Everybody who stays is sent once more; nobody is taken for new or lost."""
    world.segment(rows(*range(8)))
    world.run()
    world.document("exports/vip.json", sync=MIRROR, attributes={"first_name": "FirstName"})
    refresh(world, rows(*range(2, 9)))

    record = world.run()

    assert (sent(record), record.counts.removed) == ((1, 0, 7, 0), 2)
    assert codes(record) == {"full_resend": 6}
    assert world.members() == emails(*range(2, 9))


def test_who_comes_back_after_a_removal_that_was_cut_off_is_sent_again(world: World) -> None:
    """Nobody knows then whether they are still on the list."""
    world.segment(rows(*range(8)))
    world.run()
    refresh(world, rows(*range(2, 8)))
    is_removed = False

    def is_after_the_removal(*_: str) -> bool:
        nonlocal is_removed
        is_removed |= world.stand_in.requests[-1].method == "DELETE"
        return is_removed

    with pytest.raises(Died):
        run(
            dying(world.services, is_after_the_removal),
            "vip",
            Request("command", "tester"),
            world.deadline(),
        )
    assert world.members() == emails(*range(2, 8))

    refresh(world, rows(*range(8)))
    record = world.run()

    assert sent(record) == (0, 0, 2, 6)
    assert world.members() == emails(*range(8))


def test_removals_take_few_requests(world: World) -> None:
    """A hundred people a look-up, a thousand a removal."""
    world.document("exports/vip.json", sync=MIRROR | {"max_removal_share": 1})
    world.segment(People(2_600))
    world.run()
    refresh(world, list(People(100, start=2_500)))
    before = len(world.stand_in.requests)

    assert world.run().counts.removed == 2_500

    asked = [request.endpoint for request in list(world.stand_in.requests)[before:]]
    assert world.members() == {email(index) for index in range(2_500, 2_600)}
    least = 25 + 3
    assert least <= len([name for name in asked if "profile" in name]) <= least * 1.1, asked


def test_who_may_still_be_imported_by_an_earlier_job_stays_on_the_ledger(world: World) -> None:
    """They may come onto the list when nobody looks any more; the next run removes them."""
    world.segment(rows(*range(8)))
    world.run()
    refresh(world, rows(*range(1, 8)))
    assert world.run().counts.removed == 1
    refresh(world, rows(*range(8)))
    world.stand_in.plans.append(JobPlan(seconds=3 * 3_600))
    assert not briefly(world).is_closed

    refresh(world, rows(*range(1, 8)))
    record = world.run()
    assert (record.counts.removed, world.members()) == (0, emails(*range(1, 8)))
    world.clock.sleep(3 * 3_600)
    assert world.members() == emails(*range(8))

    refresh(world, rows(*range(1, 8)))
    assert world.run().counts.removed == 1
    assert world.members() == emails(*range(1, 8))


def test_a_profile_that_somebody_new_became_is_kept_by_later_runs_too(world: World) -> None:
    """Who changed the address and kept the external id, while the removal was held."""
    world.document(
        "exports/vip.json", sync=MIRROR, attributes={"external_id": "CustomerId", "first_name": "FirstName"}
    )
    world.segment(rows(*range(8)))
    world.run()
    people = [row(0, EMail="moved@example.org"), *rows(*range(1, 8))]
    refresh(world, [*people, (row(0)[0],)])
    assert codes(world.run()) == {"removals_held": 1}

    refresh(world, people)
    record = world.run()

    assert record.counts.removed == 0
    assert len(world.members()) == 8


@pytest.mark.parametrize("how", ["shared at first", "taken over"])
def test_a_profile_with_the_external_id_of_somebody_who_stays_stays(world: World, how: str) -> None:
    """Whoever of the two has left, and whether the run has sent the other one or not."""
    world.document(
        "exports/vip.json", sync=MIRROR, attributes={"external_id": "CustomerId", "first_name": "FirstName"}
    )
    first, later = rows(*range(8)), rows(*range(1, 8))
    later[0] = row(1, CustomerId=row(0)[0])
    if how == "shared at first":
        first[1] = later[0]
    world.segment(first, partitions=1)
    world.run()
    refresh(world, later)

    record = world.run()

    assert (record.counts.removed, codes(record)) == (0, {"merged_kept": 1})
    assert len(world.members()) == 7  # Klaviyo has merged the two
    assert sent(world.run()) == (0, 0, 0, 7)


def test_a_segment_that_can_t_be_read_any_more_removes_nobody_with_an_external_id(world: World) -> None:
    """Whose they are is not known then: the next snapshot decides."""
    world.document(
        "exports/vip.json", sync=MIRROR, attributes={"external_id": "CustomerId", "first_name": "FirstName"}
    )
    world.segment(rows(*range(8)))
    world.run()
    refresh(world, rows(*range(1, 8)))
    services = with_segments(world.services, Vanishing(world.services.segment_store, world))

    record = run(services, "vip", Request("command", "tester"), world.deadline())

    assert (record.counts.removed, codes(record)) == (0, {"removals_pending": 1})
    assert world.run().counts.removed == 1


class Vanishing(WatchedStore):
    """Segments whose files are gone once somebody on the list was looked up."""

    def __init__(self, store: Store, world: World) -> None:
        super().__init__(store)
        self._requests = world.stand_in.requests

    def called(self, what: str, name: str) -> None:
        if what == "stream" and any(
            "/lists/" in each.path and "profiles" in each.path for each in self._requests
        ):
            raise NotFound(f"There is no {name}.")
