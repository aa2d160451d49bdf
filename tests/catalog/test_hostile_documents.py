"""Documents and bodies that are made to exhaust or to deceive: an error at once, short and plain."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.api import BadRequest, StartBody, read_body
from shared.catalog import Connection, Export
from shared.catalog.document import LONGEST_DOCUMENT, LONGEST_POINTER
from shared.errors import InvalidDocument
from tests.support.documents import SHORT_EXPORT
from tests.support.growth import assert_grows_in_proportion


def refused(content: bytes) -> InvalidDocument:
    with pytest.raises(InvalidDocument) as invalid:
        Export.parse("the.json", content)
    return invalid.value


def unknown_members(count: int) -> bytes:
    return json.dumps({f"m{number}": 1 for number in range(count)}).encode()


def doubled_members(count: int) -> bytes:
    return b'{"a": {%b}}' % b",".join(b'"m%d":1' % (number // 2) for number in range(count))


def nested(count: int) -> bytes:
    return b'{"a":' + b"[" * 150 + b",".join([b"{}"] * count) + b"]" * 150 + b"}"


def segments(count: int) -> bytes:
    return json.dumps({"segments": [f"s{number}" for number in range(count)]}).encode()


def wrong_segments(count: int) -> bytes:
    return json.dumps({"segments": list(range(count))}).encode()


def properties(count: int) -> bytes:
    return json.dumps({"attributes": {"properties": [f"p{number}" for number in range(count)]}}).encode()


@pytest.mark.parametrize(
    "made", [unknown_members, doubled_members, nested, segments, wrong_segments, properties]
)
def test_the_time_grows_with_the_document(made: Callable[[int], bytes]) -> None:
    """In proportion to its size, whatever is wrong with it."""

    def work(size: int) -> Callable[[], object]:
        content = made(size)
        return lambda: refused(content)

    assert_grows_in_proportion(work, 2_000)


def test_a_body_of_unknown_members() -> None:
    """64 KiB of them are answered with the first 20 problems, and how many more there are."""
    content = unknown_members(5_500)
    assert 60_000 < len(content) < 65_536

    with pytest.raises(BadRequest) as refusal:
        read_body(StartBody, content)

    assert [problem.pointer for problem in refusal.value.problems] == [f"/m{number}" for number in range(20)]
    assert refusal.value.message.endswith("/m19: is not known here; and 5,480 more")


def test_twenty_problems_are_all_told() -> None:
    """Nothing is counted as more where all are listed."""
    error = refused(json.dumps(SHORT_EXPORT | {f"m{number}": 1 for number in range(20)}).encode())

    assert (len(error.problems), error.more) == (20, 0)
    assert "more" not in error.message


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 65_536,
        b'{"a":' * 13_000,
        b'{"a":' * 13_000 + b"1" + b"}" * 13_000,
        b'{"limits": {"max_profiles": %b}}' % (b"9" * 60_000),
        b'{"unknown": -%b}' % (b"9" * 60_000),
        b'{"display_name": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'{"unknown": NaN, "version": Infinity}',
        b'{"version": 1e999999}',
        b"{\x00}",
        '{"id": "vip"}'.encode("utf-16"),
        json.dumps({"schedule": {"when": {"cron": f"{'1' * 60_000} * * * *"}}}).encode(),
        json.dumps({"schedule": {"when": {"cron": "* * * * *", "timezone": "a/" * 30_000}}}).encode(),
    ],
    ids=range(13),
)
def test_json_that_breaks_parsers(content: bytes) -> None:
    """Deep nesting, numbers of any length, halves of characters: the document is not valid, no more."""
    error = refused(content)

    assert error.code == "invalid_document"
    assert len(error.message) < 1_000
    assert "4300" not in error.message


def test_a_large_document_is_refused_by_its_size() -> None:
    """Before anything in it is looked at."""
    content = json.dumps(SHORT_EXPORT).encode()
    assert Export.parse("the.json", content.ljust(LONGEST_DOCUMENT)).id == SHORT_EXPORT["id"]

    error = refused(content.ljust(LONGEST_DOCUMENT + 1))

    assert error.message == "the.json is not valid: /: must have 1,048,576 bytes at most"


def test_long_names_are_shortened() -> None:
    """A pointer of 60 KB is nothing to read, and tells what was pasted."""
    for content in ({"x" * 60_000: 1}, {"attributes": {"~" * 60_000: 1}}):
        pointers = [problem.pointer for problem in refused(json.dumps(content).encode()).problems]
        assert max(map(len, pointers)) <= LONGEST_POINTER


@given(st.text(min_size=1))
def test_names_of_members_are_shown_safely(name: str) -> None:
    """Whatever a member is called, pointers and message have printable characters only."""
    content = json.dumps({name: 1, "attributes": {name: 1}}).encode()
    with pytest.raises(InvalidDocument) as invalid:
        Connection.parse("the.json", content)

    assert invalid.value.message.isprintable()
    assert all(problem.pointer.isprintable() for problem in invalid.value.problems)


def test_members_given_twice_at_any_depth() -> None:
    """They are found where they are."""
    content = json.dumps(SHORT_EXPORT)[:-1] + ', "deep": [[{"a": {"b/c": 1, "b/c": 2}}]]}'

    pointers = [problem.pointer for problem in refused(content.encode()).problems]

    assert pointers == ["/deep", "/deep/0/0/a/b~1c"]
