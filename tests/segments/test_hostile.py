"""A model.json that is invalid or malicious affects its own segments only."""

import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.errors import InvalidSegment, PermanentError
from shared.segments import Segments
from shared.segments.discovery.model import MAX_BYTES, Model
from tests.segments.building import ACCOUNT, EXPORT, RUN, Shelf, entity, partition, write_csv, write_model
from tests.support.growth import assert_grows_in_proportion

MINE = "CustomerInsights_2/Weekly"
FILE = f"{MINE}/Mine/{RUN}/1.csv"


def of(*entities: object) -> bytes:
    return json.dumps({"entities": entities}).encode()


def contents() -> Iterator[Any]:
    """Each with whether its entity Mine is valid."""
    names = (
        5,
        1.5,
        True,
        ["a"],
        {"a": 1},
        None,
        "",
        "x" * 100_000,
        "a\x1b[2J",
        "..",
        "a/../b",
        "/",
        "a\\b",
        ".a",
    )
    for name in names:
        yield of(entity("Mine", [FILE]), entity("x", []) | {"name": name}), True
    locations: tuple[object, ...] = (
        5,
        [],
        None,
        "x" * 100_000,
        f"{ACCOUNT}/{'a/' * 600}x",
        f"{ACCOUNT}/a\x1b",
        "https://[",
        "file:///x",
    )
    for location in locations:
        yield of(entity("Mine", [FILE]), entity("x", [partition("x") | {"location": location}])), True
    for member in ("attributes", "partitions"):
        values: tuple[object, ...] = (5, "x", [5], [[]], {"a": 1}, [{"name": 5}], [{"name": "a"}] * 2)
        for value in values:
            yield of(entity("Mine", [FILE]) | {member: value}), False
    odd = partition(FILE, {"delimiter": {}, "columnHeaders": []}, refreshTime=[1])
    yield of(entity("Mine", [odd])), True
    yield of(entity("Mine", [FILE], attributes=[{"name": str(number)} for number in range(10_001)])), False
    yield of(entity("Mine", [f"{MINE}/{number}.csv" for number in range(10_001)])), False
    yield of(entity("Mine", [FILE]), *({"name": str(number)} for number in range(10_000))), False
    yield of(*[entity("Mine", [FILE])] * 2), False
    for content in (
        b"",
        b"null",
        b'{"entities": [NaN]}',
        b'{"entities": ["\xe9"]}',
        b'{"entities": ' + b"[" * 10**6,
    ):
        yield content, False
    yield of(entity("Mine", [FILE])).decode().encode("utf-16"), False
    yield of(entity("Mine", [FILE])) + b" " * MAX_BYTES, False
    yield gzip.compress(of(entity("Mine", [FILE])) + b" " * MAX_BYTES), False
    yield gzip.compress(of(entity("Mine", [FILE])))[:-1], False
    yield gzip.compress(of(entity("Mine", [FILE]))), True


CONTENTS = list(contents())


@pytest.mark.parametrize(("content", "can_be_read"), CONTENTS, ids=map(str, range(len(CONTENTS))))
def test_a_hostile_model_costs_its_own_segments(shelf: Shelf, content: bytes, can_be_read: bool) -> None:
    """All other segments are listed, found and versioned as before, and messages stay short."""
    gold = f"{EXPORT}/Gold/{RUN}/1.csv"
    write_csv(shelf, gold, FILE)
    write_model(shelf, entity("Gold", [gold]))
    shelf.write(f"{MINE}/model.json", content)
    shelf.age(600)
    segments = Segments(shelf)

    assert segments.newest("Gold").partitions[0].name == gold
    assert segments.versions(["Gold", "Mine"]).keys() == ({"Gold", "Mine"} if can_be_read else {"Gold"})
    view = segments.view()
    assert {"Gold", "Mine"} <= {*view.names()}
    for name in [*view.names()[:20], "Unknown"]:
        if name != "Gold" and not (name == "Mine" and can_be_read):
            with pytest.raises(PermanentError) as refused:
                view.newest(name)
            assert len(refused.value.message) < 2500
            assert refused.value.message.isprintable()


def test_a_model_that_is_too_large_is_not_read(shelf: Shelf) -> None:
    """No more than the limit is read."""
    shelf.write(f"{MINE}/model.json", of() + b" " * MAX_BYTES)
    write_csv(shelf, FILE)
    shelf.age(600)

    with pytest.raises(InvalidSegment, match="must have 16,777,216 bytes at most") as refused:
        Segments(shelf).newest("Mine")
    assert refused.value.code == "invalid_model"


def test_a_message_names_ten_segments_at_most(shelf: Shelf) -> None:
    """That holds for unknown and ambiguous names."""
    for number in range(30):
        write_model(shelf, entity("Gold"), entity(f"S{number:02}"), folder=f"E{number:02}")

    with pytest.raises(PermanentError, match=r"'S00', .*, 'S08' and 21 more\.$"):
        Segments(shelf).newest("Unknown")
    with pytest.raises(InvalidSegment, match=r"'E00/Gold', .*, 'E09/Gold' and 20 more\.$"):
        Segments(shelf).newest("Gold")


@pytest.mark.parametrize(
    ("spelled", "data_type"),
    [("Boolean", "boolean"), ("INT64", "int64"), ("datetimeoffset", "dateTimeOffset"), (" string ", "string")]
    + [(other, "unclassified") for other in ("bool", "", None, 5, ["boolean"])],
)
def test_a_data_type_is_the_same_in_any_case(spelled: object, data_type: str) -> None:
    """Consent compares as a boolean however its type is spelled; an unknown type is text."""
    content = of({"name": "Gold", "attributes": [{"name": "a", "dataType": spelled}]})

    assert Model.parse("model.json", "etag", content).entity("Gold").columns[0].data_type == data_type


def listed(shelf: Shelf, count: int) -> list[str]:
    write_model(shelf, *(entity(f"S{n}", [f"{EXPORT}/S{n}/{RUN}/1.csv"]) for n in range(count)))
    return [f"S{n}" for n in range(count)]


def unlisted(shelf: Shelf, count: int) -> list[str]:
    write_model(shelf, *(entity(f"S{n}") for n in range(count)))
    return [f"S{n}" for n in range(count)]


def removed(shelf: Shelf, count: int) -> list[str]:
    write_model(shelf, *(entity(f"T{n}") for n in range(count)))
    return [f"S{n}" for n in range(count)]


def bare(shelf: Shelf, count: int) -> list[str]:
    return [f"{EXPORT}/S{n}" for n in range(count)]


@pytest.mark.parametrize("lay", [listed, unlisted, removed, bare])
def test_discovery_takes_time_in_proportion_to_the_segments(
    shelf: Shelf, lay: Callable[[Shelf, int], list[str]]
) -> None:
    """However they are found."""
    written = 0

    def prepare(count: int) -> Callable[[], object]:
        nonlocal written
        write_csv(shelf, *(f"{EXPORT}/S{n}/{RUN}/1.csv" for n in range(written, count)))
        written = count
        names = lay(shelf, count)
        return lambda: _look(shelf, names)

    assert_grows_in_proportion(prepare, 20)


def _look(shelf: Shelf, names: list[str]) -> None:
    segments = Segments(shelf)
    segments.names()
    segments.versions(names)
    segments.versions(names)
