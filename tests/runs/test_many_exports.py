"""What a tick asks of the stores where there are many exports, accounts and segments."""

import json
from collections.abc import Iterator

import pytest

from sandbox.people import People
from sandbox.sample import FOLDER, example_documents, write_segment
from shared.runs.work.tick import tick
from tests.support.stores import counted
from tests.support.world import MONDAY, World, a_world

EXPORTS, ACCOUNTS, SEGMENTS = 300, 15, 60
MODEL = ("read", f"{FOLDER}/model.json")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An installation of many exports that no timer has seen."""
    with a_world(tmp_path_factory.mktemp("many")) as world:
        state = world.services.state
        example = example_documents()
        connection, export = example["connections/sandbox.json"], example["exports/vip.json"]
        for number in range(ACCOUNTS):
            name = f"account-{number:02}"
            account = {"id": f"ACC{number:03}", "name": name}
            document = connection | {"id": name, "account": account}
            state.write(f"connections/{name}.json", json.dumps(document).encode())
        for number in range(EXPORTS - 1):
            name = f"export-{number:03}"
            document = export | {
                "id": name,
                "connection": f"account-{number % ACCOUNTS:02}",
                "segments": [f"Segment{number % SEGMENTS:03}"],
            }
            state.write(f"exports/{name}.json", json.dumps(document).encode())
        for number in range(SEGMENTS):
            store, name = world.services.segment_store, f"Segment{number:03}"
            write_segment(store, name, People(1), refreshed=MONDAY, partitions=1)
        world.segment(People(1), partitions=1)
        yield world


def test_many_exports_are_seen_and_then_cost_three_calls(world: World) -> None:
    """First sight reads model.json once, and makes each a head; a quiet tick lists twice and reads once."""
    services, state, segments = counted(world.services)

    assert tick(services, 240).records == []

    assert segments.calls.count(MODEL) == 1
    assert len(segments.calls) <= SEGMENTS + 10  # a folder of files for each
    written = [name for what, name in state.calls if what == "write"]
    assert len(set(written)) == len(written) == EXPORTS + 1  # and that it ticked
    assert len(state.calls) <= 3 + 2 * EXPORTS

    for _ in range(2):
        state.calls.clear()
        segments.calls.clear()
        assert tick(services, 240).records == []
        assert sorted(state.calls) == [("list", "exports/"), ("list", "heads/")]
        assert segments.calls == [MODEL]

    # Another process, which remembers nothing, reads each document once more.
    services, state, segments = counted(world.services)
    assert tick(services, 240).records == []
    assert segments.calls.count(MODEL) == 1
    reads = [name for what, name in state.calls if what == "read"]
    assert len(reads) == EXPORTS
    assert all(name.startswith("exports/") for name in reads)
    assert [what for what, _ in state.calls].count("list") == 2
    assert not world.stand_in.requests
