"""What is held stays held: by the export that holds it, by others, and in the runs that follow."""

import pytest

from sandbox.klaviyo import ByHand, Fault, JobPlan
from sandbox.people import Row, email
from sandbox.sample import write_segment
from shared.runs.views.preview import preview
from tests.support.refreshes import another_export, briefly, codes, emails, refresh, row, rows, run_with
from tests.support.world import LIST, SEGMENT, World

MIRROR = {"mode": "mirror"}


@pytest.fixture
def by_hand(world: World) -> ByHand:
    return ByHand(world.stand_in)


@pytest.fixture
def other_list(world: World) -> str:
    return world.stand_in.add_list(world.stand_in.accounts["SNDBOX"], "Other").id


def mirrors(world: World, **changes: object) -> None:
    world.document("exports/vip.json", sync=MIRROR, **changes)


def gold(world: World, people: list[Row]) -> None:
    """The next refresh of the segment of another export."""
    world.clock.sleep(3_600)
    write_segment(world.services.segment_store, "Gold", people, refreshed=world.clock.now())


def test_one_export_leaves_alone_whom_another_one_holds(world: World) -> None:
    """Whatever has broken the other one's segment."""
    mirrors(world)
    another_export(world, "gold", segments=["Gold"], sync=MIRROR)
    world.segment(rows(*range(20)))
    gold(world, rows(*range(15, 40)))
    world.run()
    world.run("gold")
    refresh(world, rows(*range(17)))
    assert codes(world.run()) == {"kept_for_another": 3}

    for broken in ([], [("cut off",), *rows(*range(20, 40))], rows(38, 39)):
        gold(world, broken)
        assert "removals_held" in codes(world.run("gold"))
        assert world.run().counts.removed == 0

    assert world.members() == emails(*range(40))


def test_a_held_refresh_sends_nobody_again(world: World, by_hand: ByHand) -> None:
    """Who left the list by themselves meanwhile stays off it, though another export sends to it too."""
    mirrors(world)
    world.segment(rows(0))
    world.run()
    another_export(world, "gold", segments=["Gold"], sync=MIRROR)
    gold(world, rows(*range(10, 30)))
    world.run("gold")
    by_hand.suppress(email(15), list_id=LIST)
    gold(world, [])
    assert codes(world.run("gold"))["removals_held"] == 20

    gold(world, rows(*range(10, 30)))

    assert world.run("gold").counts.sent == 0
    assert email(15) not in world.members()


@pytest.mark.parametrize("first", ["add", "mirror"])
def test_an_emptied_segment_is_held_until_somebody_confirms(world: World, first: str) -> None:
    """However often it is run, and though it was emptied before the export mirrored it."""
    world.document("exports/vip.json", sync={"mode": first}, segments=[SEGMENT, "Gold"])
    world.segment(rows(*range(100)))
    gold(world, rows(*range(200, 215)))
    world.run()
    gold(world, [])
    world.run()
    mirrors(world, segments=[SEGMENT, "Gold"])

    for _ in range(2):
        refresh(world, rows(*range(100)))
        assert preview(world.services, world.services.catalog.export("vip")).removals_held
        assert codes(world.run())["removals_held"] == 15

    assert run_with(world, confirmed=15).counts.removed == 15
    refresh(world, rows(*range(99)))
    assert world.run().counts.removed == 1


def test_an_emptied_segment_of_nobody_holds_nothing(world: World) -> None:
    """Where all of its people are in the other segment too."""
    mirrors(world, segments=[SEGMENT, "Gold"])
    world.segment(rows(*range(10)))
    gold(world, rows(0, 1))
    world.run()
    gold(world, [])
    assert world.run().status == "successful"

    refresh(world, rows(*range(9)))

    assert world.run().counts.removed == 1


@pytest.mark.parametrize(
    ("broken", "held"),
    [([(row(50)[0],), *rows(*range(8))], 1), ([], 9)],
    ids=["a row that may be anybody's", "an empty segment"],
)
def test_strangers_are_held_too(world: World, by_hand: ByHand, broken: list[Row], held: int) -> None:
    """Where the segment can't be believed, they may be in it."""
    world.document("exports/vip.json", sync=MIRROR | {"strangers": "remove"})
    world.segment(rows(*range(8)))
    world.run()
    by_hand.add(LIST, email(50))
    refresh(world, broken)

    record = run_with(world, reconcile=True)

    assert (record.counts.removed, codes(record)["removals_held"]) == (0, held)
    assert email(50) in world.members()


def test_the_share_is_exact(world: World) -> None:
    """57 of 100 are not more than 0.57."""
    world.document("exports/vip.json", sync=MIRROR | {"max_removal_share": 0.57})
    world.segment(rows(*range(100)))
    world.run()
    refresh(world, rows(*range(57, 100)))

    assert world.run().counts.removed == 57


@pytest.mark.parametrize(
    ("people", "confirmed", "because"),
    [
        (rows(*range(30)), None, "10 of 40 people have left, 25.0%, and max_removal_share allows 20.0%."),
        (rows(*range(30)), 9, "10 people would be removed, but at most 9 were confirmed."),
        ([], None, "No row of the segment can be sent."),
        (
            [(row(0)[0],), *rows(*range(1, 40))],
            40,
            "1 of the rows can't be read and could be anybody's: fix them.",
        ),
    ],
)
def test_the_record_says_why(world: World, people: list[Row], confirmed: int | None, because: str) -> None:
    """And the preview too, with the next step where there is one."""
    mirrors(world)
    world.segment(rows(*range(40)))
    world.run()
    refresh(world, people)
    export = world.services.catalog.export("vip")
    made = preview(world.services, export, confirmed=confirmed)

    (held,) = [each for each in run_with(world, confirmed=confirmed).warnings if each.code == "removals_held"]

    would = 40 - len(people)
    step = f" If this is right: segment-export run vip --confirm-removals {would}" if would else ""
    assert made.removals_held_because == because + step
    assert held.message.endswith(because + step)


def test_a_run_that_was_cut_short_hides_nobody_who_left_by_themselves(world: World, by_hand: ByHand) -> None:
    """It is not certain any more what was sent, but it is that everybody was on the list."""
    world.document("exports/vip.json", sync={"mode": "add", "full_every_days": 2})
    world.segment(rows(*range(8)))
    world.run()
    world.clock.sleep(3 * 86_400)
    refresh(world, rows(*range(8)))
    refused = [
        Fault("error", method="POST", path="/api/profile-bulk*", status=401, nth=nth) for nth in (1, 2)
    ]
    world.stand_in.faults.add(refused)
    assert world.run().status == "failed"
    world.stand_in.faults.clear()
    by_hand.suppress(email(0), list_id=LIST)
    made = preview(world.services, world.services.catalog.export("vip"))

    record = world.run()

    assert (record.counts.sent, codes(record)) == (7, {"left_by_themselves": 1})
    assert made.counts.would_send == 8  # a preview does not read the members
    assert email(0) not in world.members()


def test_who_left_by_themselves_is_not_forgotten_where_a_row_is_missing_once(
    world: World, by_hand: ByHand
) -> None:
    """They may be mistyped in one refresh, and right in the next."""
    mirrors(world)
    world.segment(rows(*range(8)))
    world.run()
    by_hand.suppress(email(0), list_id=LIST)
    assert codes(run_with(world, reconcile=True)) == {"left_by_themselves": 1}
    refresh(world, [row(0, EMail="typo"), *rows(*range(1, 8))])
    assert world.run().counts.removed == 0

    refresh(world, rows(*range(8)))

    assert world.run().counts.sent == 0
    assert email(0) not in world.members()


def test_who_is_known_to_be_nowhere_is_sent_on_return(world: World, by_hand: ByHand) -> None:
    """Klaviyo did not tell which profile it is: it may be none."""
    mirrors(world)
    world.segment(rows(*range(8)))
    world.run()
    by_hand.delete(email(0))
    refresh(world, rows(*range(1, 8)))
    assert codes(world.run()) == {"removals_unmatched": 1}

    refresh(world, rows(*range(8)))
    world.run()

    assert email(0) in world.members()


def test_an_export_that_comes_back_to_the_list_holds_until_it_has_run(world: World, other_list: str) -> None:
    """Its ledger is of another list, and who it sent here before is not known any more."""
    mirrors(world)
    another_export(world, "gold", segments=["Gold"], sync=MIRROR)
    world.segment(rows(*range(20)))
    gold(world, rows(0, *range(30, 40)))
    world.run()
    world.run("gold")
    another_export(world, "gold", segments=["Gold"], sync=MIRROR, list_id=other_list)
    world.run("gold")
    another_export(world, "gold", segments=["Gold"], sync=MIRROR)
    refresh(world, rows(*range(1, 20)))

    assert world.run().counts.removed == 0
    world.run("gold")
    assert codes(world.run()) == {"kept_for_another": 1}


def test_whom_an_open_run_has_posted_stays(world: World, other_list: str) -> None:
    """Though its export has another list by now."""
    mirrors(world)
    another_export(world, "gold", segments=["Gold"])
    world.segment(rows(*range(8)))
    gold(world, rows(7, 20))
    world.run()
    world.stand_in.plans.append(JobPlan(seconds=3_000))
    assert not briefly(world, "gold").is_closed
    another_export(world, "gold", segments=["Gold"], list_id=other_list)
    refresh(world, rows(*range(7)))

    assert world.run().counts.removed == 0
