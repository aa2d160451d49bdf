"""The parts of an open run, by themselves: places of posts, and refused rows."""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from sandbox.people import People
from shared import state
from shared.errors import Denied, LeaseLost, StorageUnavailable
from shared.profiles import Batch, Profile, Rejected
from shared.runs.advance import start
from shared.runs.lock.export import ExportLock
from shared.runs.lock.lease import TRUSTED_FOR
from shared.runs.starting import Request
from shared.runs.steps.parts import NO_PLACE, CheckedRows, Parts, RejectedLines, remove_parts
from shared.runs.steps.rejected import CHUNK, MOST_LISTED, RejectedFile, checked_line
from tests.support.stores import CountingStore, WatchedStore
from tests.support.world import World


@dataclass
class Held:
    """The parts of an open run, its lock, and a store that counts what they ask."""

    parts: Parts
    lock: ExportLock
    store: CountingStore
    run_id: str


@pytest.fixture
def held(world: World) -> Iterator[Held]:
    world.segment(People(1))
    run_id = start(world.services, "vip", Request("command", "tester")).id
    with ExportLock.acquire(world.services.state, "vip", world.clock) as lock:
        lock.store = store = CountingStore(world.services.state)
        yield Held(Parts(lock), lock, store, run_id)


def batch(*places: tuple[int, int]) -> Batch:
    """A batch of profiles from these rows."""
    return Batch([Profile(partition, row, bytes(15), bytes(7), b"{}") for partition, row in places])


PLACES = [
    [(0, 1)],
    [(0, 1), (0, 2), (0, 3)],
    [(0, 1), (0, 3), (0, 4)],
    [(0, 1), (1, 2), (1, 3)],
    [(0, 5), (1, 1), (2, 7), (2, 8), (3, 9)],
    [(2, 9), (2, 8)],
    [(0, row) for row in range(1, 10_001)],
]


@pytest.mark.parametrize("places", PLACES, ids=lambda places: f"{places[:5]}")
def test_places_are_read_as_they_were_written(held: Held, places: list[tuple[int, int]]) -> None:
    """In the order of the post, wherever its rows were."""
    held.parts.write_places("a", batch(*places))
    assert held.parts.read_places("a", len(places)) == places


@pytest.mark.parametrize("profiles", [0, 2, 4, 100])
def test_places_of_another_post_are_none(held: Held, profiles: int) -> None:
    """Rows of which one is missing, or too many, could be anybody's."""
    held.parts.write_places("a", batch((0, 1), (0, 2), (0, 3)))
    assert held.parts.read_places("a", profiles) == [NO_PLACE] * profiles


@pytest.mark.parametrize("content", [b"0,1,2\n0", b"0,1,2\n0,4,x", b"\xff"])
def test_places_that_are_cut_off_are_none(held: Held, content: bytes) -> None:
    """Even those before: the post had more."""
    held.store.write(state.places(held.run_id, "a"), content)
    assert held.parts.read_places("a", 2) == [NO_PLACE] * 2


class Broken(WatchedStore):
    """Raises the same error at each call of one kind."""

    def __init__(self, held: Held, what: str, error: Exception) -> None:
        super().__init__(held.store)
        self._what, self._error = what, error

    def called(self, what: str, name: str) -> None:
        if what == self._what:
            raise self._error


def test_a_part_that_may_come_back_is_waited_for(held: Held) -> None:
    """Three times; then the run does without it."""
    held.parts.write_places("a", batch((0, 1)))
    held.lock.store = Broken(held, "read", StorageUnavailable("away"))
    parts = Parts(held.lock)
    for _ in range(3):
        with pytest.raises(StorageUnavailable):
            parts.read_places("a", 1)
    assert parts.read_places("a", 1) == [NO_PLACE]


def test_what_can_be_removed_is_removed(held: Held) -> None:
    """Of the run's own parts; one that stays does no harm."""
    other = state.places("vip.20260824T143300Z-0000", "b")
    held.store.write(other, b"")
    held.parts.write_places("a", batch((0, 1)))
    remove_parts(Broken(held, "delete", Denied("no")), held.run_id)
    assert len(list(held.store.list(state.parts(held.run_id)))) == 1

    remove_parts(held.store, held.run_id)

    assert [blob.name for blob in held.store.list("runs/")] == [other]


def lose(world: World) -> None:
    """The holder was paused for longer than it believes in its lock, which is gone."""
    world.clock.sleep(TRUSTED_FOR + 1)
    (world.folder / "state/heads/vip.lock").unlink()


def test_nobody_writes_who_has_lost_the_export(world: World, held: Held) -> None:
    """Not a place, and not a refused row."""
    lose(world)
    writes: list[Callable[[], None]] = [
        lambda: held.parts.write_places("a", batch((0, 1))),
        lambda: held.parts.write_rejected("a", RejectedLines()),
    ]
    for write in writes:
        with pytest.raises(LeaseLost):
            write()
    assert list(held.store.list("runs/")) == []


def test_a_long_reading_ends_with_the_lock(world: World, held: Held) -> None:
    """Between two parts: the file that would be written is another holder's by now."""
    for name in ("a", "b"):
        held.parts.write_rejected(name, RejectedLines([Rejected(0, 1, "EMail", "invalid", "import")]))

    class Losing(WatchedStore):
        def called(self, what: str, name: str) -> None:
            if what == "read" and "a.rejected" in name:
                lose(world)

    held.lock.store = Losing(held.store)
    held.store.calls.clear()
    with pytest.raises(LeaseLost):
        Parts(held.lock).join_rejected(["a.csv"], {"a", "b"}, 0, 10)
    assert [name.rpartition("/")[2] for what, name in held.store.calls if what == "read"] == ["a.rejected"]


def test_a_row_that_two_parts_have_is_listed_once(held: Held) -> None:
    """Rows of our own checks come in their order; one at the same place, or an earlier one, is not new."""
    for number, rows in enumerate([(1, 2), (2, 3), (1, 4)]):
        lines = RejectedLines(Rejected(0, row, "", "missing_email") for row in rows)
        held.parts.write_rejected(state.checked_part(number), lines)

    assert held.parts.join_rejected(["a.csv"], set(), 10, 10) == 4

    content = held.store.read(state.rejected(held.run_id)).content.decode()
    assert [line["row"] for line in csv.DictReader(io.StringIO(content))] == ["1", "2", "3", "4"]


def test_a_part_is_written_when_it_is_full(held: Held) -> None:
    """So that memory does not grow with the refused rows, of which only so many are kept."""
    rows = CheckedRows(held.parts)
    item = Rejected(0, 1, "c" * (CHUNK // 4), "missing_email")
    for _ in range(9):
        rows.add(item)
    written = [blob.size for blob in held.store.list(state.checked_parts(held.run_id))]
    assert len(written) == 2
    assert all(CHUNK <= size < 2 * CHUNK for size in written)


def test_no_more_rows_are_kept_than_are_listed(held: Held) -> None:
    """The record counts the others."""
    rows = CheckedRows(held.parts)
    item = Rejected(0, 1, "", "r")
    for _ in range(MOST_LISTED + 5):
        rows.add(item)
    rows.flush()
    names = [blob.name for blob in held.store.list(state.checked_parts(held.run_id))]
    assert sum(held.store.read(name).content.count(b"\n") for name in names) == MOST_LISTED


@pytest.mark.parametrize(
    "cells",
    [
        ["0", "1", "EMail", "invalid"],
        ["0", "1", "EMail", "invalid", "check", ""],
        ["", "1", "EMail", "invalid", "check"],
        ["0", "-1", "EMail", "invalid", "check"],
        ["0" * 10, "1", "EMail", "invalid", "check"],
        ["0", "1" * 19, "EMail", "invalid", "check"],
        ["0,1", "1", "EMail", "invalid", "check"],
    ],
)
def test_only_a_refused_row_is_a_line(cells: list[str]) -> None:
    """Five cells, of which the first two are numbers that a row can have."""
    assert checked_line(["-1", "0", "", "unknown", "job"])
    assert checked_line(["1" * 9, "1" * 18, "", "invalid", "check"])
    with pytest.raises(ValueError, match="not a refused row"):
        checked_line(cells)


def test_the_file_comes_in_chunks_that_are_the_whole() -> None:
    """Each line once, in order; a row is placed where its partition is known, or where Klaviyo named none."""
    column = "c" * (CHUNK // 8)
    lines = [["0", f"{row}", column, "invalid", "check"] for row in range(1, 30)]
    lines += [["1", "5", "", "invalid", "check"], ["-1", "0", "", "unknown", "job"]]
    lines += [["-1", "0", "", "invalid", "job"]]
    file = RejectedFile(["a.csv"], lines)

    chunks = list(file.chunks())

    assert len(chunks) == 4
    header, *rows = csv.reader(io.StringIO(b"".join(chunks).decode()))
    assert header == ["partition", "row", "column", "reason", "stage"]
    assert rows[:29] == [["a.csv", f"{row}", column, "invalid", "check"] for row in range(1, 30)]
    assert [row[:2] for row in rows[29:]] == [["", ""]] * 3
    assert file.placed == 30
