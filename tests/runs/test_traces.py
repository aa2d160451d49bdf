"""One trace for each run, whoever goes on with it."""

from collections import Counter
from collections.abc import Iterable

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from sandbox.klaviyo import Fault, JobPlan
from sandbox.people import People
from shared.adapters import traces
from shared.runs.work.tick import tick
from tests.support.small_batches import UnusualPeople
from tests.support.world import World


def tree(spans: Iterable[ReadableSpan]) -> Counter[tuple[str, str]]:
    """How often a span stands below which other, by their names."""
    by_id = {span.context.span_id: span.name for span in spans if span.context}
    return Counter((by_id.get(span.parent.span_id, ""), span.name) for span in spans if span.parent)


def test_a_span_for_each_step_and_batch(world: World, spans: InMemorySpanExporter) -> None:
    """Below the run its steps, below the sending its batches, with ids and counts."""
    world.segment(UnusualPeople(1_250, dirt=True))

    record = world.run()

    ended = spans.get_finished_spans()
    steps = tree(ended)
    batches = steps.pop(("send", "batch"))
    assert batches == len(record.jobs)
    assert steps.pop(("run", "confirm")) >= 1
    assert steps.pop(("", "run")) >= 1
    assert steps == {("run", "pin"): 1, ("run", "send"): 1, ("run", "close"): 1}
    told = [(span.name, dict(span.attributes or {})) for span in ended]
    assert sum(int(str(of["profiles"])) for name, of in told if name == "batch") == record.counts.sent
    assert {(of["run"], of["export"]) for name, of in told if name == "run"} == {(record.id, "vip")}
    assert [of for name, of in told if name == "close"] == [record.counts.model_dump()]


def test_calls_that_go_on_with_a_run_share_its_trace(world: World, spans: InMemorySpanExporter) -> None:
    """A run that takes several ticks is one trace, and another run another one."""
    tick(world.services, 240)
    world.stand_in.plans += [JobPlan(seconds=600), JobPlan(seconds=600)]
    world.segment(People(10))
    for _ in range(4):
        tick(world.services, 240)
        world.clock.sleep(300)
    world.run()

    taken_up: dict[object, set[int]] = {}
    for span in spans.get_finished_spans():
        if span.name == "run" and span.attributes and span.context:
            taken_up.setdefault(span.attributes["run"], set()).add(span.context.trace_id)
    assert len(taken_up) == 2
    assert all(len(ids) == 1 for ids in taken_up.values())
    assert len(set.union(*taken_up.values())) == 2


def test_a_run_points_to_the_call_that_it_happens_in(world: World, spans: InMemorySpanExporter) -> None:
    """The invocation's own trace is one click away."""
    world.segment(People(10))
    with trace.get_tracer("host").start_as_current_span("invocation") as invocation:
        world.run()
    run = next(span for span in spans.get_finished_spans() if span.name == "run")
    assert [link.context for link in run.links] == [invocation.get_span_context()]


def test_an_error_is_told_by_its_code(world: World, spans: InMemorySpanExporter) -> None:
    """A step that fails says why in a word; there is no message and no traceback in it."""
    world.segment(People(10))
    world.stand_in.faults.add([Fault("error", status=401, nth=None)])
    world.run()
    pin = next(span for span in spans.get_finished_spans() if span.name == "pin")
    assert (pin.attributes or {})["error.type"] == "invalid_key"
    assert (pin.status.status_code, pin.status.description) == (StatusCode.ERROR, "invalid_key")
    assert not pin.events


def test_an_error_of_python_tells_its_type_only(spans: InMemorySpanExporter) -> None:
    """What `int` says of a value it can't read, for instance, holds the value."""
    with pytest.raises(ValueError, match="secret"), traces.span("step"):
        int("secret")
    [step] = spans.get_finished_spans()
    assert "secret" not in step.to_json()
    assert (step.attributes or {})["error.type"] == "ValueError"
