"""A marked person goes every way that a person can go; the mark leaves in a request body and nowhere else."""

import logging
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from sandbox.klaviyo import Fault, ImportFailure, JobPlan
from sandbox.people import COLUMNS, People, Row
from shared.errors import ExportError
from shared.runs.advance import run
from shared.runs.forget import forget
from shared.runs.starting import Request
from tests.support.open_runs import CONSENT
from tests.support.telemetry import Metrics
from tests.support.webhook import notify_of, receiving
from tests.support.world import SEGMENT, World, a_world

MARK = "canary"
EMAIL = f"{MARK}.person@example.org"


def marked(**cells: str) -> Row:
    """A person whose every cell holds the mark, but for those given."""
    (row,) = People(1)
    values = {name: f"{MARK} {value}" for name, value in zip(COLUMNS, row, strict=True)}
    values |= {"EMail": EMAIL, "Newsletter consent": "True", **cells}
    return tuple(values[name] for name in COLUMNS)


def people(world: World, *rows: Row) -> None:
    world.segment([*People(5), *(rows or [marked()])])


def fault(kind: str, **details: Any) -> Callable[[World], None]:
    def arrange(world: World) -> None:
        people(world)
        world.stand_in.faults.add([Fault(**{"kind": kind, "method": "POST", **details})])

    return arrange


def refused(world: World, named: int | None) -> None:
    people(world)
    world.stand_in.refused_emails = {EMAIL}
    world.stand_in.bad_rows_named = named


def failing(world: World) -> None:
    people(world)
    world.stand_in.failures = {EMAIL: ImportFailure()}


def cancelled(world: World) -> None:
    people(world)
    world.stand_in.plans.append(JobPlan(outcome="cancelled"))


def lost(world: World) -> None:
    people(world)
    world.stand_in.plans.append(JobPlan(seconds=60, readable_for=1))


def filtered(world: World) -> None:
    people(world)
    world.document("exports/vip.json", only_if={"column": "Newsletter consent", "equals": "False"})


def subscribed(world: World) -> None:
    people(world, marked(CreatedOn="2026-05-01T08:00:00Z"))
    world.document("exports/vip.json", **CONSENT)


def refused_subscription(world: World) -> None:
    subscribed(world)
    world.stand_in.faults.add([Fault("error", method="POST", path="*subscription*", status=403)])


def broken_file(world: World) -> None:
    people(world)
    store = world.services.segment_store
    partition = world.services.segments.newest(SEGMENT).partitions[1]
    store.write(
        partition.name, b"".join(store.stream(partition.name, etag=partition.etag)) + b'"\xff' + MARK.encode()
    )


def erased(world: World) -> None:
    people(world)
    forget(world.services, [EMAIL], world.deadline())


def erased_meanwhile(world: World) -> None:
    """Erased while a job with the person is on its way; the run erases again when it closes."""
    people(world)
    world.stand_in.plans.append(JobPlan(seconds=3_000))
    run(world.services, "vip", Request("command", "tester"), world.deadline(60))
    forget(world.services, [EMAIL], world.deadline())
    world.clock.sleep(3_600)


def erased_in_vain(world: World) -> None:
    """Klaviyo takes neither the address nor the pace."""
    people(world)
    world.stand_in.faults.add(
        [
            Fault("error", path="/api/data-privacy*", status=400, nth=1),
            Fault("error", path="/api/data-privacy*", status=429, nth=2),
            Fault("garbage", path="/api/data-privacy*", nth=3),
        ]
    )
    for _ in range(2):
        forget(world.services, [EMAIL], world.deadline())


WAYS: dict[str, Callable[[World], None]] = {
    "imported": people,
    "twice": lambda world: people(world, marked(), marked(FirstName="another")),
    "no email": lambda world: people(world, marked(EMail="")),
    "bad email": lambda world: people(world, marked(EMail=f"{MARK}@@example.org")),
    "unusual email": lambda world: people(world, marked(EMail=f"{MARK}'s@example.org")),
    "long": lambda world: people(world, marked(FirstName=MARK * 20_000)),
    "cells": lambda world: people(world, (*marked(), MARK)),
    "filtered": filtered,
    "refused and named": lambda world: refused(world, None),
    "refused and not named": lambda world: refused(world, 0),
    "failed": failing,
    "cancelled": cancelled,
    "lost": lost,
    "subscribed": subscribed,
    "a refused subscription": refused_subscription,
    "broken file": broken_file,
    "erased": erased,
    "erased meanwhile": erased_meanwhile,
    "erased in vain": erased_in_vain,
    "401": fault("error", status=401, nth=None),
    "403": fault("error", status=403),
    "blocked": fault("html", status=403, nth=None),
    "429": fault("error", status=429, retry_after=5),
    "500": fault("error", status=500),
    "cut": fault("cut"),
    "cut after": fault("cut_after"),
    "garbage": fault("garbage"),
    "redirect": fault("redirect"),
    "away": fault("error", status=503, nth=None),
}
# On these ways Klaviyo never reads the person's body.
STAYS = {
    *("no email", "bad email", "long", "cells", "filtered", "broken file"),
    *("erased", "erased in vain"),
    *("401", "403", "blocked", "away"),
}
# These fail the run, and the webhook is notified.
REPORTED = {"a refused subscription", "broken file", "401", "403", "blocked"}


@pytest.mark.parametrize("way", WAYS)
def test_the_mark_leaves_in_the_body_and_nowhere_else(
    way: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    metrics: Metrics,
    spans: InMemorySpanExporter,
) -> None:
    """No log at any level, no metric, span, error, record, file, URL or notification holds anything of the
    person."""
    caplog.set_level(logging.DEBUG)
    bodies: list[Any] = []
    shown: list[str] = []
    with a_world(tmp_path) as world, receiving() as receiver:
        notify_of(world, receiver.address)
        world.stand_in.on_import(bodies.append)
        WAYS[way](world)
        try:
            shown.append(repr(world.run()))
        except ExportError as error:
            shown += traceback.format_exception(error)
        shown += [request.path for request in world.stand_in.requests]
        shown += map(repr, receiver.messages)

    state = world.services.state
    shown += [f"{blob.name} {blob.metadata} {state.read(blob.name).content!r}" for blob in state.list()]
    shown += [span.to_json() for span in spans.get_finished_spans()]
    shown += map(repr, metrics.points())
    shown += [f"{record.getMessage()} {record.__dict__}" for record in caplog.records]
    shown += capfd.readouterr()
    assert bool(receiver.messages) == (way in REPORTED)
    held = [text for text in shown if MARK in text]
    assert not held, held

    assert any(MARK.encode() in orjson.dumps(body) for body in bodies) == (way not in STAYS)
