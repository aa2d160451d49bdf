"""A preview tells what the next run would send and remove, and what starts on the list."""

import pytest

from sandbox.klaviyo import SCOPES
from shared.runs.views.preview import Preview, preview
from tests.support.refreshes import emails, refresh, row, rows, run_with
from tests.support.world import World


def seen(world: World) -> Preview:
    return preview(world.services, world.services.catalog.export("vip"))


@pytest.fixture
def world(world: World) -> World:
    world.document("exports/vip.json", sync={"mode": "mirror"})
    world.segment(rows(*range(20)))
    world.run()
    return world


@pytest.mark.parametrize("left", [0, 3, 8])
def test_it_is_what_the_run_then_does(world: World, left: int) -> None:
    """To the person, the removals and the safeguard included."""
    refresh(world, [row(left, City="Lisbon"), *rows(*range(left + 1, 22))])

    made, record = seen(world), world.run()

    assert (made.counts.new, made.counts.changed) == (record.counts.new, record.counts.changed)
    assert (made.counts.would_send, made.counts.unchanged) == (record.counts.sent, record.counts.unchanged)
    assert made.counts.would_remove == left
    assert made.removals_held == ("removals_held" in record.warning_codes()) == (left == 8)
    assert record.counts.removed == (0 if made.removals_held else left)


def test_nothing_is_written_or_sent(world: World) -> None:
    """However much there would be to do."""
    refresh(world, rows(*range(3, 30)))
    state = {blob.name: blob.etag for blob in world.services.state.list()}

    seen(world)

    assert {blob.name: blob.etag for blob in world.services.state.list()} == state
    assert world.members() == emails(*range(20))
    assert {request.method for request in world.stand_in.requests} >= {"GET", "POST"}


def test_the_first_refused_rows_are_shown_by_place(world: World) -> None:
    """Twenty at most, without their content."""
    refresh(world, [*rows(*range(20)), *(row(index, EMail="nobody") for index in range(30))])

    made = seen(world)

    assert len(made.first_rejected) == 20
    assert {(place.column, place.reason) for place in made.first_rejected} == {("EMail", "invalid_email")}
    assert "nobody" not in made.model_dump_json()


def test_what_the_key_may_not_see_is_told(world: World) -> None:
    """The rest is shown: the list, how one joins it, how many are on it."""
    account = world.stand_in.accounts["SNDBOX"]
    account.keys = {"pk_sandbox": SCOPES - {"flows:read", "usage:read"}}

    shown = seen(world).at_klaviyo

    assert shown is not None
    assert (shown.list_name, shown.members) == ("VIP", 20)
    assert shown.opt_in in ("single_opt_in", "double_opt_in")
    assert shown.unknown == {"flows": "missing_scope", "usage": "missing_scope"}


def test_a_list_that_is_not_there_is_told(world: World) -> None:
    """The run would fail."""
    world.document("exports/vip.json", list_id="XXXXXX")

    (warning,) = [each for each in seen(world).warnings if each.code == "unknown_list"]

    assert warning.message == "The run would fail: the connection's account has no list XXXXXX."


def test_without_klaviyo_and_vault_the_rows_are_still_counted(world: World) -> None:
    """And it says what it can't know."""
    world.secrets({})

    made = seen(world)

    assert made.counts.would_send == 20
    assert [warning.code for warning in made.warnings] == ["no_ledger"]
    assert made.at_klaviyo is not None
    assert made.at_klaviyo.unknown == {"account": "not_found"}


def test_a_held_run_is_told_before_it_runs(world: World) -> None:
    """Then somebody can confirm it at once."""
    refresh(world, rows(*range(5)))
    assert seen(world).removals_held

    assert run_with(world, confirmed=15).counts.removed == 15
