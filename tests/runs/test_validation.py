"""Documents that people give, or that the state has."""

import json
from typing import Any

import pytest

from shared.administration.validation import stored_documents, validate
from tests.segments.building import lay
from tests.support.documents import CONNECTION, SHORT_CONNECTION, SHORT_EXPORT
from tests.support.world import World

BARE = "Bare/2026/08/24/1433/Bare_1.csv"
HERE = SHORT_EXPORT | {"connection": "sandbox"}


def problems(world: World, *documents: tuple[str, Any], online: bool = False) -> list[dict[str, str]]:
    """What is wrong with files of these names and contents, by pointer."""
    raw = [
        (name, content if isinstance(content, bytes) else json.dumps(content).encode())
        for name, content in documents
    ]
    checked = validate(world.services, raw, world.deadline() if online else None)
    return [{problem.pointer: problem.message for problem in each.problems} for each in checked]


@pytest.mark.parametrize("name", ["exports/eu/vip.json", "exports/other.json", "connections/vip.json"])
def test_a_file_may_have_any_name(world: World, name: str) -> None:
    """Whoever keeps documents in folders of their own is not told of a place that they don't have."""
    assert problems(world, (name, HERE)) == [{}]


def test_a_document_of_the_state_is_called_by_its_id(world: World) -> None:
    """There its name is what others find it by."""
    world.services.state.write("exports/other.json", json.dumps(HERE).encode())

    checked = {
        each.name: each.problems for each in validate(world.services, stored_documents(world.services))
    }

    assert "must be the file's name without .json" in checked["exports/other.json"][0].message


def test_a_connection_is_known_by_its_type(world: World) -> None:
    """One that lacks its secret and its consent is told that they are missing, and nothing of exports."""
    content = {key: value for key, value in CONNECTION.items() if key not in ("secret_name", "consent")}

    assert problems(world, ("c.json", content)) == [
        {"/secret_name": "is required", "/consent": "is required"}
    ]


def test_nested_beyond_measure_is_no_json_and_stops_no_other(world: World) -> None:
    """Every file is checked, whatever is in one."""
    deep, connection = problems(world, ("a.json", b"[" * 100_000), ("c.json", SHORT_CONNECTION))

    assert "is not JSON" in deep[""]
    assert connection == {}


def test_what_may_be_a_row_is_not_told(world: World) -> None:
    """Without model.json a first line without any of the columns is not listed."""
    lay(world.folder / "segments", BARE, b"Abbie,Moss,Fairfield\n")

    (found,) = problems(world, ("e.json", HERE | {"segments": ["Bare"]}), online=True)

    assert "does not begin with column names that the export uses" in found["/match/email"]
    assert "Fairfield" not in str(found)


def test_an_empty_segment_lacks_no_column(world: World) -> None:
    """Nobody can say which it would have."""
    lay(world.folder / "segments", BARE, b"")

    assert problems(world, ("e.json", HERE | {"segments": ["Bare"]}), online=True) == [{}]
