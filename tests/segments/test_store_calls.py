"""How many calls of the store discovery takes."""

from collections import Counter

import pytest

from shared.errors import InvalidSegment
from shared.segments import Segments
from tests.segments.building import EXPORT, LATER, RUN, Shelf, entity, partition, write_csv, write_model
from tests.support.stores import CountingStore

MODEL = f"{EXPORT}/model.json"
OLD = [f"{EXPORT}/Gold/{RUN}/{number}.csv" for number in (1, 2)]
NEW = [f"{EXPORT}/Gold/{LATER}/{number}.csv" for number in (1, 2)]
EXPORTS = [f"CI_{number}/Daily" for number in range(3)]


def test_one_call_for_all_segments_reads_each_model_once(shelf: Shelf) -> None:
    """At first sight, and later with names that need a walk, there is one read of each model and one walk."""
    listed = {
        f"S{export[3]}{n}": f"{export}/S{export[3]}{n}/{RUN}/1.csv" for export in EXPORTS for n in range(20)
    }
    bare = {f"B{n}": f"Plain/B{n}/{RUN}/1.csv" for n in range(5)}
    write_csv(shelf, *listed.values(), *bare.values())
    for export in EXPORTS:
        mine = {name: file for name, file in listed.items() if file.startswith(export)}
        write_model(shelf, *(entity(name, [file]) for name, file in mine.items()), folder=export)
    shelf.write("CI_4/Daily/model.json", b"{")
    shelf.age(600)
    store = CountingStore(shelf)
    segments = Segments(store)
    models = {("read", f"{export}/model.json"): 1 for export in (*EXPORTS, "CI_4/Daily")}

    for is_first in (True, False):
        store.calls.clear()
        assert segments.versions([*listed, *bare, "Unknown"]).keys() == {*listed, *bare}
        calls = Counter(store.calls)
        assert {call: count for call, count in calls.items() if call[0] == "read"} == models
        assert calls["level", ""] == 1
        run_folders = {("level", file.rpartition("/")[0]): 1 for file in listed.values()}
        assert run_folders.items() <= calls.items() if is_first else not run_folders.keys() & calls.keys()
        assert sum(count for (call, _), count in calls.items() if call == "stat") == 3 * is_first


def test_a_removed_model_costs_one_more_walk(shelf: Shelf) -> None:
    """The others are not read again."""
    for export in EXPORTS:
        write_csv(shelf, f"{export}/Gold/{RUN}/1.csv")
        write_model(shelf, entity(f"S{export[3]}", [f"{export}/Gold/{RUN}/1.csv"]), folder=export)
    store = CountingStore(shelf)
    segments = Segments(store)
    assert segments.versions(["S0", "S1", "S2"]).keys() == {"S0", "S1", "S2"}
    shelf.delete(f"{EXPORTS[0]}/model.json")
    store.calls.clear()

    assert segments.versions(["S0", "S1", "S2"]).keys() == {"S1", "S2"}
    reads = [name for call, name in store.calls if call == "read"]
    assert sorted(reads) == [f"{export}/model.json" for export in EXPORTS]


def test_an_invalid_model_raises_a_new_error_each_time(shelf: Shelf) -> None:
    """A kept error would grow its traceback with each raise, and keep the frames in it alive."""
    write_csv(shelf, f"{EXPORT}/Gold/{RUN}/1.csv")
    shelf.write(MODEL, b"{")
    shelf.age(600)
    view = Segments(shelf).view()
    errors, lengths = [], []

    for name in ("Gold", "Gold", "Unknown", "Unknown"):
        with pytest.raises(InvalidSegment, match="is not JSON in UTF-8") as refused:
            view.newest(name)
        assert refused.value.code == "invalid_model"
        errors.append(refused.value)
        lengths.append(len(refused.traceback))

    assert len(set(map(id, errors))) == 4
    assert lengths[0] == lengths[1]
    assert lengths[2] == lengths[3]


def test_without_a_change_only_the_models_are_read(shelf: Shelf) -> None:
    """For the segments of 200 exports, nothing is listed and no clock is read."""
    names = [f"Segment {number}" for number in range(200)]
    files = {name: f"{EXPORT}/{name}/{RUN}/1.csv" for name in names}
    write_csv(shelf, *files.values(), *NEW)
    write_model(shelf, *(entity(name, [partition(file.replace(" ", "%20"))]) for name, file in files.items()))
    write_model(shelf, entity("Gold", NEW), folder="CI_2/Daily")
    segments = Segments(shelf)
    first = segments.versions([*names, "Gold"])
    assert len(first) == 201
    shelf.calls.clear()

    assert segments.versions([*names, "Gold"]) == first
    assert sorted(shelf.calls) == ["read CI_2/Daily/model.json", f"read {MODEL}"]


def test_a_change_costs_one_listing(shelf: Shelf) -> None:
    """A new snapshot costs one listing of its run folder, and the others cost nothing."""
    other = f"{EXPORT}/Silver/{RUN}/1.csv"
    write_csv(shelf, *OLD, other)
    write_model(shelf, entity("Gold", OLD), entity("Silver", [other]))
    segments = Segments(shelf)
    before = segments.versions(["Gold", "Silver"])
    write_csv(shelf, *NEW)
    write_model(shelf, entity("Gold", NEW), entity("Silver", [other]))
    shelf.calls.clear()

    after = segments.versions(["Gold", "Silver"])

    assert after["Silver"] == before["Silver"]
    assert after["Gold"] > before["Gold"]
    assert shelf.calls == [f"read {MODEL}", f"level {EXPORT}/Gold/{LATER}", f"stat {MODEL}"]


def test_models_that_are_added_or_removed_are_noticed(shelf: Shelf) -> None:
    """A name that the known models lack is looked for everywhere."""
    segments = Segments(shelf)
    assert segments.versions(["Gold"]) == {}

    write_csv(shelf, *NEW)
    write_model(shelf, entity("Gold", NEW), folder="CI_2/Daily")
    assert segments.versions(["Gold"]).keys() == {"Gold"}

    shelf.delete("CI_2/Daily/model.json")
    write_model(shelf, entity("Gold", NEW), folder="CI_3/Daily")
    assert segments.versions(["Gold"]).keys() == {"Gold"}
    assert segments.newest("Gold").folder == f"{EXPORT}/Gold/{LATER}"
