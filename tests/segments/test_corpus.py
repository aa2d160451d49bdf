"""The hostile files in corpus/, each beside its promise, its rows and its refusals.

A row is a list of cells, a refused one the code of its reason. `error` is the message if the whole file is
refused, with P for its name. Every row that could leak contains the word `canary`.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.storage.folder import FolderStore
from shared.adapters.storage.store import Store
from shared.errors import InvalidSegment
from shared.segments import CsvFormat, Partition, Row, most_rows, read_rows, survey_rows

CORPUS = Path(__file__).parent / "corpus"
CASES = sorted(path for path in CORPUS.iterdir() if path.name.endswith((".csv", ".csv.gz")))


class Dripping(FolderStore):
    """A store whose chunks are one byte long."""

    def stream(self, name: str, *, etag: str, start_small: bool = False) -> Iterator[bytes]:
        for chunk in super().stream(name, etag=etag, start_small=start_small):
            yield from (bytes([byte]) for byte in chunk)


def expected(path: Path) -> Any:
    return json.loads((CORPUS / f"{path.name.partition('.')[0]}.json").read_text())


def pinned(store: Store, name: str) -> Partition:
    blob = store.stat(name)
    return Partition(blob.name, blob.etag, blob.size)


def rows_of(store: Store, path: Path) -> list[Row]:
    case = expected(path)
    csv_format = CsvFormat(case["has_header"], case["delimiter"])
    return list(read_rows(store, pinned(store, path.name), 7, csv_format, case["columns"]))


@pytest.mark.parametrize("store", [FolderStore(CORPUS), Dripping(CORPUS)], ids=["at once", "byte by byte"])
@pytest.mark.parametrize("path", [path for path in CASES if "rows" in expected(path)], ids=lambda p: p.name)
def test_every_row_is_read_or_refused_in_its_place(store: Store, path: Path) -> None:
    """All rows come in order, numbered from 1, the refused ones with their reason."""
    assert rows_of(store, path) == [
        (7, number, cells) for number, cells in enumerate(expected(path)["rows"], start=1)
    ]


@pytest.mark.parametrize("store", [FolderStore(CORPUS), Dripping(CORPUS)], ids=["at once", "byte by byte"])
@pytest.mark.parametrize("path", [path for path in CASES if "error" in expected(path)], ids=lambda p: p.name)
def test_a_file_that_is_not_csv_of_these_columns_is_an_error(store: Store, path: Path) -> None:
    """It names the file and what is wrong, without a value of a row, not even in a chained exception."""
    with pytest.raises(InvalidSegment) as refused:
        rows_of(store, path)

    error = refused.value
    assert error.message == expected(path)["error"].replace("P", path.name, 1)
    assert error.code == "invalid_csv"
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name)
def test_no_error_shows_a_value_of_a_row(path: Path) -> None:
    """A hostile file contains the canary; reasons and errors do not."""
    try:
        told = [cells for _, _, cells in rows_of(FolderStore(CORPUS), path) if isinstance(cells, str)]
    except InvalidSegment as error:
        told = [str(error), repr(error), error.code]

    assert "canary" not in " ".join(told)


@pytest.mark.parametrize("path", [path for path in CASES if "rows" in expected(path)], ids=lambda p: p.name)
@pytest.mark.parametrize("counts", [True, False])
def test_a_survey_never_has_fewer_rows(path: Path, counts: bool) -> None:
    """What it says is an upper bound, unless it says nothing, whether the rows are counted or not."""
    store, case = FolderStore(CORPUS), expected(path)
    partition, csv_format = pinned(store, path.name), CsvFormat(case["has_header"], case["delimiter"])

    survey = survey_rows(store, partition, csv_format, case["columns"], counts=counts)

    assert survey.most is None or survey.most >= len(case["rows"])
    assert (survey.most is None) == (path.suffix == ".gz" and not counts)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_survey_counts_rows(folder_store: Store, line_end: str) -> None:
    """The count is exact, however many lines a row has; without one, the estimate is near."""
    row = f'a,"b{line_end}b"{line_end}'
    folder_store.write("x.csv", f"A,B{line_end}{row * 10_001}".encode())
    partition = pinned(folder_store, "x.csv")
    counted, estimated = (
        survey_rows(folder_store, partition, CsvFormat(True), ["A", "B"], counts=counts)
        for counts in (True, False)
    )

    assert (counted.most, counted.about) == (10_001, 10_001)
    assert estimated.most == most_rows(partition) >= 10_001
    assert 10_001 * 0.9 < estimated.about < 10_001 * 1.1


def test_every_case_has_its_file() -> None:
    """No expectation lacks its file, and each has a promise."""
    assert {path.name.partition(".")[0] for path in CASES} == {path.stem for path in CORPUS.glob("*.json")}
    assert all(expected(path)["promise"].endswith(".") for path in CASES)
