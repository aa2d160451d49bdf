"""Refreshes of the example's segment, and runs of its exports, in a few words."""

import json
from typing import Any

from sandbox.people import COLUMNS, People, Row, email
from sandbox.sample import example_documents
from shared.adapters.clock import Deadline
from shared.runs.advance import run
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from tests.support.world import World


def row(index: int, **changes: str) -> Row:
    """The person with this index, with changes."""
    (person,) = People(1, start=index)
    return tuple(changes.get(column, cell) for column, cell in zip(COLUMNS, person, strict=True))


def rows(*indexes: int) -> list[Row]:
    return [row(index) for index in indexes]


def emails(*indexes: int) -> set[str]:
    return {email(index) for index in indexes}


def refresh(world: World, people: list[Row], partitions: int = 2) -> None:
    """The segment's next refresh."""
    world.clock.sleep(3_600)
    world.segment(people, refreshed=world.clock.now(), partitions=partitions)


def another_export(world: World, export: str, **changes: Any) -> None:
    """Writes an export like the example's under another id."""
    document = example_documents()["exports/vip.json"] | {"id": export} | changes
    world.services.state.write(f"exports/{export}.json", json.dumps(document).encode())


def run_with(world: World, export: str = "vip", **request: Any) -> RunRecord:
    return run(world.services, export, Request("command", "tester", **request), world.deadline())


def briefly(world: World, export: str = "vip") -> RunRecord:
    """As much of a run as can be done without a long wait."""
    return run(world.services, export, Request("command", "tester"), Deadline(world.clock, 30))


def sent(record: RunRecord) -> tuple[int, int, int, int]:
    """New, changed, sent, unchanged."""
    counts = record.counts
    return counts.new, counts.changed, counts.sent, counts.unchanged


def codes(record: RunRecord) -> dict[str, int]:
    """Its warnings, with their counts."""
    return {warning.code: warning.count for warning in record.warnings}
