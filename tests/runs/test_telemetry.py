"""What a run tells the operator: numbers, ids and codes, nobody's data."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from sandbox.klaviyo import Fault
from sandbox.people import People
from shared.runs.tick import tick
from tests.support.world import World


@pytest.fixture(scope="module")
def reader() -> Iterator[InMemoryMetricReader]:
    """A real SDK behind OpenTelemetry's API, as the Functions worker sets one up."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    metrics.set_meter_provider(provider)
    yield reader
    provider.shutdown()


def told(reader: InMemoryMetricReader) -> dict[str, dict[tuple[object, ...], Any]]:
    """Values by metric and attributes."""
    data = reader.get_metrics_data()
    assert data is not None
    return {
        metric.name: {
            tuple((point.attributes or {}).values()): getattr(point, "value", None)
            or getattr(point, "sum", 0)
            for point in metric.data.data_points
        }
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def test_metrics_of_a_run(world: World, reader: InMemoryMetricReader) -> None:
    """Profiles, runs, their duration, posts, throttling, the age of the last success, the heartbeat."""
    people = People(1000, dirt=True)
    tick(world.services, 240)
    world.segment(people)
    world.stand_in.faults.add([Fault("error", method="POST", status=429, retry_after=7)])
    tick(world.services, 240)
    world.clock.sleep(600)
    tick(world.services, 240)

    values = told(reader)

    profiles = values["segment_export.profiles"]
    assert profiles["vip", "imported"] == len(people.expected.emails)
    assert profiles["vip", "rejected"] == people.expected.rejected
    assert profiles["vip", "duplicates"] == people.expected.duplicates
    assert values["segment_export.runs"] == {("vip", "completed_with_warnings"): 1}
    assert values["segment_export.run.duration"]["vip", "completed_with_warnings"] >= 7
    assert values["segment_export.posts"]["SNDBOX", 429] == 1
    assert values["segment_export.posts"]["SNDBOX", 202] >= 1
    assert values["segment_export.throttled"]["SNDBOX",] == 7
    assert values["segment_export.last_success.age"]["vip",] >= 600
    assert values["segment_export.ticks"][()] == 3


def test_a_line_for_each_step(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Each step is logged with the run, the export and the counts beside the message."""
    caplog.set_level(logging.INFO, logger="shared")
    world.segment(People(10))

    record = world.run()

    lines = [line for line in caplog.records if line.name == "shared.runs.steps"]
    assert [line.getMessage().split()[-1] for line in lines] == ["pinned", "sent", "closed"]
    assert {(line.__dict__["run"], line.__dict__["export"]) for line in lines} == {(record.id, "vip")}
    assert [line.__dict__["imported"] for line in lines] == [0, 0, 10]
