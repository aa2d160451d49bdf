"""The picture in docs/architecture.md is the code: its rooms are the packages, its arrows their imports."""

import re
import tomllib

import grimp
import pytest

from shared.runs.states import TRANSITIONS, State
from tests.docs.pages import ROOT, blocks, page

LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
PICTURE, STATES, _ = blocks(page("docs/architecture.md"), "mermaid")


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """The rooms, and which others each of them imports."""
    graph = grimp.build_graph(*LINTER["root_packages"])
    rooms = {*LINTER["root_packages"], *graph.find_children("shared")} - {"shared"}
    for room in rooms:
        graph.squash_module(room)
    return {room: graph.find_modules_directly_imported_by(room) & rooms - {room} for room in rooms}


def rooms() -> dict[str, str]:
    """The rooms in the picture by their short names; each label begins with the room's path."""
    labels = dict(re.findall(r'^    (\w+)\["([\w/]+): ', PICTURE, re.MULTILINE))
    return {name: place.replace("/", ".") for name, place in labels.items()}


def arrows() -> set[tuple[str, str]]:
    named = rooms()
    return {(named[start], named[end]) for start, end in re.findall(r"(\w+) --> (\w+)", PICTURE)}


def reachable(imports: dict[str, set[str]], room: str) -> set[str]:
    below = imports[room]
    return below.union(*(reachable(imports, other) for other in below))


def test_the_rooms_are_the_packages(imports: dict[str, set[str]]) -> None:
    """Adding or removing a package changes the picture."""
    assert sorted(rooms().values()) == sorted(imports)


def test_the_arrows_are_the_imports(imports: dict[str, set[str]]) -> None:
    """Every import is an arrow, or a way over several."""
    direct = {
        (room, other)
        for room, others in imports.items()
        for other in others
        if not any(other in reachable(imports, between) for between in others)
    }
    assert arrows() == direct


def test_the_arrows_agree_with_the_layers() -> None:
    """The picture's arrows point down the layers that the linter keeps."""
    layers, _ = [contract["layers"] for contract in LINTER["contracts"] if contract["type"] == "layers"]
    depth = {room: level for level, row in enumerate(layers) for room in row.split(" | ")}
    assert all(depth[start] < depth[end] for start, end in arrows() if start in depth)


def test_the_states_are_the_runs_own() -> None:
    """The diagram begins with the first state, ends with the last, and has the transitions of the code
    between."""
    drawn = set(re.findall(r"^    (\S+) --> (\S+)$", STATES, re.MULTILINE))
    first, *_, last = State
    transitions = {(state.value, follows.value) for state in State for follows in TRANSITIONS[state]}

    assert drawn == {("[*]", first.value), (last.value, "[*]"), *transitions}
