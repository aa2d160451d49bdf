"""Locations in model.json, and the names of run folders and partitions."""

import pytest

from shared.segments.discovery.locations import NO_RUN, blob_name, natural_order, run_time, segment_folder

FILE = "CI_1/Daily/Gold/2026/08/24/1433/Gold_1.csv"


@pytest.mark.parametrize(
    ("location", "name"),
    [
        (f"https://acme.blob.core.windows.net/segments/{FILE}", FILE),
        (f"https://acme.dfs.core.windows.net/segments/{FILE}", FILE),
        (f"https://elsewhere.example.org:8443/segments/{FILE}", FILE),
        (f"https://acme.blob.core.windows.net/segments/{FILE}?snapshot=2026-08-24T14:40:00.0000000Z", FILE),
        (f"https://acme.blob.core.windows.net/segments/{FILE}?sv=1&sig=x#y", FILE),
        (f"http://127.0.0.1:10000/devstoreaccount1/segments/{FILE}", FILE),
        ("https://acme.blob.core.windows.net/segments/High%20value%2B/a%25b.csv", "High value+/a%b.csv"),
        ("https://acme.blob.core.windows.net/segments/B%C3%A4r/x+y.csv", "Bär/x+y.csv"),
        ("https://acme.blob.core.windows.net/segments/%252e%252e/x.csv", "%2e%2e/x.csv"),
        ("https://acme.blob.core.windows.net/segments/x.csv", "x.csv"),
    ],
)
def test_a_location_is_a_path_below_its_container(location: str, name: str) -> None:
    """Host, container and query are removed, percent escapes are decoded once, and nothing else changes."""
    assert blob_name(location) == name


@pytest.mark.parametrize(
    "path",
    [
        "../other/x.csv",
        "a/../../x.csv",
        "a/%2e%2e/x.csv",
        "a/%2E./x.csv",
        "a/./x.csv",
        "a//x.csv",
        "a/%2Fx.csv",
        "a%2fx.csv",
        "a%5cx.csv",
        "a\\x.csv",
        "%00.csv",
        "x%0a.csv",
        "%ff.csv",
        "",
    ],
)
def test_a_location_that_leads_elsewhere_is_refused(path: str) -> None:
    """No `..`, no empty part, no slash in disguise, no control character, no broken UTF-8."""
    assert blob_name(f"https://acme.blob.core.windows.net/segments/{path}") is None


@pytest.mark.parametrize(
    "location", ["", "x.csv", "/segments/x.csv", "file:///etc/passwd", "ftp://a/b/c", "https://[a/b/c"]
)
def test_only_a_url_is_a_location(location: str) -> None:
    """A path or another scheme is refused."""
    assert blob_name(location) is None


@pytest.mark.parametrize(
    ("folder", "above", "time"),
    [
        ("CI_1/Daily/Gold/2026/08/24/1433", "CI_1/Daily/Gold", "202608241433"),
        ("2026/08/24/1433", "", "202608241433"),
        ("Gold/2026/08/24", "Gold/2026/08/24", NO_RUN),
        ("Gold/2026/08/24/143", "Gold/2026/08/24/143", NO_RUN),
        ("Gold/2026/08/24/1433/more", "Gold/2026/08/24/1433/more", NO_RUN),
        ("Gold", "Gold", NO_RUN),
    ],
)
def test_a_run_folder_shows_its_segment_and_its_time(folder: str, above: str, time: str) -> None:
    """A folder that ends in yyyy/MM/dd/HHmm is a run folder; any other is not."""
    assert segment_folder(folder) == above
    assert run_time(folder) == time


@pytest.mark.parametrize(
    "names",
    [
        ["Gold.csv", "Gold_1.csv", "Gold_2.csv", "Gold_10.csv", "Gold_100.csv"],
        ["part-00002-b.csv", "part-00010-a.csv"],
        ["Gold_2.csv.gz", "Gold_10.csv.gz"],
        ["1.csv", "2.csv", "Gold.csv", "\u0663"],
    ],
)
def test_partitions_are_ordered_by_their_numbers(names: list[str]) -> None:
    """The tenth partition comes after the second; a name may begin with a number, or have none."""
    for start in range(len(names)):
        assert sorted(names[start:] + names[:start], key=natural_order) == names
