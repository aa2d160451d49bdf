"""The alerts of an export: warnings of a run that is unusual, and nothing else."""

from typing import Any

import pytest

from sandbox.klaviyo import Fault
from sandbox.people import People
from shared.catalog import Alerts
from shared.errors import InvalidDocument
from shared.runs.alerts import warn_of_alerts
from shared.runs.record import RunRecord
from tests.support.refreshes import codes, refresh, rows, run_with, sent
from tests.support.telemetry import Metrics
from tests.support.world import World


def counted(rows: int, rejected: int = 0, failed: int = 0) -> RunRecord:
    counts = {"rows": rows, "rejected": rejected, "failed": failed}
    content = {"id": "vip.20260824T143300Z-0000", "export": "vip", "trigger": "command", "counts": counts}
    content |= {"requested_by": "tester", "created_at": "2026-08-24T14:33:00Z"}
    return RunRecord.model_validate(content)


@pytest.mark.parametrize(
    ("alerts", "record", "before", "warned"),
    [
        ({"rejected_share": 0.05}, counted(100, 5), None, {}),
        ({"rejected_share": 0.05}, counted(100, 6), None, {"many_rejected": 6}),
        ({"rejected_share": 0.05}, counted(100, 3, 3), None, {"many_rejected": 6}),
        ({"rejected_share": 0.29}, counted(100, 29), None, {}),
        ({"rejected_share": 0}, counted(100, 1), None, {"many_rejected": 1}),
        ({"rejected_share": 0}, counted(0), None, {}),
        ({"rejected_share": 1}, counted(1, 1), None, {}),
        ({"grew_by": 0.5}, counted(150), 100, {}),
        ({"grew_by": 0.5}, counted(151), 100, {"rows_grew": 51}),
        ({"grew_by": 0.29}, counted(129), 100, {}),
        ({"grew_by": 2}, counted(301), 100, {"rows_grew": 201}),
        ({"grew_by": 2}, counted(1), 0, {"rows_grew": 1}),
        ({"grew_by": 0}, counted(100), 100, {}),
        ({"grew_by": 0}, counted(50), 100, {}),
        ({"grew_by": 0.5}, counted(1_000), None, {}),
        ({"fell_by": 0.3}, counted(70), 100, {}),
        ({"fell_by": 0.3}, counted(69), 100, {"rows_fell": 31}),
        ({"fell_by": 0.3}, counted(0), 100, {"rows_fell": 100}),
        ({"fell_by": 0.3}, counted(0), 0, {}),
        ({"fell_by": 1}, counted(0), 100, {}),
        ({"fell_by": 0.3}, counted(10), None, {}),
        ({"fell_by": 0.3}, counted(200), 100, {}),
        ({}, counted(100, 100), 10, {}),
    ],
)
def test_a_warning_comes_beyond_the_share(
    alerts: dict[str, float], record: RunRecord, before: int | None, warned: dict[str, int]
) -> None:
    """Not at it; of the rows for those refused, and of the rows of the last complete run for the others."""
    warn_of_alerts(record, Alerts.model_validate(alerts), before)
    assert codes(record) == warned


@pytest.mark.parametrize(
    "alerts",
    [
        *({"rejected_share": 1.1}, {"rejected_share": -0.1}, {"grew_by": -1}, {"grew_by": float("inf")}),
        *({"fell_by": 2}, {"fell_by": "0.1"}, {"shrank_by": 0.1}),
    ],
)
def test_a_share_that_can_not_be_one_is_refused(world: World, alerts: dict[str, Any]) -> None:
    """The document's problem has its place."""
    world.document("exports/vip.json", alerts=alerts)
    with pytest.raises(InvalidDocument) as caught:
        world.services.catalog.export("vip")
    assert [problem.pointer for problem in caught.value.problems] == [f"/alerts/{next(iter(alerts))}"]


def test_many_refused_rows(world: World, metrics: Metrics) -> None:
    """The warning has the numbers, and counts as a metric; what is sent is the same."""
    people = People(200, dirt=True)
    world.segment(people)
    without = world.run()
    world.document("exports/vip.json", alerts={"rejected_share": 0.01})
    metrics.told()

    record = run_with(world, full=True)

    assert (sent(record)[2], record.counts.rejected) == (without.counts.sent, people.expected.rejected)
    assert codes(record)["many_rejected"] == people.expected.rejected
    assert record.status == "completed_with_warnings"
    assert f"{people.expected.rejected} of {record.counts.rows} rows" in record.warnings[-1].message
    assert metrics.told()["segment_export.alerts"] == {("vip", "many_rejected"): 1}


def test_rows_are_compared_with_the_last_complete_run(world: World, metrics: Metrics) -> None:
    """The first has nothing to compare with; each that is complete is what the next is compared with."""
    world.document("exports/vip.json", alerts={"grew_by": 0.5, "fell_by": 0.3})
    world.segment(rows(*range(20)))
    assert world.run().status == "successful"

    refresh(world, rows(*range(31)))
    record = world.run()
    assert (record.status, codes(record)) == ("completed_with_warnings", {"rows_grew": 11})
    assert "31 rows; the last complete run had 20." in record.warnings[0].message
    assert world.run().status == "successful"

    refresh(world, rows(*range(20)))
    assert codes(world.run()) == {"rows_fell": 11}
    assert metrics.told()["segment_export.alerts"] == {("vip", "rows_grew"): 1, ("vip", "rows_fell"): 1}


def test_a_trial_and_a_failed_run_are_not_compared(world: World) -> None:
    """Neither warns, and the next run is compared with the one before them."""
    world.document("exports/vip.json", alerts={"grew_by": 0.5, "fell_by": 0.3, "rejected_share": 0.1})
    world.segment(rows(*range(20)))
    world.run()
    refresh(world, rows(*range(40)))

    assert codes(run_with(world, limit=5)).keys() == {"limited"}
    world.document("exports/vip.json", alerts={"grew_by": 0.5}, limits={"max_profiles": 1})
    assert codes(world.run()) == {}
    world.document("exports/vip.json", alerts={"grew_by": 0.5})
    assert codes(world.run()) == {"rows_grew": 20}


def test_a_part_of_the_rows_is_not_judged(world: World) -> None:
    """Neither those that a trial read, nor those that a run read before it failed."""
    world.document("exports/vip.json", alerts={"rejected_share": 0})
    world.segment(People(200, dirt=True))
    trial = run_with(world, limit=100)
    world.stand_in.faults.add([Fault("error", method="POST", status=401, nth=None)])
    failed = world.run()

    assert trial.counts.rejected
    assert failed.counts.rejected
    assert (failed.status, "limited" in codes(trial)) == ("failed", True)
    assert "many_rejected" not in codes(trial) | codes(failed)


def test_other_segments_are_not_compared(world: World) -> None:
    """An export that gets another segment has not grown."""
    world.document("exports/vip.json", alerts={"grew_by": 0.5, "fell_by": 0.3})
    world.segment(rows(*range(20)))
    world.run()
    head = world.services.state.read("heads/vip.json").content
    world.services.state.write("heads/vip.json", head.replace(b'{"HighValueSegment":20}', b'{"Other":20}'))
    refresh(world, rows(*range(40)))

    assert codes(world.run()) == {}


def test_a_segment_without_rows_is_compared_with_what_it_had(world: World) -> None:
    """Each run warns until it has rows again, which is not growth."""
    world.document("exports/vip.json", alerts={"grew_by": 0.5, "fell_by": 0.3})
    world.segment(rows(*range(20)))
    world.run()
    refresh(world, [])
    assert codes(world.run())["rows_fell"] == 20
    assert codes(world.run())["rows_fell"] == 20

    refresh(world, rows(*range(20)))
    assert codes(world.run()) == {}
