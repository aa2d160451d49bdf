"""Which failures the timer repeats by itself, and which wait until somebody changes something."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from sandbox.klaviyo import SCOPES, Fault
from sandbox.people import People
from sandbox.sample import FOLDER
from shared.runs.heads.head import read_head
from shared.runs.work.tick import tick
from tests.support.world import MONDAY, SEGMENT, World

LATER = MONDAY + timedelta(minutes=30)


def no_list(world: World) -> None:
    world.document("exports/vip.json", list_id="NoSuch")


def no_column(world: World) -> None:
    world.document("exports/vip.json", match={"email": "NoSuch"})


def wrong_key(world: World) -> None:
    world.secrets({"klaviyo-sandbox": "pk_wrong"})


def no_key(world: World) -> None:
    world.secrets({"other": "pk_sandbox"})


def no_scope(world: World) -> None:
    world.stand_in.accounts["SNDBOX"].keys = {"pk_sandbox": SCOPES - {"profiles:write"}}


def broken_secrets(world: World) -> None:
    world.services.settings.secrets_file.write_text("[")


def too_many(world: World) -> None:
    world.document("exports/vip.json", limits={"max_profiles": 4})


def two_columns_of_a_name(world: World) -> None:
    store, name = world.services.segment_store, f"{FOLDER}/model.json"
    model = store.read(name).content
    store.write(name, model.replace(b'"Gender"', b'" EMail"').replace(b'"EMail"', b'"EMail "'))


def blocked(world: World) -> None:
    world.stand_in.faults.add([Fault("html", method="POST", status=403, nth=None)])


def retired(world: World) -> None:
    world.stand_in.first_revision = "2099-01-15"


def refused(world: World) -> None:
    world.stand_in.faults.add([Fault("error", method="POST", status=409, nth=None)])


def broken_file(world: World) -> None:
    store, model = world.services.segment_store, f"{FOLDER}/model.json"
    store.write(world.services.segments.newest(SEGMENT).partitions[0].name, b"no,such,columns\n")
    store.write(model, store.read(model).content)  # it is written last, as always


FAILURES: list[tuple[Callable[[World], None], str, bool]] = [
    (no_list, "unknown_list", True),
    (no_column, "unknown_column", True),
    (wrong_key, "invalid_key", True),
    (no_key, "not_found", True),
    (no_scope, "missing_scope", True),
    (broken_secrets, "invalid_document", True),
    (too_many, "too_many_profiles", True),
    (two_columns_of_a_name, "ambiguous_column", True),
    (blocked, "blocked", False),
    (retired, "retired_revision", False),
    (refused, "request_refused", True),
    (broken_file, "invalid_csv", False),
]


@pytest.mark.parametrize(("break_it", "code", "waits"), FAILURES)
def test_what_nobody_but_people_can_fix_waits_for_them(
    world: World, break_it: Callable[[World], None], code: str, waits: bool
) -> None:
    """Everything else may pass: the timer tries it again after five minutes."""
    world.segment(People(1))
    assert tick(world.services, 240).records == []
    world.segment(People(5), LATER)
    break_it(world)

    (record,) = tick(world.services, 240).records
    world.clock.sleep(6 * 60)
    again = tick(world.services, 240).records

    assert record.error is not None
    assert (record.status, record.error.code) == ("failed", code)
    head, _ = read_head(world.services.state, "vip")
    assert head.retry is not None
    assert (head.retry.waits_for is not None) is waits
    assert head.retry.attempts == (1 if waits else 2)
    assert len(again) == (0 if waits else 1)
