"""Who leaves the segment leaves the list: that list only, and nobody of whom there is a doubt."""

import pytest

from sandbox.klaviyo import ByHand, Fault, JobPlan
from sandbox.people import email
from shared.runs.removal import ANY_NUMBER
from tests.support.refreshes import codes, emails, refresh, row, rows, run_with, sent
from tests.support.world import LIST, World

MIRROR = {"mode": "mirror"}


@pytest.fixture
def world(world: World) -> World:
    """An export that mirrors its segment."""
    world.document("exports/vip.json", sync=MIRROR)
    return world


def deletes(world: World) -> int:
    return [request.method for request in world.stand_in.requests].count("DELETE")


def mirrored(world: World, *indexes: int) -> None:
    """These people are in the segment, and were sent."""
    world.segment(rows(*indexes))
    record = world.run()
    assert (record.status, sent(record)) == ("successful", (len(indexes), 0, len(indexes), 0))
    assert world.members() == emails(*indexes)


def test_who_leaves_the_segment_leaves_the_list(world: World) -> None:
    """And nobody else: consent and profile stay as they are."""
    mirrored(world, *range(10))

    refresh(world, rows(*range(1, 11)))
    record = world.run()

    assert (record.status, sent(record), record.counts.removed) == ("successful", (1, 0, 1, 9), 1)
    assert world.members() == emails(*range(1, 11))
    assert world.stand_in.profile(email(0)).email == email(0)
    assert deletes(world) == 1


def test_in_the_mode_add_nobody_is_removed(world: World) -> None:
    """Which is the default."""
    mirrored(world, *range(5))
    world.document("exports/vip.json")

    refresh(world, rows(1))
    record = world.run()

    assert (record.counts.removed, record.warnings) == (0, [])
    assert world.members() == emails(*range(5))


def test_who_no_longer_passes_the_condition_has_left(world: World) -> None:
    """Where no row of the person passes; their address stands in the newest snapshot."""
    world.document("exports/vip.json", sync=MIRROR, only_if={"column": "City", "equals": "Lisbon"})
    world.segment([row(index, City="Lisbon") for index in range(6)])
    assert world.run().counts.sent == 6
    people = [row(0, City="Porto"), row(1, City="Porto"), row(1, City="Lisbon")]

    refresh(world, [*people, *(row(index, City="Lisbon") for index in range(2, 6))])
    record = world.run()

    assert record.counts.removed == 1
    assert world.members() == emails(*range(1, 6))


def test_who_is_refused_has_not_left(world: World) -> None:
    """A row that can't be sent still says that its person is in the segment."""
    world.document("exports/vip.json", sync=MIRROR, attributes={"external_id": "CustomerId"})
    mirrored(world, *range(8))

    refresh(world, [row(0, CustomerId="x" * 256), *rows(*range(1, 7))])
    record = world.run()

    assert (record.counts.rejected, record.counts.removed) == (1, 1)
    assert world.members() == emails(*range(7))


def test_a_row_that_may_be_anybodys_holds_all_removals(world: World) -> None:
    """Also where somebody has confirmed them; the next refresh without it removes."""
    mirrored(world, *range(8))
    refresh(world, [row(1), (row(0)[0],), *rows(*range(2, 6))])

    for confirmed in (None, ANY_NUMBER):
        record = run_with(world, confirmed=confirmed)
        assert (record.counts.removed, codes(record)["removals_held"]) == (0, 3)
    assert world.members() == emails(*range(8))

    refresh(world, rows(*range(1, 6)))
    assert world.run().counts.removed == 3
    assert world.members() == emails(*range(1, 6))


def test_too_many_removals_are_held_until_somebody_confirms(world: World) -> None:
    """For this run alone; a number is a bound."""
    mirrored(world, *range(20))
    refresh(world, rows(*range(14)))

    held = world.run()
    assert (held.status, held.counts.removed, codes(held)) == (
        "completed_with_warnings",
        0,
        {"removals_held": 6},
    )
    assert held.removals_since == held.created_at
    world.clock.sleep(3_600)
    again = run_with(world, confirmed=5)
    assert (codes(again), again.removals_since) == ({"removals_held": 6}, held.created_at)
    assert world.members() == emails(*range(20))

    record = run_with(world, confirmed=6)
    assert (record.status, record.counts.removed, record.warnings) == ("successful", 6, [])
    assert record.removals_since is None
    assert world.members() == emails(*range(14))
    refresh(world, rows(*range(8)))
    assert codes(world.run()) == {"removals_held": 6}


def test_the_share_is_the_exports_own(world: World) -> None:
    """1 holds nothing but an empty segment; 0 lets five go."""
    world.document("exports/vip.json", sync={"mode": "mirror", "max_removal_share": 0})
    mirrored(world, *range(20))
    refresh(world, rows(*range(5, 20)))
    assert world.run().counts.removed == 5
    refresh(world, rows(*range(11, 20)))
    assert codes(world.run()) == {"removals_held": 6}
    world.document("exports/vip.json", sync={"mode": "mirror", "max_removal_share": 1})
    assert world.run().counts.removed == 6
    refresh(world, [])
    assert codes(world.run())["removals_held"] == 9
    assert world.members() == emails(*range(11, 20))


def test_a_segment_in_which_nobody_passes_removes_nobody(world: World) -> None:
    """However few they are, until somebody confirms."""
    mirrored(world, 0, 1)
    refresh(world, [row(0, EMail=""), row(1, EMail="")])
    assert codes(world.run())["removals_held"] == 2
    assert world.members() == emails(0, 1)

    assert run_with(world, confirmed=2).counts.removed == 2
    assert world.members() == set()


def test_who_returns_is_sent_again(world: World) -> None:
    """With the same row as before."""
    mirrored(world, *range(5))
    refresh(world, rows(*range(1, 5)))
    assert world.run().counts.removed == 1

    refresh(world, rows(*range(5)))
    record = world.run()

    assert sent(record) == (1, 0, 1, 4)
    assert world.members() == emails(*range(5))


def test_who_left_the_list_by_themselves_is_not_counted(world: World) -> None:
    """Taken off by hand: there is nothing to remove, and nothing to say."""
    mirrored(world, *range(5))
    ByHand(world.stand_in).remove(LIST, email(0))

    refresh(world, rows(*range(1, 5)))
    record = world.run()

    assert (record.status, record.counts.removed, record.warnings) == ("successful", 0, [])
    refresh(world, rows(*range(1, 5)))
    assert world.run().warnings == []


def test_who_was_deleted_is_told_as_unmatched(world: World) -> None:
    """Nobody can tell a deleted profile from one whose address is another one by now."""
    mirrored(world, *range(5))
    ByHand(world.stand_in).delete(email(0))

    refresh(world, rows(*range(1, 5)))
    record = world.run()

    assert (record.counts.removed, codes(record)) == (0, {"removals_unmatched": 1})


@pytest.mark.parametrize("finds_secondary", [False, True])
def test_a_profile_that_is_also_somebodys_who_stays_is_kept(world: World, finds_secondary: bool) -> None:
    """Two people of the segment became one profile; one of them leaves."""
    world.stand_in.secondary_addresses_found = finds_secondary
    mirrored(world, *range(6))
    ByHand(world.stand_in).merge(email(0), email(1))

    refresh(world, rows(*range(1, 6)))
    record = world.run()

    assert record.counts.removed == 0
    assert codes(record) == {"merged_kept" if finds_secondary else "removals_unmatched": 1}
    assert world.members() == emails(*range(1, 6))


@pytest.mark.parametrize("finds_secondary", [False, True])
def test_an_address_that_changed_at_klaviyo(world: World, finds_secondary: bool) -> None:
    """It is removed where Klaviyo finds it by the address that we know, and told where it does not."""
    world.stand_in.secondary_addresses_found = finds_secondary
    mirrored(world, *range(6))
    ByHand(world.stand_in).make_primary(email(0), "moved@example.org")

    refresh(world, rows(*range(1, 6)))
    record = world.run()

    assert record.counts.removed == (1 if finds_secondary else 0)
    assert codes(record) == ({} if finds_secondary else {"removals_unmatched": 1})
    assert world.members() == emails(*range(1, 6)) | (set() if finds_secondary else {"moved@example.org"})


def test_a_profile_that_somebody_new_became_is_kept(world: World) -> None:
    """Who changes the address and keeps the external id is one profile: the old address leaves, the person
    does not."""
    world.document(
        "exports/vip.json", sync=MIRROR, attributes={"external_id": "CustomerId", "first_name": "FirstName"}
    )
    mirrored(world, *range(6))

    refresh(world, [row(0, EMail="moved@example.org"), *rows(*range(1, 6))])
    record = world.run()

    assert record.counts.removed == 0
    assert len(world.members()) == 6


def test_snapshots_that_are_gone_leave_the_lists_members(world: World) -> None:
    """Where nobody has the addresses any more, the list's own members tell them."""
    mirrored(world, *range(30))
    before = {blob.name for blob in world.services.segment_store.list()}
    refresh(world, rows(*range(3, 30)))
    for name in before:
        if name.endswith(".csv"):
            world.services.segment_store.delete(name)

    record = world.run()

    assert (record.counts.removed, record.warnings) == (3, [])
    assert world.members() == emails(*range(3, 30))


def test_nobody_is_removed_while_it_is_uncertain_who_was_imported(world: World) -> None:
    """A job of which Klaviyo never said what became of it: the removals wait for the next run."""
    mirrored(world, *range(6))
    world.stand_in.plans.append(JobPlan(seconds=10**9, readable_for=10**9))
    refresh(world, rows(*range(1, 7)))

    record = world.run()
    while not record.is_closed:
        world.clock.sleep(3_600)
        record = world.run()

    assert (record.counts.unconfirmed, record.counts.removed) == (1, 0)
    assert codes(record)["removals_pending"] == 1
    assert email(0) in world.members()


def test_a_limited_run_removes_nobody(world: World) -> None:
    """A trial only tries."""
    mirrored(world, *range(6))
    refresh(world, rows(*range(1, 8)))

    record = run_with(world, limit=1)

    assert (record.counts.removed, codes(record)) == (0, {"limited": 1})
    assert email(0) in world.members()


def test_without_a_key_a_mirroring_export_does_not_run(world: World) -> None:
    """It could not know who has left; it says what to do."""
    mirrored(world, *range(3))
    world.secrets({"klaviyo-sandbox": "pk_sandbox"})
    refresh(world, rows(0, 1))

    record = world.run()

    assert record.status == "failed"
    assert record.error is not None
    assert record.error.code == "no_digest_key"
    assert world.members() == emails(0, 1, 2)


def test_a_key_without_the_right_to_remove_fails_the_run(world: World) -> None:
    """After everybody was sent; with the right, the next run removes."""
    mirrored(world, *range(6))
    refresh(world, rows(*range(1, 7)))
    world.stand_in.faults.add([Fault("error", method="DELETE", status=403)])

    record = world.run()

    assert (record.status, record.counts.imported) == ("failed", 1)
    assert world.run().counts.removed == 1
    assert world.members() == emails(*range(1, 7))


def test_the_first_run_tells_how_many_others_are_on_the_list(world: World) -> None:
    """A mirror is meant for a list that this app alone fills; the later runs say nothing."""
    ByHand(world.stand_in).add(LIST, "stranger@example.org")
    world.segment(rows(*range(5)))

    first = world.run()

    assert (first.counts.imported, codes(first)) == (5, {"strangers": 1})
    assert codes(world.run()) == {}
