"""What a run tells the operator: numbers, ids and codes, nobody's data."""

import logging
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.klaviyo import Fault, JobPlan
from sandbox.people import People
from shared.errors import Denied
from shared.runs.work.tick import tick
from tests.support.refreshes import refresh, row, rows
from tests.support.small_batches import small_batches
from tests.support.telemetry import Metrics
from tests.support.vault import KeyVaultServer
from tests.support.world import MONDAY, World


def test_metrics_of_a_run(world: World, metrics: Metrics) -> None:
    """Profiles, refused rows, runs, their duration, posts, throttling, the last success, the heartbeat."""
    people = People(1000, dirt=True)
    tick(world.services, 240)
    world.segment(people)
    world.stand_in.faults.add([Fault("error", method="POST", status=429, retry_after=7)])
    tick(world.services, 240)
    world.clock.sleep(600)
    tick(world.services, 240)

    values = metrics.told()

    profiles = values["segment_export.profiles"]
    assert profiles["vip", "imported"] == len(people.expected.emails)
    assert profiles["vip", "rejected"] == people.expected.rejected
    assert profiles["vip", "duplicates"] == people.expected.duplicates
    assert sum(values["segment_export.rejected"].values()) == people.expected.rejected
    assert values["segment_export.rejected"]["vip", "invalid_email"] > 0
    assert values["segment_export.runs"] == {("vip", "completed_with_warnings"): 1}
    assert values["segment_export.run.duration"]["vip", "completed_with_warnings"] >= 7
    assert values["segment_export.posts"]["SNDBOX", 429] == 1
    assert values["segment_export.posts"]["SNDBOX", 202] >= 1
    assert values["segment_export.throttled"]["SNDBOX",] == 7
    assert values["segment_export.last_success.age"]["vip",] >= 600
    assert values["segment_export.ticks"][()] == 3


def test_every_row_has_one_outcome(world: World, metrics: Metrics) -> None:
    """Also one that is unchanged: a run that sends nobody new does not look as if most rows were refused."""
    people = People(1000, dirt=True)
    for day in range(2):
        world.segment(people, MONDAY + timedelta(days=day))
        metrics.told()
        record = world.run()
        world.clock.sleep(86_400)
    values = metrics.told()
    outcomes = values["segment_export.profiles"]
    assert sum(outcomes.values()) == record.counts.rows == 1000
    assert outcomes["vip", "unchanged"] == len(people.expected.emails)


def test_what_the_ledger_says_of_people(world: World, metrics: Metrics) -> None:
    """Who is new, changed and unchanged, who was removed, and whose removal the safeguard holds."""
    world.document("exports/vip.json", sync={"mode": "mirror"})
    refresh(world, rows(*range(100)))
    world.run()
    refresh(world, [row(0, FirstName="Another"), *rows(*range(1, 99)), *rows(200, 201)])
    metrics.told()
    world.run()
    told = metrics.told()["segment_export.changes"]
    assert told == {
        ("vip", "new"): 2,
        ("vip", "changed"): 1,
        ("vip", "unchanged"): 98,
        ("vip", "removed"): 1,
        ("vip", "held"): 0,
    }
    refresh(world, rows(*range(10)))
    world.run()
    told = metrics.told()["segment_export.changes"]
    assert (told["vip", "removed"], told["vip", "held"]) == (0, 91)


def test_an_open_run_and_an_export_that_is_behind(world: World, metrics: Metrics) -> None:
    """From the snapshot until its run is closed the export is behind; the open run tells its age."""
    tick(world.services, 240)
    world.segment(People(10))
    world.stand_in.plans.append(JobPlan(seconds=600))
    tick(world.services, 30)
    metrics.told()

    tick(world.services, 30)
    values = metrics.told()
    assert values["segment_export.behind"] == {("vip",): 1}
    assert values["segment_export.open_run.age"]["vip",] >= 15

    world.clock.sleep(900)
    tick(world.services, 240)
    metrics.told()
    tick(world.services, 240)
    values = metrics.told()
    assert values["segment_export.behind"] == {("vip",): 0}
    assert "segment_export.open_run.age" not in values


def test_a_recurrence_that_brought_no_success_is_behind(world: World, metrics: Metrics) -> None:
    """A cron whose runs fail stays behind, however often they are tried; a success puts it right."""
    # Documents carry the real time at which they were written.
    world.clock.sleep((datetime.now(UTC) - world.clock.now()).total_seconds() + 60)
    hourly = {"when": {"cron": "0 * * * *"}}
    world.document("exports/vip.json", list_id="Nowher", schedule=hourly)
    world.segment(People(10))
    tick(world.services, 240)
    for _ in range(3):
        world.clock.sleep(3600)
        tick(world.services, 240)
    values = metrics.told()
    assert values["segment_export.runs"]["vip", "failed"] >= 1
    assert values["segment_export.behind"] == {("vip",): 1}

    world.document("exports/vip.json", schedule=hourly)
    world.run()
    tick(world.services, 240)
    assert metrics.told()["segment_export.behind"] == {("vip",): 0}


@pytest.mark.parametrize("name", ["heads/vip.json", "exports/vip.json"])
def test_what_can_not_be_read_is_behind(world: World, metrics: Metrics, name: str) -> None:
    """A document or a head that is broken must not look like an export with nothing to do."""
    world.segment(People(1))
    tick(world.services, 240)
    metrics.told()
    world.services.state.write(name, b"{")

    tick(world.services, 240)

    assert metrics.told()["segment_export.behind"] == {("vip",): 1}


def test_a_secret_that_the_vault_refuses(key_vault: KeyVaultServer, metrics: Metrics) -> None:
    """Each refusal counts, with the secret's name."""
    key_vault.secrets["klaviyo-eu-key"] = "pk_made"
    key_vault.refused["klaviyo-eu-key"] = "ForbiddenByRbac"
    with pytest.raises(Denied):
        key_vault.vault().secret("klaviyo-eu-key")
    assert metrics.told()["segment_export.vault.refusals"] == {("klaviyo-eu-key",): 1}


def test_a_line_for_each_step(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Each step is logged with the run, the export and the counts beside the message."""
    caplog.set_level(logging.INFO, logger="shared")
    world.segment(People(10))

    record = world.run()

    lines = [line for line in caplog.records if line.name == "shared.runs.report"]
    assert [line.getMessage().split()[-1] for line in lines] == ["pinned", "sent", "confirmed", "closed"]
    assert {(line.__dict__["run"], line.__dict__["export"]) for line in lines} == {(record.id, "vip")}
    assert [line.__dict__["imported"] for line in lines] == [0, 0, 10, 10]


def test_the_share_of_the_limits_that_a_pass_used(world: World, metrics: Metrics) -> None:
    """Of many posts, which Klaviyo's limits alone hold back; a single post says nothing."""
    world.segment(small_batches(31))
    world.run(slowly=True)
    assert 0.8 < metrics.told()["segment_export.limit.share"]["SNDBOX",] <= 1
    world.segment(People(5), MONDAY + timedelta(hours=1))
    world.run()
    assert "segment_export.limit.share" not in metrics.told()
